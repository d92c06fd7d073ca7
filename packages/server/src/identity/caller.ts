/** Who is asking, as established by the identity mode; nothing else in the request counts. */

export interface Caller {
  readonly userId: string | null;
  /** null: a caller without a project. */
  readonly projectId: string | null;
  /** In lower case. */
  readonly roles: ReadonlySet<string>;
}

/** Roles imply those below them (admin, member, reader), as the identity service's default hierarchy does. */
const implied: Readonly<Record<string, readonly string[]>> = {
  admin: ['member', 'reader'],
  member: ['reader'],
};

export function createCaller(
  userId: string | null,
  projectId: string | null,
  roles: readonly string[],
): Caller {
  const all = new Set<string>();
  for (const role of roles.map((name) => name.trim().toLowerCase()).filter((name) => name !== '')) {
    all.add(role);
    for (const lower of implied[role] ?? []) all.add(lower);
  }
  return { userId, projectId, roles: all };
}
