/** What is done to the data of an import between its arrival and its place in the stores. */
import type { Caller } from '../identity/caller.ts';
import type { TargetFormat } from '../inspection/qemu-img.ts';
import type { Sandbox } from '../inspection/sandbox.ts';
import type { Policy } from '../policy/policy.ts';
import type { Stores } from '../stores/registry.ts';
import { type CopyWanted, formatsFor, type KeptFormats } from './kept-formats.ts';

/** The operator's settings, and where the programs run. */
export interface Refining extends KeptFormats {
  /** Whether what is packed is unpacked. */
  readonly decompress: boolean;
  /** Whether the disk is taken out of appliances. */
  readonly extractAppliances: boolean;
  /** Elements of their descriptors that become properties. */
  readonly ovfProperties: readonly string[];
  /** Whether a qcow2 that is made is compressed. */
  readonly compress: boolean;
  /** Whether earlier states are taken out of a qcow2. */
  readonly stripSnapshots: boolean;
  /** How many times its size an image may take when it is unpacked or converted. */
  readonly unpackRatio: number;
  /** Given to images that others than administrators import. */
  readonly injectProperties: Readonly<Record<string, string>>;
  /** Null: nothing here runs programs on what users send. */
  readonly sandbox: Sandbox | null;
}

/** Settled when an import starts, and part of its flow's input. */
export type Refinement = {
  readonly unpack: boolean;
  readonly extract: boolean;
  readonly convertTo: TargetFormat | null;
  readonly compress: boolean;
  readonly stripSnapshots?: boolean;
  readonly inject: { readonly [name: string]: string };
  /** What stores get that want another format than that of the image, as far as it can be made; absent: there are none. */
  readonly copies?: readonly CopyWanted[];
  /** Whether what is packed must be a disk by its looks, and has the format of that unless one was declared. */
  readonly requireDisk?: boolean;
};

interface RefiningParts {
  readonly refining: Refining;
  readonly policy: Policy;
  readonly stores: Pick<Stores, 'default'>;
}

interface Asked {
  /** Ids of the stores it goes to. */
  readonly stores: readonly string[];
  /** Its data must stay what was signed. */
  readonly isSigned: boolean;
  /** It is imported by a task. */
  readonly isTask: boolean;
}

export function refinementFor(
  parts: RefiningParts,
  caller: Caller,
  { stores, isSigned, isTask }: Asked,
): Refinement {
  const { refining, policy } = parts;
  const { decompress, extractAppliances, compress, stripSnapshots, injectProperties } = refining;
  return {
    unpack: decompress && !isSigned,
    // Glance: tasks always do; there they are for administrators only.
    extract: (extractAppliances || isTask) && !isSigned,
    ...(isSigned ? { convertTo: null } : formatsFor(refining, stores, parts.stores.default.id)),
    compress,
    stripSnapshots: stripSnapshots && !isSigned,
    inject: policy.isAdmin(caller) ? {} : { ...injectProperties },
  };
}
