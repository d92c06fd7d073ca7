/** The image service of another region, as far as a clone writes to it: any Image API of version 2. */
import { Failure } from '../base/failure.ts';
import type { Fetcher } from '../base/fetch/fetcher.ts';
import { isPassing, leaveInPeace } from '../base/fetch/retry-after.ts';

export interface RegionAddress {
  /** As the user calls it. */
  readonly region: string;
  /** Without version. */
  readonly endpoint: string;
}

/** What an image service says of the data that it has. */
export interface StoredThere {
  readonly status: string;
  /** Bytes. */
  readonly size: number | null;
  readonly checksum: string | null;
  readonly os_hash_algo: string | null;
  readonly os_hash_value: string | null;
}

type Call = Parameters<Fetcher['exchange']>[1];
type Answer = Awaited<ReturnType<Fetcher['exchange']>>;
type Asked = Pick<Call, 'method' | 'body' | 'headers'>;

/** Milliseconds for an answer to anything but data. */
const patienceMs = 60_000;
/** Characters of what a service says. */
const longest = 300;

/**
 * Every method fails with region_unauthorized when the token is not taken, region_refused when the service does not want
 * it, region_unavailable when it has troubles of its own or cannot be reached, or the reason of `signal`.
 */
export class OtherRegion {
  readonly #fetcher: Fetcher;
  readonly #address: RegionAddress;
  readonly #token: string | null;

  /** `token` is shown to the service. */
  constructor(fetcher: Fetcher, address: RegionAddress, token: string | null) {
    this.#fetcher = fetcher;
    this.#address = address;
    this.#token = token;
  }

  /** Fails unless there is an image service that takes the token. */
  async greet(signal: AbortSignal): Promise<void> {
    const answer = await this.#ask('/v2/images?limit=1', { method: 'GET' }, signal);
    if (answer.status !== 200) throw this.#refusal('the token', answer);
    if (!Array.isArray(parse(answer)?.images))
      throw new Failure('region_refused', `What answers in ${this.#name} is no image service.`);
  }

  async create(record: object, signal: AbortSignal): Promise<void> {
    const headers = { 'Content-Type': 'application/json' };
    const asked = { method: 'POST', headers, body: JSON.stringify(record) } as const;
    const answer = await this.#ask('/v2/images', asked, signal);
    if (answer.status !== 201) throw this.#refusal('the record', answer);
  }

  /** Resolves when the service has the data safe. `body` is pulled as the service takes it. */
  async send(
    id: string,
    { headers, body }: Pick<Asked, 'headers' | 'body'>,
    signal: AbortSignal,
  ): Promise<void> {
    const all = { ...headers, 'Content-Type': 'application/octet-stream' };
    const asked = { method: 'PUT', headers: all, body } as const;
    const answer = await this.#ask(`/v2/images/${id}/file`, asked, signal, null);
    if (answer.status !== 204) throw this.#refusal('the data', answer);
  }

  /** Null when there is no such image. */
  async find(id: string, signal: AbortSignal): Promise<StoredThere | null> {
    const answer = await this.#ask(`/v2/images/${id}`, { method: 'GET' }, signal);
    if (answer.status === 404) return null;
    const record = answer.status === 200 ? parse(answer) : null;
    if (record === null) throw this.#refusal('to show the image', answer);
    const text = (value: unknown) => (typeof value === 'string' ? value : null);
    return {
      status: String(record.status),
      size: typeof record.size === 'number' ? record.size : null,
      checksum: text(record.checksum),
      os_hash_algo: text(record.os_hash_algo),
      os_hash_value: text(record.os_hash_value),
    };
  }

  /** Whether or not it is there. */
  async remove(id: string, signal: AbortSignal): Promise<void> {
    const answer = await this.#ask(`/v2/images/${id}`, { method: 'DELETE' }, signal);
    if (answer.status !== 404 && (answer.status < 200 || answer.status > 299))
      throw this.#refusal('to delete the image', answer);
  }

  get #name(): string {
    return `region '${this.#address.region}'`;
  }

  async #ask(
    path: string,
    { headers, ...asked }: Asked,
    signal: AbortSignal,
    answerMs: number | null = patienceMs,
  ): Promise<Answer> {
    const token: Record<string, string> = this.#token === null ? {} : { 'X-Auth-Token': this.#token };
    const all = { ...headers, ...token };
    try {
      const url = `${this.#address.endpoint}${path}`;
      const answer = await this.#fetcher.exchange(url, { ...asked, headers: all, answerMs, signal });
      await leaveInPeace(answer.pauseMs, signal);
      return answer;
    } catch (error) {
      throw this.#told(error);
    }
  }

  /** Trouble of the data, or the end of the attempt, is not that of the region. */
  #told(error: unknown): unknown {
    if (!(error instanceof Failure)) return error;
    const why = troubles[error.code];
    if (why === undefined) return error;
    return new Failure('region_unavailable', `The image service of ${this.#name} ${why}.`, { cause: error });
  }

  #refusal(what: string, answer: Answer): Failure {
    const { status } = answer;
    const said = `${status}${sentence(answer)}`;
    if (status === 401)
      return new Failure(
        'region_unauthorized',
        `The image service of ${this.#name} does not take the token: it may have run out. Get a new one and retry with that.`,
      );
    if (isPassing(status))
      return new Failure('region_unavailable', `The image service of ${this.#name} has trouble: ${said}`);
    return new Failure('region_refused', `The image service of ${this.#name} refused ${what}: ${said}`);
  }
}

const troubles: Partial<Record<Failure['code'], string>> = {
  source_unreachable: 'cannot be reached, or broke off',
  source_stalled: 'does not answer',
  source_unavailable: 'gives an answer that makes no sense',
};

function parse({ text }: Answer): Record<string, unknown> | null {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : null;
  } catch {
    return null;
  }
}

/** What it says about itself, where that is a sentence and no page. */
function sentence(answer: Answer): string {
  const { error, message } = parse(answer) ?? {};
  const inner = typeof error === 'object' && error !== null && 'message' in error ? error.message : message;
  return typeof inner === 'string' && !inner.includes('<') ? ` ${inner.slice(0, longest)}` : '';
}
