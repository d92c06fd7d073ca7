/** The composition root: the one file that knows every part, opens them in order and closes them in reverse. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Feature } from '@tintype/contract';
import type { FastifyInstance } from 'fastify';
import { openQuotas } from './app-quotas.ts';
import { openSignatures } from './app-signatures.ts';
import type { Log } from './base/log.ts';
import type { Config } from './config/schema.ts';
import type { Database } from './database/connect.ts';
import { lockDataDirectory } from './database/embedded/data-lock.ts';
import { migrate } from './database/migrate.ts';
import { openDatabase } from './database/open.ts';
import { openSession, type Session } from './database/session.ts';
import { listen, stopServing } from './http/listen.ts';
import { createMetrics } from './http/metrics.ts';
import { createServer } from './http/server.ts';
import { ensureFirstToken } from './identity/first-token.ts';
import { openHeaders } from './identity/headers.ts';
import type { Identity } from './identity/identity.ts';
import { openKeystone } from './identity/keystone.ts';
import { openNone } from './identity/none.ts';
import { openOidc } from './identity/oidc.ts';
import { openTokens } from './identity/tokens.ts';
import { imageDeleted } from './images/delete.ts';
import { LocationChecks } from './images/location-checks.ts';
import type { ImageParts, ImageSettings } from './images/parts.ts';
import { RunningUploads } from './images/running-uploads.ts';
import { openPolicy } from './policy/policy.ts';
import { openProtections } from './policy/property-protections.ts';
import { openStores, type StoreConfig, type Stores } from './stores/registry.ts';
import { startPeriodic } from './upkeep/periodic.ts';
import { checkReadiness } from './upkeep/readiness.ts';
import { sweep } from './upkeep/sweep.ts';

/** Parts of the API that work on this server, and so are announced. */
function featuresOf(stores: Stores): ReadonlySet<Feature> {
  const always = ['deactivation', 'sharing', 'hidden', 'image-tasks', 'locations'] as const;
  return new Set([...always, ...(stores.several ? (['stores'] as const) : [])]);
}

/** Milliseconds between runs of the sweep. */
const sweepEveryMs = 10_000;

export interface App {
  /** Where it listens. */
  readonly url: string;
  /** The administrator's token, in mode "tokens". */
  readonly tokenFile: string | null;
  /** Lets work under way finish for a while, then closes everything in reverse order. */
  close(): Promise<void>;
}

/** Resolves once requests are served. On a failure everything opened is closed again. */
export async function startApp(config: Config, log: Log): Promise<App> {
  await using opening = new AsyncDisposableStack();
  await mkdir(config.dataDir, { recursive: true });
  const lock = await lockDataDirectory(config.dataDir, { listen: config.listen });
  opening.defer(() => lock.release());
  const place = { url: config.database.url, dataDir: config.dataDir };
  const opened = await openDatabase(place, config.database.poolSize, log);
  opening.defer(() => opened.close());
  const { database } = opened;
  await migrate(database, { log });
  const session = await openSession(opened.config, { applicationName: 'tintype session', log });
  opening.defer(() => session.close());
  const stores = await openStores(
    config.stores.map((store) => withPath(store, config.dataDir)),
    config.defaultStore,
  );
  opening.defer(() => stores.close());
  const { identity, tokenFile } = await openIdentity(config, database, session);
  opening.defer(() => identity.close());

  const policy = openPolicy(config.policy.file, log);
  const { propertyProtections, propertyProtectionFormat } = config.policy;
  const protections = openProtections(propertyProtections, propertyProtectionFormat, policy, log);
  const quotas = openQuotas(config, log);
  opening.defer(() => quotas.close());
  const signatures = openSignatures(config, log);
  opening.defer(() => signatures.close());
  const images = imageParts(config, {
    database,
    session,
    stores,
    policy,
    protections,
    quotas,
    signatures,
    log,
  });
  opening.defer(() => images.checks.close());
  const report = await sweep(images);
  log.info(report, 'swept');
  const upkeep = startPeriodic('sweep', sweepEveryMs, log, () => sweep(images));
  opening.defer(() => upkeep.stop());
  // What could not be undone while the database was away need not wait for the next round.
  session.onReconnect(() => upkeep.hurry());

  const state = { stopping: false };
  const server = httpServer(config, images, identity, log, state);
  const url = await listen(server, config.listen);
  const parts = opening.move();
  return {
    url,
    tokenFile,
    async close() {
      state.stopping = true;
      await stopServing(server, images.uploads, config.shutdownGrace * 1000);
      await parts.disposeAsync();
    },
  };
}

function withPath(store: Config['stores'][number], dataDir: string): StoreConfig {
  if (store.type !== 'file') return store;
  return { ...store, path: store.path ?? path.join(dataDir, 'images', store.id) };
}

async function openIdentity(
  config: Config,
  database: Database,
  session: Session,
): Promise<{ identity: Identity; tokenFile: string | null }> {
  switch (config.identity.mode) {
    case 'none':
      return { identity: openNone(), tokenFile: null };
    case 'keystone':
      return { identity: openKeystone(config.identity.keystone!), tokenFile: null };
    case 'oidc':
      return { identity: openOidc(config.identity.oidc!), tokenFile: null };
    case 'headers':
      return { identity: openHeaders(), tokenFile: null };
    case 'tokens': {
      const tokenFile = await ensureFirstToken(database, config.dataDir);
      return { identity: openTokens(database, session), tokenFile };
    }
  }
}

function imageSettings({ images }: Config): ImageSettings {
  return {
    formats: { disk: images.diskFormats, container: images.containerFormats },
    limits: {
      maxProperties: images.maxProperties,
      maxTags: images.maxTags,
      maxLocations: images.maxLocations,
    },
    sizeCap: images.sizeCap,
    virtualSizeCap: images.virtualSizeCap,
    hashAlgorithm: images.hashAlgorithm,
    legacyMd5: images.legacyMd5,
    requireFormatMatch: images.requireFormatMatch,
    showDirectUrl: images.showDirectUrl,
    showMultipleLocations: images.showMultipleLocations,
    delayedDelete: images.delayedDelete,
    scrubMs: images.scrubTime * 1000,
    limitDefault: images.limitDefault,
    limitMax: images.limitMax,
  };
}

function imageParts(config: Config, parts: Omit<ImageParts, 'uploads' | 'checks' | 'settings'>): ImageParts {
  const settings = imageSettings(config);
  const uploads = new RunningUploads();
  const checks = new LocationChecks({ ...parts, settings });
  parts.session.on(imageDeleted, ({ id }) => {
    uploads.abortImage(String(id));
    checks.abortImage(String(id));
  });
  return { ...parts, uploads, checks, settings };
}

function httpServer(
  config: Config,
  images: ImageParts,
  identity: Identity,
  log: Log,
  state: { readonly stopping: boolean },
): FastifyInstance {
  const { database, session, stores, uploads } = images;
  const metrics = createMetrics({
    uploadsInProgress: () => uploads.count,
    databasePool: () => database.poolFigures(),
  });
  const readiness = () => checkReadiness({ database, session, stores, stopping: () => state.stopping });
  const settings = {
    publicEndpoint: config.publicEndpoint,
    features: featuresOf(stores),
    trustedProxies: config.trustedProxies,
    corsOrigins: config.cors.origins,
    maxMembers: config.images.maxMembers,
    uploadIdleMs: config.images.uploadIdleTimeout * 1000,
  };
  return createServer({ images, identity, readiness, metrics, settings, log });
}
