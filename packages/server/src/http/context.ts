/** What every route can use, and what a request carries besides itself. */
import type { Feature } from '@tintype/contract';
import type { ActionParts } from '../actions/parts.ts';
import type { Log } from '../base/log.ts';
import type { EventFeed } from '../events/feed.ts';
import type { Caller } from '../identity/caller.ts';
import type { Identity } from '../identity/identity.ts';
import type { ImageParts } from '../images/parts.ts';
import type { Readiness } from '../upkeep/readiness.ts';
import type { Metrics } from './metrics.ts';
import type { OffloadSettings } from './offload.ts';

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
  readonly offload: OffloadSettings;
  /** Projects an image can be shared with; below zero: no limit. */
  readonly maxMembers: number;
  /** Listeners to events at a time. */
  readonly maxListeners: number;
}

export interface HealthParts {
  readonly readiness: () => Promise<Readiness>;
  readonly metrics: Metrics;
  /** Whether the operator wants no further work to come here. */
  readonly withdrawn: () => Promise<boolean>;
}

export interface HttpParts extends HealthParts {
  readonly images: ImageParts;
  readonly actions: ActionParts;
  readonly feed: EventFeed;
  readonly identity: Identity;
  readonly settings: HttpSettings;
  readonly log: Log;
}
