/** Reads from URLs that strangers give, sends to them, and posts to operators': only where allowed, with limits on everything but the time it takes. */
import type { SecureContext } from 'node:tls';
import { type Answer, ask, type Target } from './ask.ts';
import { trusting } from './authorities.ts';
import { type Resolve, resolveName } from './connect.ts';
import { type Exchanged, exchange, type Message } from './exchange.ts';
import { pauseAfter, refused, tooLarge } from './failures.ts';
import { follow, targetOf } from './follow.ts';
import { type Opening, outOfRange, readOpening, sizeIn } from './opening.ts';
import { type Outgoing, put } from './put.ts';
import { leaveInPeace } from './retry-after.ts';
import { SourceBody } from './source-body.ts';
import { checkRules, type FetchRules } from './source-url.ts';
import { openAt, type Passage, Transfer, type TransferParts } from './transfer.ts';

export interface FetchSettings extends FetchRules {
  /** File with certificate authorities to trust besides the usual ones. */
  readonly caFile: string | null;
}

export type FetchLimits = Omit<TransferParts, 'rules' | 'resolve' | 'secureContext'>;

export interface Source {
  /** Bytes of the whole object; null when the source does not say. */
  readonly size: number | null;
  /** For `from` of a later `open`; null when the source cannot be continued. */
  readonly validator: string | null;
  /** To be read to its end or left with `return`. A chunk is valid only until the next is asked for. */
  readonly body: AsyncIterableIterator<Uint8Array, undefined>;
}

export interface OpenOptions {
  /** Bytes at most. */
  readonly cap: number;
  /** Begins at `offset` of the object that `validator` stands for. */
  readonly from?: { readonly offset: number; readonly validator: string };
  /** Stands for the object where the source gives no validator of its own: what it stands for never changes. */
  readonly identity?: string;
  /**
   * Leaves a source that is in trouble in peace for as long as it asks for, a minute at most, before it is asked again or the call fails.
   * For work that nobody waits for.
   */
  readonly isPatient?: boolean;
  /** Sent to the origin of the URL alone. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

const standardLimits: FetchLimits = {
  connectMs: 10_000,
  answerMs: 60_000,
  stallMs: 60_000,
  leastBytes: 60 * 1024,
  redirects: 5,
  allowDowngrade: false,
  resumes: 5,
  resumeBytes: 16 * 1024 * 1024,
  resumeDelayMs: 250,
};

/**
 * All methods but `check` and `put` fail with source_unreachable, source_stalled, source_unavailable, source_refused, or the
 * reason of their signal; and as `check` does, for the URL and everything it redirects to.
 */
export class Fetcher {
  readonly #parts: TransferParts;

  /** Fails with bad_request when `caFile` cannot be used. */
  constructor(
    settings: FetchSettings,
    limits: Partial<FetchLimits> = {},
    resolve: Resolve = resolveName,
    secureContext: SecureContext = trusting(settings.caFile),
  ) {
    const { caFile: _read, ...rules } = settings;
    this.#parts = { ...standardLimits, ...limits, rules, resolve, secureContext };
  }

  /** One for other rules that trusts the same authorities: reading them all takes long. */
  ruledBy(rules: FetchRules): Fetcher {
    const { resolve, secureContext, ...limits } = this.#parts;
    return new Fetcher({ ...rules, caFile: null }, { ...limits }, resolve, secureContext);
  }

