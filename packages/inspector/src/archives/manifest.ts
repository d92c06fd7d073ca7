/** The manifest of an appliance: digests by file name. */

import { detached } from '../bytes.ts';
import type { DigestName } from '../inspection.ts';
import { linesOf } from '../lines.ts';

export interface ManifestEntry {
  readonly algorithm: DigestName;
  /** Lower case. */
  readonly hex: string;
}

export type Manifest = ReadonlyMap<string, ManifestEntry>;

const mostEntries = 1000;

/** Lines of the form `SHA256(name)= hex`; others are passed over. */
export function readManifest(text: string): Manifest {
  const entries = new Map<string, ManifestEntry>();
  for (const line of linesOf(text)) {
    const match = /^(SHA1|SHA256|SHA512) ?\(([^)]{1,255})\) ?= ?([0-9a-f]{40,128}) *$/i.exec(line);
    if (match === null || entries.size === mostEntries) continue;
    const [, algorithm, name, hex] = match;
    entries.set(detached(name!), {
      algorithm: algorithm!.toLowerCase() as DigestName,
      hex: detached(hex!.toLowerCase()),
    });
  }
  return entries;
}
