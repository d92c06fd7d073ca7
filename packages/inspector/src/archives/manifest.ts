/** The manifest of an appliance: digests by file name. */
import type { DigestName } from '../inspection.ts';

export interface ManifestEntry {
  readonly algorithm: DigestName;
  /** Lower case. */
  readonly hex: string;
}

export type Manifest = ReadonlyMap<string, ManifestEntry>;

/** Lines of the form `SHA256(name)= hex`; others are passed over. */
export function readManifest(text: string): Manifest {
  const entries = new Map<string, ManifestEntry>();
  for (const line of text.split(/[\r\n]+/)) {
    const match = /^(SHA1|SHA256|SHA512) ?\(([^)]{1,255})\) ?= ?([0-9a-f]{40,128}) *$/i.exec(line);
    if (match === null) continue;
    const [, algorithm, name, hex] = match;
    entries.set(name!, { algorithm: algorithm!.toLowerCase() as DigestName, hex: hex!.toLowerCase() });
  }
  return entries;
}
