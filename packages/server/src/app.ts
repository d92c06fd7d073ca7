/** The composition root: the one file that knows every part, opens them in order and closes them in reverse. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Feature } from '@tintype/contract';
import type { FastifyInstance } from 'fastify';
import type { ActionParts } from './actions/parts.ts';
import { flowSources, openActions, openWorker } from './app-flows.ts';
import { openQuotas } from './app-quotas.ts';
import { openSignatures } from './app-signatures.ts';
import type { Log } from './base/log.ts';
import type { Config } from './config/schema.ts';
import type { Database } from './database/connect.ts';
import { lockDataDirectory } from './database/embedded/data-lock.ts';
import { migrate } from './database/migrate.ts';
import { openDatabase } from './database/open.ts';
import { openSession, type Session } from './database/session.ts';
import { migrateEngine } from './flows/migrate-engine.ts';
import type { FlowSeams } from './flows/seams.ts';
import type { FlowWorker } from './flows/worker.ts';
import type { HttpParts } from './http/context.ts';
import { createHealthServer } from './http/health-server.ts';
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
import { imageKilled, killedMeanwhile } from './images/kill.ts';
import { LocationChecks } from './images/location-checks.ts';
import type { ImageParts, ImageSettings } from './images/parts.ts';
import { RunningUploads } from './images/running-uploads.ts';
import { openPolicy } from './policy/policy.ts';
import { openProtections } from './policy/property-protections.ts';
import { openStores, type StoreConfig } from './stores/registry.ts';
import { UpkeepFigures } from './upkeep/figures.ts';
import { startPeriodic } from './upkeep/periodic.ts';
import { checkReadiness } from './upkeep/readiness.ts';
import { sweep } from './upkeep/sweep.ts';

/** Parts of the API that work on this server, and so are announced. */
function featuresOf({ stores, importMethods }: ActionParts): ReadonlySet<Feature> {
  const features: Feature[] = ['deactivation', 'sharing', 'hidden', 'image-tasks', 'locations'];
  if (stores.several) features.push('stores');
  if (importMethods.length > 0) features.push('import');
  return new Set(features);
}

/** Milliseconds between runs of the sweep. */
const sweepEveryMs = 10_000;

/** `api`: answers requests. `worker`: carries out what outlives them. */
export type Role = 'api' | 'worker';

export interface AppOptions {
  /** Both unless given. */
  readonly roles?: ReadonlySet<Role>;
  /** For tests. */
  readonly seams?: FlowSeams;
}

export interface App {
  /** Where it listens. */
  readonly url: string;
  /** The administrator's token, in mode "tokens". */
  readonly tokenFile: string | null;
  /** Lets work under way finish for a while, then closes everything in reverse order. */
  close(): Promise<void>;
}

/** Resolves once requests are served. On a failure everything opened is closed again. */
export async function startApp(config: Config, log: Log, options: AppOptions = {}): Promise<App> {
  const { roles = new Set<Role>(['api', 'worker']), seams = {} } = options;
  await using opening = new AsyncDisposableStack();
  const images = await openImages(config, log, opening);
  const { actions, parts } = images;
  const graceMs = config.shutdownGrace * 1000;
  const report = await sweep(parts);
  log.info(report, 'swept');
  const upkeep = startPeriodic('sweep', sweepEveryMs, log, () => sweep(parts));
  opening.defer(() => upkeep.stop());
  // What could not be undone while the database was away need not wait for the next round.
  parts.session.onReconnect(() => upkeep.hurry());
  const figures = new UpkeepFigures();
  const worker = roles.has('worker') ? await openWorker(config, actions, seams, figures) : null;
  opening.defer(async () => await worker?.close(0));

  const state = { stopping: false };
  const health = healthParts(parts, worker, figures, state);
  const { identity, tokenFile } = roles.has('api')
    ? await openIdentity(config, parts.database, parts.session)
    : { identity: null, tokenFile: null };
  opening.defer(async () => await identity?.close());
  const server =
    identity === null ? createHealthServer(health) : apiServer(config, actions, identity, health, log);
  const url = await listen(server, config.listen);
  const opened = opening.move();
  return {
    url,
    tokenFile,
    async close() {
      state.stopping = true;
      await Promise.all([stopServing(server, parts.uploads, graceMs), worker?.close(graceMs)]);
      await opened.disposeAsync();
    },
  };
}

interface OpenImages {
  readonly parts: ImageParts;
  readonly actions: ActionParts;
}

/** Database, session, stores and all that decides who may do what; they close with `opening`. */
async function openImages(config: Config, log: Log, opening: AsyncDisposableStack): Promise<OpenImages> {
  await mkdir(config.dataDir, { recursive: true });
  const lock = await lockDataDirectory(config.dataDir, { listen: config.listen });
  opening.defer(() => lock.release());
  const place = { url: config.database.url, dataDir: config.dataDir };
  const opened = await openDatabase(place, config.database.poolSize, log);
  opening.defer(() => opened.close());
  const { database } = opened;
  await migrate(database, { log, further: () => migrateEngine(opened.config, log) });
  const session = await openSession(opened.config, { applicationName: 'tintype session', log });
  opening.defer(() => session.close());
  const stores = await openStores(
    config.stores.map((store) => withPath(store, config.dataDir)),
    config.staging.path ?? path.join(config.dataDir, 'staging'),
    config.defaultStore,
  );
  opening.defer(() => stores.close());
  const policy = openPolicy(config.policy.file, log);
  const { propertyProtections, propertyProtectionFormat } = config.policy;
  const protections = openProtections(propertyProtections, propertyProtectionFormat, policy, log);
  const quotas = openQuotas(config, log);
  opening.defer(() => quotas.close());
  const signatures = openSignatures(config, log);
  opening.defer(() => signatures.close());
  const trust = { policy, protections, quotas, signatures };
  const parts = imageParts(config, { database, session, stores, ...trust, log });
  opening.defer(() => parts.checks.close());
  const actions = await openActions(config, parts, opened.config);
  opening.defer(() => actions.engine.close());
  return { parts, actions };
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
  parts.session.on(imageKilled, ({ id }) => uploads.abortImage(String(id), killedMeanwhile(String(id))));
  return { ...parts, uploads, checks, settings };
}

type Health = Pick<HttpParts, 'readiness' | 'metrics'>;

function healthParts(
  { database, session, stores, uploads }: ImageParts,
  worker: FlowWorker | null,
  figures: UpkeepFigures,
  state: { readonly stopping: boolean },
): Health {
  const metrics = createMetrics({
    uploadsInProgress: () => uploads.count,
    databasePool: () => database.poolFigures(),
    flows: flowSources(database, worker),
    upkeep: () => figures.done,
  });
  const readiness = () => checkReadiness({ database, session, stores, stopping: () => state.stopping });
  return { metrics, readiness };
}

function apiServer(
  config: Config,
  actions: ActionParts,
  identity: Identity,
  health: Health,
  log: Log,
): FastifyInstance {
  const settings = {
    publicEndpoint: config.publicEndpoint,
    features: featuresOf(actions),
    trustedProxies: config.trustedProxies,
    corsOrigins: config.cors.origins,
    maxMembers: config.images.maxMembers,
    uploadIdleMs: config.images.uploadIdleTimeout * 1000,
  };
  return createServer({ images: actions, actions, identity, ...health, settings, log });
}
