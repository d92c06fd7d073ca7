/** What the verbs of this folder work with beside the images. */
import type { Fetcher } from '../base/fetch/fetcher.ts';
import type { Engine } from '../flows/engine.ts';
import type { ImageParts } from '../images/parts.ts';

/** Methods of import that work on this server, in the order they are announced. */
export const importMethods = ['glance-direct', 'web-download', 'copy-image'] as const;
export type ImportMethod = (typeof importMethods)[number];

export interface ActionParts extends ImageParts {
  readonly engine: Engine;
  /** Those that the operator allows. */
  readonly importMethods: readonly ImportMethod[];
  /** Reads from URLs that users give, as the operator allows. */
  readonly fetcher: Fetcher;
}
