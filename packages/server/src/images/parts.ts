/** What the verbs of this folder work with; each names the parts it uses. */
import type { Log } from '../base/log.ts';
import type { SharedReads } from '../base/shared-reads.ts';
import type { ImageCache } from '../cache/cache.ts';
import type { Database } from '../database/connect.ts';
import type { Session } from '../database/session.ts';
import type { KeyManager } from '../identity/barbican-secrets.ts';
import type { ImageLimits } from '../policy/limits.ts';
import type { Policy } from '../policy/policy.ts';
import type { PropertyProtections } from '../policy/property-protections.ts';
import type { QuotaSource } from '../policy/quotas.ts';
import type { Stores } from '../stores/registry.ts';
import type { Formats } from './attributes.ts';
import type { BackgroundChecks } from './background-checks.ts';
import type { RememberedImages } from './remembered-images.ts';
import type { RunningUploads } from './running-uploads.ts';
import type { Signatures } from './signing/signatures.ts';

/** The operator's settings for images. */
export interface ImageSettings {
  readonly formats: Formats;
  readonly limits: ImageLimits;
  /** Bytes. */
  readonly sizeCap: number;
  /** Bytes that a guest may see. */
  readonly virtualSizeCap: number;
  readonly hashAlgorithm: string;
  readonly legacyMd5: boolean;
  readonly requireFormatMatch: boolean;
  /** Whether downloads are held against the digest; `auto`: those from stores that are reached over a network. */
  readonly verifyDownloads: 'auto' | 'always' | 'never';
  /** Whether the owner of an image sees, and in the second case sets, where its bytes are. */
  readonly showDirectUrl: boolean;
  readonly showMultipleLocations: boolean;
  /** Whether data is kept for a while after the deletion of its image, and how many milliseconds. */
  readonly delayedDelete: boolean;
  readonly scrubMs: number;
  /** Images a page unless the caller says otherwise, and at most. */
  readonly limitDefault: number;
  readonly limitMax: number;
}

export interface ImageParts {
  readonly database: Database;
  readonly session: Session;
  readonly stores: Stores;
  /** null: this node keeps no copies. */
  readonly cache: ImageCache | null;
  readonly policy: Policy;
  readonly protections: PropertyProtections;
  readonly quotas: QuotaSource;
  readonly signatures: Signatures;
  /** null: there is none that takes the tokens of callers. */
  readonly keyManager: KeyManager | null;
  readonly settings: ImageSettings;
  readonly uploads: RunningUploads;
  readonly remembered: RememberedImages;
  /** Of lists. */
  readonly pages: SharedReads;
  readonly checks: BackgroundChecks;
  readonly log: Log;
}
