/** The composition root: the one file that knows every part, opens them in order and closes them in reverse. */
import { access, mkdir } from 'node:fs/promises';
import type { Feature } from '@tintype/contract';
import type { FastifyInstance } from 'fastify';
import type { ActionParts } from './actions/parts.ts';
import { placeKeyManager } from './app-barbican.ts';
import { openCache } from './app-cache.ts';
import { openEvents } from './app-events.ts';
import { flowSources, openActions, openWorker } from './app-flows.ts';
import { openQuotas } from './app-quotas.ts';
import { openSignatures } from './app-signatures.ts';
import { openConfiguredStores } from './app-stores.ts';
import type { Log } from './base/log.ts';
import { SharedReads } from './base/shared-reads.ts';
import type { Config } from './config/schema.ts';
import type { Database } from './database/connect.ts';
import { lockDataDirectory } from './database/embedded/data-lock.ts';
import { migrate } from './database/migrate.ts';
import { openDatabase } from './database/open.ts';
import { openSession, type Session } from './database/session.ts';
import { type EventFeed, openFeed } from './events/feed.ts';
import { migrateEngine } from './flows/migrate-engine.ts';
import type { FlowSeams } from './flows/seams.ts';
import type { FlowWorker } from './flows/worker.ts';
import type { HealthParts, HttpParts } from './http/context.ts';
import type { EventSources } from './http/event-metrics.ts';
import { createHealthServer } from './http/health-server.ts';
import { listen, stopServing } from './http/listen.ts';
import { createMetrics } from './http/metrics.ts';
import { createServer } from './http/server.ts';
import { openKeyManager } from './identity/barbican-secrets.ts';
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
import { RememberedImages } from './images/remembered-images.ts';
import { RunningUploads } from './images/running-uploads.ts';
import { pagesAtOnce } from './images/shared-pages.ts';
import { openPolicy } from './policy/policy.ts';
import { openProtections } from './policy/property-protections.ts';
import { UpkeepFigures } from './upkeep/figures.ts';
import { startPeriodic } from './upkeep/periodic.ts';
import { checkReadiness } from './upkeep/readiness.ts';
import { sweep } from './upkeep/sweep.ts';

/** Parts of the API that work on this server, and so are announced. */
function featuresOf({ stores, importMethods, cache }: ActionParts): ReadonlySet<Feature> {
  const features: Feature[] = ['deactivation', 'sharing', 'hidden', 'image-tasks', 'locations'];
  if (stores.several) features.push('stores');
  if (importMethods.length > 0) features.push('import');
  if (cache !== null) features.push('cache');
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
  const images = await openImages(config, log, roles, opening);
  const { actions, parts, feed } = images;
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
  const events = openEvents(config, { database: parts.database, feed, log }, roles.has('worker'));
  opening.defer(() => events.close());

  const state = { stopping: false };
  const told = { upkeep: figures, events: events.sources };
  const health = healthParts(config, parts, worker, told, state);
  const { identity, tokenFile } = roles.has('api')
    ? await openIdentity(config, parts.database, parts.session)
    : { identity: null, tokenFile: null };
  opening.defer(async () => await identity?.close());
  const server =
    identity === null
      ? createHealthServer(health)
      : apiServer(config, actions, { identity, feed }, health, log);
  const url = await listen(server, config.listen);
  const opened = opening.move();
  return {
    url,
    tokenFile,
    async close() {
      state.stopping = true;
      await events.close();
      feed.stop();
      await Promise.all([stopServing(server, parts.uploads, graceMs), worker?.close(graceMs)]);
      await opened.disposeAsync();
    },
  };
}

interface OpenImages {
  readonly feed: EventFeed;
  readonly parts: ImageParts;
  readonly actions: ActionParts;
}

