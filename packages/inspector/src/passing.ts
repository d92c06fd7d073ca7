/** Answers an examination from a stream: keeps the stretch it waits for as that comes by. */
import type { StreamEnd } from './examination.ts';
import type { DataNeed, Examiner } from './examiner.ts';
import type { Inspection } from './inspection.ts';

/** Sees a member of an archive pass. */
export interface MemberInspector {
  update(chunk: Uint8Array): void;
  finish(): Inspection;
}

export class Passing {
  readonly examiner: Examiner;
  readonly #openMember: () => MemberInspector;
  /** Bytes of the stream that have gone by. */
  #position = 0;
  /** Of the stretch now waited for. */
  #kept: Uint8Array | null = null;
  #member: MemberInspector | null = null;
  #length = 0;

  constructor(examiner: Examiner, openMember: () => MemberInspector) {
    this.examiner = examiner;
    this.#openMember = openMember;
  }

  add(chunk: Uint8Array): void {
    let at = 0;
    for (let need = this.examiner.need; need !== null && need.kind !== 'end'; need = this.examiner.need) {
      const skipped = Math.min(need.offset + this.#length - this.#position - at, chunk.length - at);
      at += skipped;
      const taken = Math.min(need.length - this.#length, chunk.length - at);
      if (taken > 0) this.#take(need, chunk.subarray(at, at + taken));
      at += taken;
      if (this.#length < need.length) break;
      this.#serve(need);
    }
    this.#position += chunk.length;
  }

  /** The stream has ended: hands over what there is. */
  end(end: StreamEnd): void {
    for (let need = this.examiner.need; need !== null; need = this.examiner.need) {
      if (need.kind === 'end') this.examiner.answer(end);
      else this.#serve(need);
    }
  }

  #take(need: DataNeed, bytes: Uint8Array): void {
    if (need.kind === 'member') {
      this.#member ??= this.#openMember();
      this.#member.update(bytes);
      need.digest?.update(bytes);
    } else if (need.kind === 'bytes') {
      this.#kept ??= new Uint8Array(need.length);
      this.#kept.set(bytes, this.#length);
    }
    this.#length += bytes.length;
  }

  #serve(need: DataNeed): void {
    const bytes = (this.#kept ?? new Uint8Array(0)).subarray(0, this.#length);
    const member = this.#member;
    this.#kept = null;
    this.#member = null;
    this.#length = 0;
    this.examiner.answer(need.kind === 'member' ? (member ?? this.#openMember()).finish() : bytes);
  }
}
