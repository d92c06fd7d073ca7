/** The requests that a swift store makes: with a token that is renewed, repeated when that helps, each failure told. */
import { createHash } from 'node:crypto';
import { Failure } from '../../base/failure.ts';
import type { OpenedObject } from '../open-reader.ts';
import { type RetryRules, retrying } from '../retry.ts';
import type { ByteRange, StoreCapacity } from '../store.ts';
import { keyAt, type Spot, segmentsOf } from './containers.ts';
import { isDefinite, passes, statusOf, told } from './errors.ts';
import type { SwiftStoreOptions } from './options.ts';
import { capacityOf, countedIn } from './room.ts';
import { temporaryUrl } from './temporary-url.ts';
import { TokenSource } from './token.ts';
import { type Answer, type Ask, header, Wire } from './wire.ts';

export interface HeadOfObject {
  readonly size: number;
  readonly isLarge: boolean;
  /** The upload whose segments it is made of. */
  readonly upload: string | null;
}

export interface Segment {
  readonly path: string;
  readonly etag: string;
  readonly size_bytes: number;
}

/** An entry of a listing: an object, or what several names begin with. */
export interface Entry {
  readonly name?: string;
  readonly bytes?: number;
  /** Without the zone, which is UTC. */
  readonly last_modified?: string;
  readonly subdir?: string;
}

type Request = Omit<Ask, 'url'> & {
  /** `container` or `container/name`, not encoded; empty: the account. */
  readonly path: string;
  readonly query?: string;
};

const uploadHeader = 'X-Object-Meta-Tintype-Upload';
/** Of the containers that a store has made besides its own: the name of that. */
const storeHeader = 'X-Container-Meta-Tintype-Store';

export class Account {
  readonly #wire: Wire;
  readonly #tokens: TokenSource;
  readonly #options: SwiftStoreOptions;
  readonly #retry: RetryRules;
  /** Containers that are there, with those for their segments. */
  readonly #made = new Set<string>();

  constructor(options: SwiftStoreOptions) {
    this.#wire = new Wire(options);
    this.#tokens = new TokenSource(this.#wire, options);
    this.#options = options;
    this.#retry = { withinMs: options.idleTimeout * 500, delayMs: 200, attempts: 5 };
  }

  get container(): string {
    return this.#options.container;
  }

  /** Fails unless the container is there and ours. */
  async check(): Promise<void> {
    await this.#done({ method: 'HEAD', path: this.container });
  }