  /** What can be told without asking anybody. Fails with source_url_invalid, source_not_allowed or address_blocked. */
  check(url: string): void {
    checkRules(targetOf(url).url, this.#parts.rules);
  }

  /** The object from its beginning, or from `from`. Fails also with source_too_large, source_changed or source_cut. */
  async open(url: string, options: OpenOptions): Promise<Source> {
    const start = targetOf(url, options.headers);
    const { cap, from, identity, isPatient = false } = options;
    const passage: Passage = { start, first: from?.offset ?? 0, end: null, cap, isPatient };
    return await this.#begin(passage, options.signal, async (signal) => {
      if (from) return await openAt(this.#parts, start, passage, from.validator, signal);
      const answer = await follow(this.#parts, start, {}, signal);
      return { answer, opening: named(opened(answer, null), identity) };
    });
  }

  /**
   * Bytes `first` to `last`, both included; of a source that knows no ranges, those before are read and dropped.
   * Fails with range_not_satisfiable too.
   */
  async openRange(
    url: string,
    { first, last }: { readonly first: number; readonly last: number },
    signal?: AbortSignal,
  ): Promise<Source> {
    if (first < 0 || last < first) throw outOfRange(null);
    const start = targetOf(url);
    const cap = Number.POSITIVE_INFINITY;
    const passage: Passage = { start, first, end: last + 1, cap, isPatient: false };
    return await this.#begin(passage, signal, async (inner) => {
      const answer = await follow(this.#parts, start, { Range: `bytes=${first}-${last}` }, inner);
      const opening = opened(answer, first);
      if (opening.size === null || last < opening.size) return { answer, opening };
      answer.close();
      throw outOfRange(opening.size);
    });
  }

  /** One message to a service, and its answer, whatever its status: no redirect is followed. */
  async exchange(url: string, message: Message): Promise<Exchanged> {
    const target = targetOf(url);
    checkRules(target.url, this.#parts.rules);
    return await exchange(this.#parts, target, message);
  }

  /** What the source says of its object, without reading it. */
  async look(url: string, signal?: AbortSignal): Promise<Pick<Source, 'size' | 'validator'>> {
    const target = targetOf(url);
    // GET, since not everything that serves it serves HEAD: a URL signed for reading is good for reading alone.
    const answer = await follow(this.#parts, target, { Range: 'bytes=0-0' }, signal ?? never());
    answer.close();
    const isEmpty = answer.status === 416 && sizeIn(answer.headers['content-range']) === 0;
    if (isEmpty) return { size: 0, validator: null };
    const { size, validator } = readOpening(answer, 0);
    return { size, validator };
  }

  /** Sends `body`, once: no redirect is followed, and the answer's body is not read. Fails unless the status is 2xx. */
  async post(
    url: string,
    {
      headers,
      body,
      signal,
    }: Pick<Target, 'headers'> & { readonly body: string; readonly signal: AbortSignal },
  ): Promise<void> {
    const target = targetOf(url, headers);
    checkRules(target.url, this.#parts.rules);
    const answer = await ask(this.#parts, target, {}, signal, { method: 'POST', body });
    answer.close();
    if (answer.status < 200 || answer.status > 299) throw refused(target.url, answer);
  }

  /**
   * Sends `chunks`, which are `size` bytes, with one PUT; no redirect is followed. Resolves when the answer is 2xx. Fails
   * with target_unreachable, target_stalled, target_unavailable or target_refused, the reason of `signal`, what `chunks` fail
   * with, or as `check` does.
   */
  async put(url: string, outgoing: Outgoing): Promise<void> {
    const target = targetOf(url);
    checkRules(target.url, this.#parts.rules);
    await put(this.#parts, target, outgoing);
  }

  async #begin(
    passage: Passage,
    signal: AbortSignal | undefined,
    open: (signal: AbortSignal) => Promise<{ answer: Answer; opening: Opening }>,
  ): Promise<Source> {
    const leaving = new AbortController();
    const either = signal === undefined ? leaving.signal : AbortSignal.any([signal, leaving.signal]);
    const { answer, opening } = await open(either).catch(async (error) => {
      if (passage.isPatient) await leaveInPeace(pauseAfter(error), either);
      throw error;
    });
    if (opening.size !== null && opening.size > passage.cap) {
      answer.close();
      throw tooLarge(passage.start.url, passage.cap);
    }
    const transfer = new Transfer(this.#parts, passage, answer, opening, either);
    const body = new SourceBody(transfer.chunks(), () => leaving.abort());
    return { size: opening.size, validator: opening.validator, body };
  }
}

/** The connection of an answer that is none is closed. */
function opened(answer: Answer, asked: number | null): Opening {
  try {
    return readOpening(answer, asked);
  } catch (error) {
    answer.close();
    throw error;
  }
}

function named(opening: Opening, identity: string | undefined): Opening {
  return { ...opening, validator: opening.validator ?? identity ?? null };
}

function never(): AbortSignal {
  return new AbortController().signal;
}
