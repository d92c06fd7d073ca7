/** How a format reads the data, whether it passes as a stream or lies in a file: as a generator that says what it needs next. */
import type {
  Digest,
  Facts,
  FormatName,
  Inspection,
  InspectOptions,
  Recognition,
  Refusal,
} from './inspection.ts';

/** The end of the data. */
export interface StreamEnd {
  /** The last `tailBytes` bytes, or all there are. */
  readonly tail: Uint8Array;
  /** Length of all the data. */
  readonly size: number;
}

export interface Stretch {
  readonly offset: number;
  readonly length: number;
}

/** What the beginning of data that cannot be seen whole shows. */
export interface Glimpse extends Recognition {
  readonly refusal: Refusal | null;
}

/** A file inside the data, and what to hash it with. */
export interface MemberStretch extends Stretch {
  readonly digest: Digest | null;
}

/** Stretches may only lie further and further on: what a stream has passed cannot be seen again. */
export type Need =
  | ({ readonly kind: 'bytes' } & Stretch)
  | ({ readonly kind: 'member' } & MemberStretch)
  | { readonly kind: 'glimpse'; readonly bytes: Uint8Array }
  | { readonly kind: 'claim'; readonly virtualSize: number }
  | { readonly kind: 'end' };

export type Answer = Uint8Array | Inspection | Glimpse | StreamEnd | undefined;

export interface Findings {
  /** When the examination knows better than the recognition: a tar that is an appliance. */
  readonly format?: FormatName;
  /** With it, for messages. */
  readonly title?: string;
  /** Instead of failing, where the other findings are of use all the same. */
  readonly refusal?: Refusal | null;
  readonly virtualSize: number | null;
  readonly warnings?: readonly string[];
  readonly encryption?: string | null;
  readonly facts?: Facts;
  readonly members?: Inspection['members'];
}

/** Fails with RefusalError, and with nothing else whatever the data is. */
export type Examination<Result = Findings> = Generator<Need, Result, Answer>;

/** Ends an examination: the data is refused. */
export class RefusalError extends Error {
  readonly refusal: Refusal;

  constructor(kind: Refusal['kind'], reason: string) {
    super(reason);
    this.name = 'RefusalError';
    this.refusal = { kind, reason };
  }
}

export function unsafe(reason: string): RefusalError {
  return new RefusalError('unsafe', reason);
}

export function damaged(reason: string): RefusalError {
  return new RefusalError('damaged', reason);
}

/** A copy of the bytes there, fewer when the data ends before. */
export function* readSome(offset: number, length: number): Examination<Uint8Array> {
  return (yield { kind: 'bytes', offset, length }) as Uint8Array;
}

/** A copy of all the bytes there. Refuses data that ends before, as `what` is cut short. */
export function* read(offset: number, length: number, what: string): Examination<Uint8Array> {
  const bytes = yield* readSome(offset, length);
  if (bytes.length < length) throw unsafe(`it ends inside its ${what}`);
  return bytes;
}

export function* inspectMember(stretch: MemberStretch): Examination<Inspection> {
  return (yield { kind: 'member', ...stretch }) as Inspection;
}

/** Looks at the beginning of data that is inside this data in another form. */
export function* glimpse(bytes: Uint8Array): Examination<Glimpse> {
  return (yield { kind: 'glimpse', bytes }) as Glimpse;
}

/** Says how large the disk is as soon as it is known, so that the cap can act at once. */
export function* claim(bytes: bigint | number, what: string): Examination<number> {
  if (bytes > Number.MAX_SAFE_INTEGER) throw unsafe(`its ${what} claims ${bytes} bytes`);
  const virtualSize = Number(bytes);
  yield { kind: 'claim', virtualSize };
  return virtualSize;
}

export function* atEnd(): Examination<StreamEnd> {
  return (yield { kind: 'end' }) as StreamEnd;
}

/** A number that must lie between two others. */
export function within(value: number, least: number, most: number, what: string): number {
  if (value >= least && value <= most) return value;
  throw unsafe(`the ${what} is ${value}, allowed is ${least} to ${most}`);
}

/** What a format offers to be found and examined. */
export interface Format {
  readonly name: FormatName;
  /** With an article, for messages. */
  readonly title: string;
  /**
   * layered: its content is a disk in another form. partitions: a table that other formats may have as
   * well. hint: a mark that any raw disk may carry.
   */
  readonly role: 'layered' | 'optical' | 'archive' | 'packed' | 'partitions' | 'hint' | 'other';
  /** Whether the first `headBytes` bytes, or fewer when there are no more, carry its mark. */
  recognise(head: Uint8Array): boolean;
  examine(options: InspectOptions): Examination;
  /** Bytes kept at most while it is examined, beside head and tail. */
  readonly memory: number;
}
