/** What the verbs of images work with, opened for a test: a database, a file store, and stores of others. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLog } from '../../packages/server/src/base/log.ts';
import { SharedReads } from '../../packages/server/src/base/shared-reads.ts';
import { connect } from '../../packages/server/src/database/connect.ts';
import { openSession, type Session } from '../../packages/server/src/database/session.ts';
import { LocationChecks } from '../../packages/server/src/images/location-checks.ts';
import type { ImageParts, ImageSettings } from '../../packages/server/src/images/parts.ts';
import { RememberedImages } from '../../packages/server/src/images/remembered-images.ts';
import { RunningUploads } from '../../packages/server/src/images/running-uploads.ts';
import { noCertificates } from '../../packages/server/src/images/signing/sources/source.ts';
import { openPolicy } from '../../packages/server/src/policy/policy.ts';
import { openProtections } from '../../packages/server/src/policy/property-protections.ts';
import { unlimited } from '../../packages/server/src/policy/quotas.ts';
import { openFileStore } from '../../packages/server/src/stores/file/file.ts';
import { openedStores } from '../../packages/server/src/stores/registry.ts';
import { testDatabase } from './database.ts';
import { poolStore, type Web, webStore } from './foreign-stores.ts';

export interface TestParts {
  /** With the stores `local`, `web` and `pool`; projects may have 1 MiB, images 1000 bytes and three locations. */
  readonly parts: ImageParts;
  /** What `web` reads. */
  readonly web: Web;
  /** Another process's, on the same database. */
  openSession(): Promise<Session>;
  close(): Promise<void>;
}

const settings: ImageSettings = {
  formats: { disk: ['raw', 'qcow2'], container: ['bare'] },
  limits: { maxProperties: 128, maxTags: 128, maxLocations: 3 },
  sizeCap: 1000,
  virtualSizeCap: 2 ** 46,
  hashAlgorithm: 'sha512',
  legacyMd5: true,
  requireFormatMatch: true,
  verifyDownloads: 'auto',
  showDirectUrl: true,
  showMultipleLocations: true,
  delayedDelete: false,
  scrubMs: 0,
  limitDefault: 25,
  limitMax: 1000,
};

export async function openImageParts(): Promise<TestParts> {
  const log = createLog('silent');
  const own = await testDatabase();
  const folder = await mkdtemp(path.join(tmpdir(), 'tintype-parts-'));
  const database = await connect(own.config, { max: 4, applicationName: 'test', log });
  const sessionOf = () => openSession(own.config, { applicationName: 'test session', log });
  const session = await sessionOf();
  const files = (id: string) => openFileStore({ id, type: 'file', path: path.join(folder, id) });
  const web: Web = new Map();
  const all = [await files('local'), webStore(web), poolStore(await files('pool'))];
  const stores = openedStores(all, await files('staging'));
  const policy = openPolicy(null, log);
  const basis = {
    database,
    session,
    stores,
    cache: null,
    policy,
    protections: openProtections(null, 'roles', policy, log),
    signatures: { required: false, certificates: noCertificates, trusted: null },
    keyManager: null,
    quotas: { enabled: true, of: async () => ({ ...unlimited, image_size_total: 1 }) },
    uploads: new RunningUploads(),
    remembered: new RememberedImages(),
    pages: new SharedReads(2),
    log,
    settings,
  };
  const parts = { ...basis, checks: new LocationChecks(basis) };
  return {
    parts,
    web,
    openSession: sessionOf,
    async close() {
      await parts.checks.close();
      await stores.close();
      await session.close();
      await database.close();
      await own.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
