/** What the lab of the flow cases opens with: whoever wants more sets it in a module that is imported before them. */
import type { OtherServer } from './other-server.ts';

export const labSettings: {
  importing: object;
  stores: Readonly<Record<string, object>>;
  region: OtherServer | null;
  /** Resolves when the rest can be read. */
  ready: Promise<void>;
} = { importing: {}, stores: {}, region: null, ready: Promise.resolve() };
