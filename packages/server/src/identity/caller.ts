/** Who is asking, as established by the identity mode; nothing else in the request counts. */

export interface Caller {
  readonly userId: string | null;
  /** null: a caller without a project. */
  readonly projectId: string | null;
  /** In lower case. */
  readonly roles: ReadonlySet<string>;
  /** The domain a token is scoped to, when it is scoped to one. */
  readonly domainId: string | null;
  /** `all` for a token scoped to the whole system. */
  readonly systemScope: string | null;
  readonly userDomainId: string | null;
  readonly projectDomainId: string | null;
  /** Of the service that asks on the user's behalf; empty when none does. */
  readonly serviceRoles: ReadonlySet<string>;
}

/** What an identity mode knows; the rest is null or empty. */
export type CallerFacts = Partial<Omit<Caller, 'roles' | 'serviceRoles'>> & {
  readonly roles: readonly string[];
  readonly serviceRoles?: readonly string[];
};

/** Roles imply those below them (admin, member, reader), as the identity service's default hierarchy does. */
const implied: ReadonlyMap<string, readonly string[]> = new Map([
  ['admin', ['member', 'reader']],
  ['member', ['reader']],
]);

/** What `createCaller` makes the same caller of, as it can be kept. */
export function factsOf(caller: Caller): {
  [K in keyof Caller]: Caller[K] extends ReadonlySet<string> ? string[] : Caller[K];
} {
  return { ...caller, roles: [...caller.roles], serviceRoles: [...caller.serviceRoles] };
}

function roleSet(roles: readonly string[]): ReadonlySet<string> {
  const all = new Set<string>();
  for (const role of roles.map((name) => name.trim().toLowerCase()).filter((name) => name !== '')) {
    all.add(role);
    for (const lower of implied.get(role) ?? []) all.add(lower);
  }
  return all;
}

/** The caller with the roles of the service that asks on the user's behalf: only for what services may do. */
export function withServiceRoles(caller: Caller): Caller {
  if (caller.serviceRoles.size === 0) return caller;
  return { ...caller, roles: new Set([...caller.roles, ...caller.serviceRoles]) };
}

export function createCaller(facts: CallerFacts): Caller {
  return {
    userId: null,
    projectId: null,
    domainId: null,
    systemScope: null,
    userDomainId: null,
    projectDomainId: null,
    ...facts,
    roles: roleSet(facts.roles),
    serviceRoles: roleSet(facts.serviceRoles ?? []),
  };
}
