/** The bytes of a source from one position to another, over as many connections as that takes. */
import { Failure } from '../failure.ts';
import type { Answer, Target } from './ask.ts';
import { changed, cut, pauseAfter, rangeless, tooLarge } from './failures.ts';
import { type FollowParts, follow } from './follow.ts';
import { type Opening, readOpening } from './opening.ts';
import { readBody } from './read-body.ts';
import { leaveInPeace } from './retry-after.ts';
import type { StallLimits } from './stall-watch.ts';

export interface TransferParts extends FollowParts, StallLimits {
  /** Times that a source is come back to without having given `resumeBytes` more. */
  readonly resumes: number;
  readonly resumeBytes: number;
  /** Milliseconds before the first of them; doubled each time. */
  readonly resumeDelayMs: number;
}

export interface Passage {
  readonly start: Target;
  /** Position of the first byte wanted. */
  readonly first: number;
  /** Position after the last byte wanted; null: to the end. */
  readonly end: number | null;
  /** Bytes of the whole object at most. */
  readonly cap: number;
  /** Whether a source that asks to be left in peace for a while is, as nobody waits at the other end. */
  readonly isPatient: boolean;
}

/** What may be gone when asked again. */
const passing = new Set(['source_unreachable', 'source_unavailable', 'source_stalled', 'source_cut']);

export class Transfer {
  readonly #parts: TransferParts;
  readonly #passage: Passage;
  readonly #signal: AbortSignal;
  readonly #opening: Opening;
  #answer: Answer;
  #position: number;
  #attempts = 0;
  #resumedAt = 0;

  /** Goes on from `answer`, whose body begins at or before the first byte wanted. */
  constructor(parts: TransferParts, passage: Passage, answer: Answer, opening: Opening, signal: AbortSignal) {
    this.#parts = parts;
    this.#passage = passage;
    this.#signal = signal;
    this.#opening = opening;
    this.#answer = answer;
    this.#position = opening.first;
  }

  /** To be iterated once. Fails with source_cut, source_changed, source_stalled, source_too_large or the reason of the signal. */
  async *chunks(): AsyncGenerator<Uint8Array, undefined> {
    for (;;) {
      try {
        for await (const chunk of readBody(this.#answer, this.#parts, this.#signal)) {
          const wanted = this.#take(chunk);
          if (wanted.length > 0) yield wanted;
          if (this.#position === this.#end) return;
        }
        if (this.#end === null || this.#position >= this.#end) return;
        throw this.#cut();
      } catch (error) {
        this.#signal.throwIfAborted();
        if (error instanceof Failure && error.code !== 'source_cut') throw error;
        await this.#resume(error instanceof Failure ? error : this.#cut(error));
      }
    }
  }

  /** Null when only the end of the body tells. */
  get #end(): number | null {
    return this.#passage.end ?? this.#opening.size;
  }

  /** The wanted part of a chunk that comes next. */
  #take(chunk: Uint8Array): Uint8Array {
    const { first, end, cap } = this.#passage;
    const at = this.#position;
    const next = Math.min(at + chunk.length, end ?? Number.POSITIVE_INFINITY);
    if (next > cap) throw tooLarge(this.#passage.start.url, cap);
    this.#position = next;
    return chunk.subarray(Math.max(first - at, 0), next - at);
  }

  #cut(cause?: unknown): Failure {
    return cut(this.#passage.start.url, this.#position, this.#end, cause);
  }

  /** Comes back for the rest, by turns to where the redirects led and from the start, since both may have run out. */
  async #resume(trouble: Failure): Promise<void> {
    const { resumes, resumeBytes, resumeDelayMs } = this.#parts;
    if (this.#position - this.#resumedAt >= resumeBytes) this.#attempts = 0;
    this.#resumedAt = this.#position;
    let last = trouble;
    while (this.#opening.validator !== null && this.#attempts < resumes) {
      const delay = resumeDelayMs * 2 ** this.#attempts;
      this.#attempts += 1;
      const isDetour =
        this.#attempts % 2 === 1 && this.#answer.target.url.href !== this.#passage.start.url.href;
      try {
        const asked = this.#passage.isPatient ? pauseAfter(last) : 0;
        await leaveInPeace(Math.max(delay, asked), this.#signal);
        await this.#continue(isDetour ? this.#answer.target : this.#passage.start);
        return;
      } catch (error) {
        this.#signal.throwIfAborted();
        if (!(error instanceof Failure) || !(isDetour || passing.has(error.code))) throw error;
        last = error;
      }
    }
    if (this.#passage.isPatient) await leaveInPeace(pauseAfter(last), this.#signal);
    throw last;
  }

  async #continue(target: Target): Promise<void> {
    const { size, validator } = this.#opening;
    const span = { first: Math.max(this.#position, this.#passage.first), end: this.#passage.end };
    const { answer, opening } = await openAt(this.#parts, target, span, validator!, this.#signal);
    if (size !== null && opening.size !== null && size !== opening.size) {
      answer.close();
      throw changed(target.url);
    }
    this.#answer = answer;
    this.#position = opening.first;
  }
}

/**
 * An answer that begins exactly at `first` of the bytes that `validator` stands for. Fails with source_changed when
 * they are others now, source_cut when the source only gives them from their beginning.
 */
export async function openAt(
  parts: FollowParts,
  target: Target,
  { first, end }: { readonly first: number; readonly end: number | null },
  validator: string,
  signal: AbortSignal,
): Promise<{ answer: Answer; opening: Opening }> {
  const headers = { Range: `bytes=${first}-${end === null ? '' : end - 1}`, 'If-Range': validator };
  const answer = await follow(parts, target, headers, signal);
  try {
    const opening = readOpening(answer, first);
    const isSame = opening.validator === validator || (opening.validator === null && answer.status === 206);
    if (!isSame) throw changed(target.url);
    if (opening.first !== first) throw rangeless(target.url);
    return { answer, opening };
  } catch (error) {
    answer.close();
    if (error instanceof Failure && error.code === 'range_not_satisfiable') throw changed(target.url);
    throw error;
  }
}