  async capacity(): Promise<StoreCapacity> {
    const account = await this.#done({ method: 'HEAD', path: '' }).then(
      (answer) => countedIn(answer, 'account'),
      (error) => {
        // Who may use one container may not look at all of them.
        if (statusOf((error as Error).cause) !== 403) throw error;
        return null;
      },
    );
    if (this.#options.containerFor !== 'store') return capacityOf(account, null, null);
    const count = async (path: string) => countedIn(await this.#done({ method: 'HEAD', path }), 'container');
    const [own, segments] = [await count(this.container), await count(segmentsOf(this.container))];
    return capacityOf(account, own, segments);
  }

  /** Makes a container, and that for its segments. `false`: Swift does not answer now. */
  async prepare(container: string = this.container): Promise<boolean> {
    if (this.#made.has(container)) return true;
    const headers: Record<string, string> =
      container === this.container ? {} : { [storeHeader]: encodeURIComponent(this.container) };
    try {
      for (const path of [container, segmentsOf(container)])
        await this.#ask({ method: 'PUT', path, headers }, close);
      this.#made.add(container);
      return true;
    } catch (error) {
      if (error instanceof Failure) throw error;
      if (!isDefinite(error)) return false;
      const { id } = this.#options;
      throw new Failure('store_unavailable', `Store ${id}: container ${container} cannot be used.`, {
        cause: error,
      });
    }
  }

  /** The next `prepare` makes it again. */
  forget(container: string): void {
    this.#made.delete(container);
  }

  /** All that objects of this store may be in: its own first, then those that it has made under names of the same beginning. */
  async *containers(): AsyncGenerator<string> {
    yield this.container;
    const prefix = `${this.container}_`;
    try {
      for await (const { name } of this.list('', prefix, '')) {
        if (name === undefined || keyAt(this.#options, { container: name, name: 'any' }) === null) continue;
        if (this.#made.has(name) || (await this.#isMade(name))) yield name;
      }
    } catch (error) {
      // Who may use one container may not look for others, and has not made any.
      if (this.#options.containerFor !== 'store' || statusOf((error as Error).cause) !== 403) throw error;
    }
  }

  /** Null when there is none. */
  async head(at: Spot, signal?: AbortSignal): Promise<HeadOfObject | null> {
    const answer = await this.#find({ method: 'HEAD', path: pathOf(at), signal });
    if (answer === null) return null;
    answer.body.destroy();
    return {
      size: Number(header(answer, 'content-length')),
      isLarge: header(answer, 'x-static-large-object')?.toLowerCase() === 'true',
      upload: header(answer, uploadHeader.toLowerCase()),
    };
  }

  /** Null when there is none; fails with range_not_satisfiable when `first` is beyond its end. */
  async get(
    at: Spot,
    range: ByteRange | null,
    etag: string | null,
    signal?: AbortSignal,
  ): Promise<OpenedObject | null> {
    const headers = {
      ...(range === null ? {} : { Range: `bytes=${range.first}-${range.last}` }),
      ...(etag === null ? {} : { 'If-Match': etag }),
    };
    const answer = await this.#find({ method: 'GET', path: pathOf(at), headers, signal, isWatched: true });
    if (answer === null) return null;
    const total = /\/(\d+)$/.exec(header(answer, 'content-range') ?? '')?.[1];
    const size = Number(total ?? header(answer, 'content-length') ?? Number.NaN);
    if (Number.isSafeInteger(size)) return { body: answer.body, size, etag: header(answer, 'etag') };
    answer.body.destroy();
    throw new Failure('store_unavailable', `Store ${this.#options.id} does not say how large an object is.`);
  }

  /** In one piece. Fails with image_exists. */
  async put(at: Spot, bytes: Buffer): Promise<void> {
    await this.#onlyNew({ path: pathOf(at), headers: checked(bytes), body: bytes });
  }

  async putSegment(at: Spot, bytes: Buffer, signal: AbortSignal): Promise<Segment> {
    const path = segmentPathOf(at);
    const headers = checked(bytes);
    const answer = await this.#done({ method: 'PUT', path, headers, body: bytes, signal });
    return { path: `/${path}`, etag: unquoted(answer), size_bytes: bytes.length };
  }

  /** A manifest among the segments, itself to be a segment. */
  async putInnerManifest(at: Spot, parts: readonly Segment[]): Promise<Segment> {
    const path = segmentPathOf(at);
    const put = {
      method: 'PUT',
      path,
      query: 'multipart-manifest=put',
      body: JSON.stringify(parts),
    } as const;
    const answer = await this.#done(put);
    const size = parts.reduce((sum, { size_bytes }) => sum + size_bytes, 0);
    return { path: `/${path}`, etag: unquoted(answer), size_bytes: size };
  }

  /** From here on the object is there. Fails with image_exists. */
  async putManifest(at: Spot, upload: string, parts: readonly Segment[]): Promise<void> {
    await this.#onlyNew({
      path: pathOf(at),
      query: 'multipart-manifest=put',
      headers: { [uploadHeader]: upload, 'Content-Type': 'application/octet-stream' },
      body: JSON.stringify(parts),
    });
  }

  /** With all its segments; one that is not there is fine. */
  async delete(at: Spot, signal?: AbortSignal): Promise<void> {
    const found = await this.head(at, signal);
    if (found !== null) await this.#remove(pathOf(at), found.isLarge, signal);
  }

  async deleteSegment(at: Spot, signal?: AbortSignal): Promise<void> {
    await this.#remove(segmentPathOf(at), false, signal);
  }

  /** At which the object can be read by whoever has the URL. */
  async signedUrlOf(at: Spot): Promise<string> {
    const { redirectEndpoint, redirectSeconds, temporaryUrlKey } = this.#options;
    const { storageUrl } = await this.#told(() => this.#tokens.access());
    const { pathname } = new URL(`${storageUrl}/${encoded(pathOf(at))}`);
    return temporaryUrl(new URL(pathname, redirectEndpoint ?? storageUrl), temporaryUrlKey!, redirectSeconds);
  }

  /** Of a container, or of the containers when that is empty. */
  async *list(container: string, prefix: string, delimiter: string): AsyncGenerator<Entry> {
    for (let marker = ''; ; ) {
      const query = new URLSearchParams({ format: 'json', limit: '5000', marker, prefix, delimiter });
      const text = await this.#told(() =>
        this.#ask({ method: 'GET', path: container, query: String(query) }, read),
      );
      const page = (text === '' ? [] : JSON.parse(text)) as Entry[];
      yield* page;
      const last = page.at(-1);
      if (last === undefined) return;
      marker = last.name ?? last.subdir!;
    }
  }

  async close(): Promise<void> {
    await this.#wire.close();
  }

  async #isMade(container: string): Promise<boolean> {
    const answer = await this.#done({ method: 'HEAD', path: container });
    const isOurs = header(answer, storeHeader.toLowerCase()) === encodeURIComponent(this.container);
    if (isOurs) this.#made.add(container);
    return isOurs;
  }

  /** The last object to go is the one that names the others, so that what was interrupted can be repeated. */
  async #remove(path: string, isLarge: boolean, signal: AbortSignal | undefined): Promise<void> {
    const query = isLarge ? 'multipart-manifest=delete' : '';
    const headers = { Accept: 'application/json' };
    const text = await this.#told(
      () => this.#ask({ method: 'DELETE', path, query, headers, signal }, read),
      signal,
    ).catch((error) => {
      if (statusOf((error as Error).cause) === 404) return null;
      throw error;
    });
    if (!isLarge || text === null) return;
    const said = JSON.parse(text) as { 'Response Status'?: string; Errors?: unknown[] };
    if (!/^(200|404)/.test(said['Response Status'] ?? '') || (said.Errors?.length ?? 0) > 0)
      throw new Failure('store_unavailable', `Store ${this.#options.id} could not remove all of an object.`, {
        cause: new Error(text.slice(0, 500)),
      });
  }