/** Database, session, stores and all that decides who may do what; they close with `opening`. */
async function openImages(
  config: Config,
  log: Log,
  roles: ReadonlySet<Role>,
  opening: AsyncDisposableStack,
): Promise<OpenImages> {
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
  const stores = await openConfiguredStores(config);
  opening.defer(() => stores.close());
  const settings = imageSettings(config);
  // Workers answer no requests, so nobody would read from theirs.
  const cache = roles.has('api')
    ? await openCache(config, { database, session, stores, settings, log }, opening)
    : null;
  const policy = openPolicy(config.policy.file, log);
  const { propertyProtections, propertyProtectionFormat } = config.policy;
  const protections = openProtections(propertyProtections, propertyProtectionFormat, policy, log);
  const quotas = openQuotas(config, log);
  opening.defer(() => quotas.close());
  const trust = { policy, protections, quotas, ...openTrusted(config, opening, log) };
  const pages = new SharedReads(pagesAtOnce(config.database.poolSize));
  const parts = imageParts({ database, pages, session, stores, cache, settings, ...trust, log });
  opening.defer(() => parts.checks.close());
  const actions = await openActions(config, parts, opened.config, roles.has('worker'));
  opening.defer(() => actions.engine.close());
  opening.defer(() => actions.regions.close());
  const feed = await openFeed({ database, session, log });
  opening.defer(() => feed.close());
  return { parts, actions, feed };
}

/** The certificates of signers, and the secrets of encrypted images. */
function openTrusted(
  config: Config,
  opening: AsyncDisposableStack,
  log: Log,
): Pick<ImageParts, 'signatures' | 'keyManager'> {
  const place = placeKeyManager(config);
  opening.defer(async () => await place?.close());
  const signatures = openSignatures(config, place, log);
  opening.defer(() => signatures.close());
  const keyManager = place === null ? null : openKeyManager(place.find, place.caFile);
  opening.defer(async () => await keyManager?.close());
  return { signatures, keyManager };
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
    verifyDownloads: images.verifyDownloads,
    showDirectUrl: images.showDirectUrl,
    showMultipleLocations: images.showMultipleLocations,
    delayedDelete: images.delayedDelete,
    scrubMs: images.scrubTime * 1000,
    limitDefault: images.limitDefault,
    limitMax: images.limitMax,
  };
}

function imageParts(parts: Omit<ImageParts, 'uploads' | 'remembered' | 'checks'>): ImageParts {
  const uploads = new RunningUploads();
  const checks = new LocationChecks(parts);
  parts.session.on(imageDeleted, ({ id }) => {
    uploads.abortImage(String(id));
    checks.abortImage(String(id));
  });
  parts.session.on(imageKilled, ({ id }) => uploads.abortImage(String(id), killedMeanwhile(String(id))));
  return { ...parts, uploads, remembered: new RememberedImages(), checks };
}

function healthParts(
  { withdrawnFile }: Config,
  { database, session, stores, cache, uploads }: ImageParts,
  worker: FlowWorker | null,
  figures: { readonly upkeep: UpkeepFigures; readonly events: EventSources },
  state: { readonly stopping: boolean },
): HealthParts {
  const metrics = createMetrics({
    uploadsInProgress: () => uploads.count,
    databasePool: () => database.poolFigures(),
    flows: flowSources(database, worker),
    upkeep: () => figures.upkeep.done,
    events: figures.events,
    cache,
    stores: () => stores.all.map((store) => ({ id: store.id, room: stores.capacities.of(store) })),
  });
  const readiness = () => checkReadiness({ database, session, stores, stopping: () => state.stopping });
  const isThere = (file: string) =>
    access(file).then(
      () => true,
      () => false,
    );
  const withdrawn = async () => withdrawnFile !== null && (await isThere(withdrawnFile));
  return { metrics, readiness, withdrawn };
}

function apiServer(
  config: Config,
  actions: ActionParts,
  { identity, feed }: Pick<HttpParts, 'identity' | 'feed'>,
  health: HealthParts,
  log: Log,
): FastifyInstance {
  const settings = {
    publicEndpoint: config.publicEndpoint,
    features: featuresOf(actions),
    trustedProxies: config.trustedProxies,
    corsOrigins: config.cors.origins,
    offload: config.offload,
    maxMembers: config.images.maxMembers,
    maxListeners: config.events.maxListeners,
    uploadIdleMs: config.images.uploadIdleTimeout * 1000,
  };
  return createServer({ images: actions, actions, feed, identity, ...health, settings, log });
}
