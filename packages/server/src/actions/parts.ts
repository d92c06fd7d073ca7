/** What the verbs of this folder work with beside the images. */
import type { Fetcher } from '../base/fetch/fetcher.ts';
import type { Engine } from '../flows/engine.ts';
import type { ImageParts } from '../images/parts.ts';
import type { Sandbox } from '../inspection/sandbox.ts';
import type { Refining } from './refinement.ts';
import type { Regions } from './regions.ts';

/** Methods of import that work on this server, in the order they are announced. */
export const importMethods = ['glance-direct', 'web-download', 'copy-image', 'glance-download'] as const;
export type ImportMethod = (typeof importMethods)[number];

export interface ActionParts extends ImageParts {
  readonly engine: Engine;
  /** Those that the operator allows. */
  readonly importMethods: readonly ImportMethod[];
  /** Reads from URLs that users give, as the operator allows. */
  readonly fetcher: Fetcher;
  /** Image services that method glance-download may take from, and clones go to. */
  readonly regions: Regions;
  /** Beginnings of the names of properties that it copies. */
  readonly copiedProperties: readonly string[];
  /** What imported data is made into. */
  readonly refining: Refining;
  /** Sends to URLs that users give, as the operator allows. */
  readonly places: Fetcher;
  /** Where other data than that of imports is converted; null: nothing here can. Tried when it is first asked for. */
  readonly converter: () => Promise<Sandbox | null>;
  /** Milliseconds that imports, exports and clones which have ended can be looked at; null: for ever. */
  readonly keepActionsMs: number | null;
}