  /** Null when it is the object that is missing, and not its container. */
  async #find(request: Request): Promise<Answer | null> {
    const { signal } = request;
    try {
      return await this.#ask(request, async (answer) => answer);
    } catch (error) {
      signal?.throwIfAborted();
      const { id } = this.#options;
      if (statusOf(error) === 404) {
        await this.check();
        return null;
      }
      if (statusOf(error) === 416)
        throw new Failure('range_not_satisfiable', 'The object ends before this range.', { cause: error });
      if (statusOf(error) === 412)
        throw new Failure('store_unavailable', `Store ${id} has another object there now.`, { cause: error });
      throw told(error, id);
    }
  }

  /** Repeated, it comes without the condition: the object may be its own then. */
  async #onlyNew(request: Omit<Request, 'method'>): Promise<void> {
    let calls = 0;
    await this.#told(() =>
      this.#ask(() => {
        calls += 1;
        const condition: Record<string, string> = calls === 1 ? { 'If-None-Match': '*' } : {};
        return { ...request, method: 'PUT', headers: { ...request.headers, ...condition } };
      }, close),
    );
  }

  #done(request: Request): Promise<Answer> {
    return this.#told(() => this.#ask(request, close), request.signal);
  }

  async #told<T>(call: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    try {
      return await call();
    } catch (error) {
      signal?.throwIfAborted();
      throw told(error, this.#options.id);
    }
  }

  async #ask<T>(made: Request | (() => Request), take: (answer: Answer) => Promise<T>): Promise<T> {
    const { signal } = typeof made === 'function' ? { signal: undefined } : made;
    return await retrying(this.#retry, passes, signal, async () => {
      const request = typeof made === 'function' ? made() : made;
      return await take(await this.#withToken(request));
    });
  }

  /** A token may run out at any time: then the same request is made with a new one. */
  async #withToken({ path, query = '', headers, ...rest }: Request): Promise<Answer> {
    for (let isNew = false; ; isNew = true) {
      const access = await this.#tokens.access();
      const url = `${access.storageUrl}${path && `/${encoded(path)}`}${query && `?${query}`}`;
      try {
        return await this.#wire.ask({ ...rest, url, headers: { ...headers, 'X-Auth-Token': access.token } });
      } catch (error) {
        if (statusOf(error) !== 401 || isNew) throw error;
        await this.#tokens.refuse(access);
      }
    }
  }
}

function pathOf({ container, name }: Spot): string {
  return `${container}/${name}`;
}

function segmentPathOf({ container, name }: Spot): string {
  return `${segmentsOf(container)}/${name}`;
}

function encoded(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

/** Swift holds what arrives against it. */
function checked(bytes: Buffer): Record<string, string> {
  const digest = createHash('md5').update(bytes).digest('hex');
  return { ETag: digest, 'Content-Type': 'application/octet-stream' };
}

function unquoted(answer: Answer): string {
  return (header(answer, 'etag') ?? '').replaceAll('"', '');
}

async function close(answer: Answer): Promise<Answer> {
  for await (const _ of answer.body);
  return answer;
}

async function read(answer: Answer): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer.body as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
