/** One request and its answer: address, token, and every way it can fail turned into this package's errors. */
import type { FailureCode } from '@tintype/contract';
import { parseEndpoint } from './endpoint.ts';
import { readErrorBody } from './error-body.ts';
import { ConnectionError, ImageApiError, ProtocolError, TokenError } from './errors.ts';
import { explainFetchFailure } from './fetch-failure.ts';

export interface ConnectionOptions {
  /** `http://host:9292`, with or without `/v2`; a path prefix is kept. */
  readonly endpoint: string;
  readonly token?: string;
  /** Header that carries the token; `X-Auth-Token` unless given. */
  readonly tokenHeader?: string;
  /** Used instead of the global fetch. */
  readonly fetch?: typeof globalThis.fetch;
  /** Browsers do not let pages set it. */
  readonly userAgent?: string;
}

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the endpoint, with the version: `/v2/images`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Blob | Uint8Array | ReadableStream<Uint8Array>;
  readonly signal?: AbortSignal;
  /** Sent without the token. */
  readonly open?: true;
  /** Statuses to hand back that would otherwise be errors. */
  readonly accept?: readonly number[];
}

/** The part of Response that is used here. */
export interface Answer {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: ReadableStream<Uint8Array> | null;
}

interface FetchOptions extends Pick<ApiRequest, 'method' | 'body' | 'signal'> {
  readonly headers: Record<string, string>;
  readonly redirect: 'manual' | 'error';
  readonly duplex?: 'half';
}

type Fetch = (address: string, options: FetchOptions) => Promise<Answer>;

const longestErrorBody = 65_536;

export class Connection {
  /** Without version and final slash. */
  readonly endpoint: string;
  readonly #fetch: Fetch;
  readonly #own: Record<string, string>;
  readonly #credentials: Record<string, string>;

  constructor(options: ConnectionOptions) {
    this.endpoint = parseEndpoint(options.endpoint);
    this.#fetch = (options.fetch ?? globalThis.fetch.bind(globalThis)) as unknown as Fetch;
    this.#own = options.userAgent === undefined ? {} : { 'User-Agent': options.userAgent };
    this.#credentials =
      options.token === undefined ? {} : { [options.tokenHeader ?? 'X-Auth-Token']: options.token };
    // Checked here because fetch would repeat the token in its own error.
    if (!/^[\x20-\x7e]*$/.test(options.token ?? '')) {
      throw new TokenError('the token holds characters that no token has');
    }
  }

  /** The answer when its status is 2xx or accepted. Throws ImageApiError, ConnectionError, ProtocolError, or the reason of an abort. */
  async send(request: ApiRequest): Promise<Answer> {
    const headers = { ...this.#own, ...(request.open ? {} : this.#credentials), ...request.headers };
    let answer: Answer;
    try {
      answer = await this.#fetch(this.endpoint + request.path, {
        method: request.method,
        headers,
        body: request.body,
        signal: request.signal,
        ...transferOptions(request.body),
      });
    } catch (thrown) {
      throw this.failure(thrown, request.signal);
    }
    if ((answer.status >= 200 && answer.status < 300) || request.accept?.includes(answer.status))
      return answer;
    throw await this.#refusal(answer);
  }

  /**
   * What the address gives that a redirecting answer names, asked without the token; null when the address is none to follow,
   * or does not give what was asked for. Throws the reason of an abort.
   */
  async follow(
    redirecting: Answer,
    headers: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): Promise<{ readonly answer: Answer; readonly from: string } | null> {
    await redirecting.body?.cancel();
    const address = URL.parse(redirecting.headers.get('location') ?? '');
    const isSafe = address?.protocol === 'https:' || !this.endpoint.startsWith('https:');
    if (address === null || !/^https?:$/.test(address.protocol) || !isSafe) return null;
    const answer = await this.take(address, headers, signal).catch(() => null);
    signal?.throwIfAborted();
    return answer === null ? null : { answer, from: address.origin };
  }

  /** What this address gives, asked without the token. Throws ConnectionError, ProtocolError for another status than 200 and 206, or the reason of an abort. */
  async take(address: URL, headers: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<Answer> {
    const options = { method: 'GET', headers: { ...this.#own, ...headers }, redirect: 'manual' } as const;
    const answer = await this.#fetch(address.href, { ...options, signal }).catch((thrown) => {
      throw this.failure(thrown, signal, address.origin);
    });
    if (answer.status === 200 || answer.status === 206) return answer;
    await answer.body?.cancel();
    throw new ProtocolError(`${address.origin} answered ${answer.status} to a request for data`);
  }

  /** The answer's JSON object. */
  async json<T>(request: ApiRequest): Promise<T> {
    const answer = await this.send({
      ...request,
      headers: { Accept: 'application/json', ...request.headers },
    });
    return await this.object<T>(answer, request.signal);
  }

  /** The JSON object in an answer. */
  async object<T>(answer: Answer, signal?: AbortSignal): Promise<T> {
    const text = await this.text(answer, signal);
    try {
      const value: unknown = JSON.parse(text);
      if (typeof value === 'object' && value !== null) return value as T;
    } catch {
      // Told below, as for JSON that is no object.
    }
    throw new ProtocolError(`${this.endpoint} answered something other than JSON: is it an Image API?`);
  }

  /** The whole body, or its first `most` bytes. */
  async text(answer: Answer, signal?: AbortSignal, most = Number.POSITIVE_INFINITY): Promise<string> {
    if (answer.body === null) return '';
    const decoder = new TextDecoder();
    const reader = answer.body.getReader();
    let text = '';
    try {
      for (let taken = 0; taken < most; ) {
        const { done, value } = await reader.read();
        if (done) return text + decoder.decode();
        taken += value.length;
        text += decoder.decode(value, { stream: true });
      }
      await reader.cancel();
      return text;
    } catch (thrown) {
      throw this.failure(thrown, signal);
    }
  }

  /** What a rejected fetch or a broken body means, of an answer that came `from` there. */
  failure(thrown: unknown, signal?: AbortSignal, from = this.endpoint): unknown {
    return signal?.aborted ? signal.reason : explainFetchFailure(thrown, from);
  }

  async #refusal(answer: Answer): Promise<Error> {
    const { status } = answer;
    if (status === 0 || (status >= 300 && status < 400 && status !== 304)) {
      await answer.body?.cancel();
      const to = answer.headers.get('location');
      const where = to === null ? 'elsewhere' : `to ${to.replace(/[?#].*$/, '')}`;
      return new ProtocolError(
        `${this.endpoint} redirects ${where}: give the address it leads to as endpoint`,
      );
    }
    const body = await this.text(answer, undefined, longestErrorBody).catch((thrown: unknown) => {
      if (thrown instanceof ConnectionError) return '';
      throw thrown;
    });
    const { message, reason } = readErrorBody(answer.headers.get('content-type') ?? '', body);
    return new ImageApiError(message ?? `${this.endpoint} answered ${status} and no reason`, {
      // The list of codes is not loaded here: a newer server's code is passed on as it is.
      code: reason as FailureCode | null,
      status,
      requestId: answer.headers.get('x-openstack-request-id'),
    });
  }
}

/** Redirects are never followed: fetch would hand the token to wherever they lead. */
function transferOptions(body: ApiRequest['body']): Pick<FetchOptions, 'redirect' | 'duplex'> {
  if (!(body instanceof ReadableStream)) return { redirect: 'manual' };
  // Without "error" Node's fetch keeps a copy of the whole stream to be able to send it again.
  return { redirect: 'error', duplex: 'half' };
}
