/** Holds an upload against what was declared while it passes: is it that, is it safe, how large is its disk. */
import { createHash } from 'node:crypto';
import {
  Inspector as DataInspector,
  type FormatName,
  type Inspection,
  inspectSource,
  type Recognition,
  type Refusal,
  type Source,
} from '@tintype/inspector';
import { Failure } from '../base/failure.ts';
import { isOpaque, isPlain, isUnclaimed, maySatisfy, satisfies } from './declared.ts';

export interface InspectorOptions {
  readonly diskFormat: string;
  readonly containerFormat: string;
  /** False: only what is unsafe or too large is refused, whatever was declared. */
  readonly requireMatch: boolean;
  /** Bytes that a guest may see at most; no limit unless given. */
  readonly virtualSizeCap?: number;
}

export interface Inspected {
  /** What the data is: a disk format's name, or what the inspector calls it. */
  readonly format: string;
  /** Bytes that a guest sees, or null when the data does not say. */
  readonly virtualSize: number | null;
}

export interface InspectedFile extends Inspected {
  /** How its content is encrypted, or null. */
  readonly encryption: string | null;
  /** How many earlier states of the disk it holds. */
  readonly snapshots: number;
}

/** `update` and `finish` fail with unsafe_image, format_mismatch or virtual_size_cap as soon as the bytes seen decide it. */
export class Inspector {
  readonly #options: InspectorOptions;
  readonly #inspector: DataInspector;
  #isRecognised = false;
  #isEmpty = true;
  #result: Inspected | null = null;

  constructor(options: InspectorOptions) {
    this.#options = options;
    const { virtualSizeCap } = options;
    this.#inspector = new DataInspector({ virtualSizeCap, createDigest });
  }

  update(chunk: Uint8Array): void {
    if (chunk.length > 0) this.#isEmpty = false;
    this.#inspector.update(chunk);
    const { recognition, refusal } = this.#inspector;
    if (recognition === null) return;
    this.#refuseUnsafe(refusal, recognition.formats);
    if (!this.#isRecognised) this.#requireMatch(recognition, maySatisfy(this.#options, recognition.formats));
    this.#isRecognised = true;
    this.#refuseDamaged(refusal);
  }

  /** May be called again, with the same result. */
  finish(): Inspected {
    this.#result ??= this.#conclude(this.#inspector.finish());
    return this.#result;
  }

  /** The same verdict on data that can be read anywhere. */
  async judge(source: Source): Promise<InspectedFile> {
    const { virtualSizeCap } = this.#options;
    this.#isEmpty = source.size === 0;
    const inspection = await inspectSource(source, { virtualSizeCap, createDigest });
    const { encryption, facts } = inspection;
    return { ...this.#conclude(inspection), encryption, snapshots: Number(facts.snapshots ?? 0) };
  }

  #conclude(inspection: Inspection): Inspected {
    const { format, also, refusal, size } = inspection;
    const formats = [format, ...also];
    this.#refuseUnsafe(refusal, formats);
    const isMatch =
      satisfies(this.#options, formats) && (!this.#isEmpty || this.#options.diskFormat === 'raw');
    this.#requireMatch(this.#isEmpty ? null : inspection, isMatch);
    this.#refuseDamaged(refusal);
    const isBare = this.#options.containerFormat === 'bare';
    if (isMatch && isBare && this.#isRaw)
      return { format: also.includes('raw') ? 'raw' : format, virtualSize: size };
    // Glance: of what stands in another container no size is told, unless the data itself has one.
    const isKnown = refusal === null && (isBare || !isUnclaimed(formats));
    return { format, virtualSize: isKnown ? inspection.virtualSize : null };
  }

  /** Declared as bytes that mean nothing but themselves. */
  get #isRaw(): boolean {
    return isPlain(this.#options) && this.#options.diskFormat === 'raw';
  }

  /** What is inside an archive does not matter when that is kept as a disk. */
  #refuseUnsafe(refusal: Refusal | null, formats: readonly FormatName[]): void {
    if (refusal === null || (formats.length < 2 && isOpaque(this.#options, formats))) return;
    const { kind, reason } = refusal;
    if (kind === 'too_large') throw new Failure('virtual_size_cap', `The image is refused: ${reason}.`);
    if (kind === 'unsafe') throw new Failure('unsafe_image', `The image is refused: ${reason}.`);
  }

  #refuseDamaged(refusal: Refusal | null): void {
    if (refusal?.kind !== 'damaged' && refusal?.kind !== 'unfit') return;
    if (!this.#options.requireMatch || this.#isRaw) return;
    throw new Failure('format_mismatch', `The data cannot be used: ${refusal.reason}.`);
  }

  /** `seen` null: there is no data. */
  #requireMatch(seen: Pick<Recognition, 'looksLike'> | null, isMatch: boolean): void {
    if (isMatch || !this.#options.requireMatch) return;
    const { diskFormat, containerFormat } = this.#options;
    const declared = isPlain(this.#options) ? diskFormat : containerFormat;
    const sight = seen === null ? 'there is no data' : `this looks like ${seen.looksLike}`;
    throw new Failure('format_mismatch', `The image is declared as ${declared}, but ${sight}.`);
  }
}

function createDigest(name: string) {
  const hash = createHash(name);
  return { update: (bytes: Uint8Array) => hash.update(bytes), digest: () => hash.digest('hex') };
}
