/** The token of a swift store and the account that it opens: asked for when needed, and again when it has run out. */
import { Failure } from '../../base/failure.ts';
import type { SwiftStoreOptions } from './options.ts';
import { header, type Wire } from './wire.ts';

export interface Access {
  readonly token: string;
  /** URL of the account. */
  readonly storageUrl: string;
}

interface Endpoint {
  readonly interface: string;
  readonly region?: string;
  readonly url: string;
}

interface TokenBody {
  readonly token: { readonly catalog?: readonly { type: string; endpoints: readonly Endpoint[] }[] };
}

export class TokenSource {
  readonly #wire: Wire;
  readonly #options: SwiftStoreOptions;
  #access: Promise<Access> | null = null;

  constructor(wire: Wire, options: SwiftStoreOptions) {
    this.#wire = wire;
    this.#options = options;
  }

  /** Many requests at once ask for one token. */
  async access(): Promise<Access> {
    const asking = this.#access ?? this.#ask();
    this.#access = asking;
    try {
      return await asking;
    } catch (error) {
      if (this.#access === asking) this.#access = null;
      throw error;
    }
  }

  /** Swift does not take this one any more. */
  async refuse({ token }: Access): Promise<void> {
    const asking = this.#access;
    const known = await asking?.catch(() => null);
    if (known?.token === token && this.#access === asking) this.#access = null;
  }

  async #ask(): Promise<Access> {
    const { authVersion, storageUrl } = this.#options;
    const access = authVersion === 'v1' ? await this.#askV1() : await this.#askKeystone();
    return { token: access.token, storageUrl: (storageUrl ?? access.storageUrl).replace(/\/$/, '') };
  }

  async #askV1(): Promise<Access> {
    const { authUrl, user, key } = this.#options;
    const headers = { 'X-Auth-User': user, 'X-Auth-Key': key };
    const answer = await this.#wire.text({ method: 'GET', url: authUrl, headers });
    const [token, storageUrl] = [header(answer, 'x-auth-token'), header(answer, 'x-storage-url')];
    if (token === null || storageUrl === null) throw new Error('the answer of authUrl has no token');
    return { token, storageUrl };
  }

  async #askKeystone(): Promise<Access> {
    const { authUrl, user, key, project, userDomain, projectDomain, storageUrl } = this.#options;
    const password = { user: { name: user, domain: { name: userDomain }, password: key } };
    const scope = { project: { name: project, domain: { name: projectDomain } } };
    const answer = await this.#wire.text({
      method: 'POST',
      url: `${authUrl.replace(/\/$/, '')}/auth/tokens`,
      headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
      body: JSON.stringify({ auth: { identity: { methods: ['password'], password }, scope } }),
    });
    const token = header(answer, 'x-subject-token');
    if (token === null) throw new Error('the answer of authUrl has no token');
    return { token, storageUrl: storageUrl ?? this.#endpointIn(JSON.parse(answer.text) as TokenBody) };
  }

  #endpointIn({ token }: TokenBody): string {
    const { id, interface: wanted, region } = this.#options;
    const endpoints = (token.catalog ?? [])
      .filter(({ type }) => type === 'object-store')
      .flatMap((service) => service.endpoints);
    const found = endpoints.find(
      (endpoint) => endpoint.interface === wanted && (region === null || endpoint.region === region),
    );
    if (found === undefined)
      throw new Failure(
        'store_unavailable',
        `Store ${id}: the catalogue has no ${wanted} endpoint of an object store${region === null ? '' : ` in region ${region}`}.`,
      );
    return found.url;
  }
}
