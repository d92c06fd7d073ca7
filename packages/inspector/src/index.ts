/** The streaming inspector of disk images. */

export { type ManifestEntry, readManifest } from './archives/manifest.ts';
export { type TarFile, tarFiles } from './archives/tar-files.ts';
export { formats } from './formats/table.ts';
export { inspectSource } from './inspect-source.ts';
export type {
  Digest,
  DigestName,
  Facts,
  FormatName,
  Inspection,
  InspectOptions,
  Member,
  Recognition,
  Refusal,
  Source,
} from './inspection.ts';
export { headBytes } from './inspection.ts';
export { Inspector } from './inspector.ts';
export { recognise } from './recognise.ts';
