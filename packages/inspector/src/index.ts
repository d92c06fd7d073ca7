/** The streaming inspector of disk images. */

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
