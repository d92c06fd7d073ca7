/** What every route can use, and what a request carries besides itself. */
import type { Feature } from '@tintype/contract';
import type { ActionParts } from '../actions/parts.ts';
import type { Log } from '../base/log.ts';
import type { Caller } from '../identity/caller.ts';
import type { Identity } from '../identity/identity.ts';
import type { ImageParts } from '../images/parts.ts';
import type { Readiness } from '../upkeep/readiness.ts';
import type { Metrics } from './metrics.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set before the handler of every route that is not open. */
    caller: Caller;
    /** Sends 100 Continue to a client that waits for it. */
    acceptBody: () => void;
    /** Whether the client still waits for that. */
    awaitsLeave: () => boolean;
  }
}

export interface HttpSettings {
  readonly publicEndpoint: string | null;
  readonly features: ReadonlySet<Feature>;
  /** Addresses and networks whose X-Forwarded-* headers count. */
  readonly trustedProxies: readonly string[];
  /** Origins whose browsers may call; `*`: any. */
  readonly corsOrigins: readonly string[];
  /** Milliseconds. */
  readonly uploadIdleMs: number;
  /** Projects an image can be shared with; below zero: no limit. */
  readonly maxMembers: number;
}

export interface HttpParts {
  readonly images: ImageParts;
  readonly actions: ActionParts;
  readonly identity: Identity;
  readonly readiness: () => Promise<Readiness>;
  readonly metrics: Metrics;
  readonly settings: HttpSettings;
  readonly log: Log;
}
