/** What the verbs of this folder work with beside the images. */
import type { Engine } from '../flows/engine.ts';
import type { ImageParts } from '../images/parts.ts';

/** Methods of import that work on this server, in the order they are announced. */
export const importMethods = ['glance-direct', 'copy-image'] as const;
export type ImportMethod = (typeof importMethods)[number];

export interface ActionParts extends ImageParts {
  readonly engine: Engine;
  /** Those that the operator allows. */
  readonly importMethods: readonly ImportMethod[];
}
