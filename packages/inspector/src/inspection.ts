/** What an inspection tells, and what it can be told. */

/** `raw` is what nothing else claims. */
export type FormatName =
  | 'qcow2'
  | 'qcow1'
  | 'qed'
  | 'vmdk'
  | 'vhd'
  | 'vhdx'
  | 'vdi'
  | 'ploop'
  | 'luks'
  | 'iso'
  | 'udf'
  | 'ova'
  | 'docker'
  | 'tar'
  | 'ovf'
  | 'gzip'
  | 'xz'
  | 'zstd'
  | 'bzip2'
  | 'lha'
  | 'zip'
  | 'kernel'
  | 'cpio'
  | 'ext'
  | 'gpt'
  | 'mbr'
  | 'raw';

/** Why data is refused. */
export interface Refusal {
  /**
   * unsafe: it reaches outside itself, could be taken for two things, or its header is nonsense to any
   * honest reader. damaged: incomplete or inconsistent, and not dangerous. unfit: sound, but no image can
   * be made of it. too_large: its disk is larger than `virtualSizeCap`.
   */
  readonly kind: 'unsafe' | 'damaged' | 'unfit' | 'too_large';
  /** A clause for people, without a full stop. */
  readonly reason: string;
}

export type Facts = Readonly<Record<string, string | number | boolean>>;

/** A file inside an archive. */
export interface Member {
  /** Printable ASCII, shortened. */
  readonly name: string;
  readonly size: number;
  readonly format: FormatName;
  readonly virtualSize: number | null;
  readonly refusal: Refusal | null;
}

export interface Inspection {
  /** What the data is; `raw` when nothing claims it. */
  readonly format: FormatName;
  /** What else it is, or may be taken for without harm: `gpt` in an ISO, `raw` for a fixed VHD. */
  readonly also: readonly FormatName[];
  /** For messages: `a qcow2 image`, `an MP4 video`, `raw data`. */
  readonly looksLike: string;
  /** Bytes of the data. */
  readonly size: number;
  /** Bytes that a guest sees, or null when the data does not say. */
  readonly virtualSize: number | null;
  /** Null: safe. */
  readonly refusal: Refusal | null;
  readonly warnings: readonly string[];
  /** How the content is encrypted, or null. */
  readonly encryption: string | null;
  /** What else the header tells, under names for people and programs. */
  readonly facts: Facts;
  /** Of archives: the files that were looked into. */
  readonly members: readonly Member[];
}

/** What the beginning of the data shows. */
export interface Recognition {
  /** The layer that matters most first; empty when nothing claims the data. */
  readonly formats: readonly FormatName[];
  readonly looksLike: string;
}

export interface Digest {
  update(bytes: Uint8Array): unknown;
  /** Lower-case hex. */
  digest(): string;
}

export type DigestName = 'sha1' | 'sha256' | 'sha512';

export interface InspectOptions {
  /** Bytes; a larger disk is refused as soon as its header is read. No cap unless given. */
  readonly virtualSizeCap?: number;
  /** Checks the manifests of appliances; without it they are not checked, which is told as a warning. */
  readonly createDigest?: (name: DigestName) => Digest;
}

/** Data that can be read anywhere. */
export interface Source {
  readonly size: number;
  /** The bytes there, fewer only at the end. May fail; the inspection then fails with the same error. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** The beginning of the data that every format is looked for in. */
export const headBytes = 64 * 1024;
/** The end of the data that is kept. */
export const tailBytes = 4096;
