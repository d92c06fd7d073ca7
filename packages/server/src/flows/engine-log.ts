/** What the engine says, in our log. */
import type { Log } from '../base/log.ts';

export interface EngineLog {
  info(entry: unknown): void;
  debug(entry: unknown): void;
  warn(entry: unknown): void;
  error(entry: unknown, metadata?: { readonly error?: unknown }): void;
}

/** It tells much: its news are details to us. */
export function engineLog(log: Log): EngineLog {
  return {
    info: (entry) => log.debug({ engine: String(entry) }, 'flow engine'),
    debug: (entry) => log.trace({ engine: String(entry) }, 'flow engine'),
    warn: (entry) => log.warn({ engine: String(entry) }, 'flow engine'),
    error: (entry, metadata) => log.error({ err: metadata?.error, engine: String(entry) }, 'flow engine'),
  };
}
