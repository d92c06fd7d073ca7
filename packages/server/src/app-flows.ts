/** The durable work of a server: the flows there are, the engine that starts them, and a worker if it shall be one. */
import { cloneImage } from './actions/clone-image.ts';
import { copyImage } from './actions/copy-image.ts';
import { deriveCopy } from './actions/derive-copy.ts';
import { exportImage } from './actions/export-image.ts';
import { importFromGlance } from './actions/import-from-glance.ts';
import { importFromWeb } from './actions/import-from-web.ts';
import { importImage } from './actions/import-image.ts';
import { importStaged } from './actions/import-staged.ts';
import { importTask } from './actions/import-task.ts';
import type { ActionParts } from './actions/parts.ts';
import { Regions } from './actions/regions.ts';
import { openRefining } from './app-refining.ts';
import { Fetcher } from './base/fetch/fetcher.ts';
import type { Config } from './config/schema.ts';
import type { Database, DatabaseConfig } from './database/connect.ts';
import { openEngine } from './flows/engine.ts';
import type { AnyFlow } from './flows/flow.ts';
import { openFlows } from './flows/flow-records.ts';
import { viewFlow } from './flows/flow-state.ts';
import { purge, purgeEvery } from './flows/purge.ts';
import type { FlowSeams } from './flows/seams.ts';
import { type FlowWorker, startWorker } from './flows/worker.ts';
import type { FlowSources } from './http/flow-metrics.ts';
import { KeystoneClient } from './identity/keystone-client.ts';
import type { ImageParts } from './images/parts.ts';
import type { UpkeepFigures } from './upkeep/figures.ts';
import { type UpkeepFlowParts, upkeepEveryHour, upkeepFlows } from './upkeep/upkeep-flow.ts';

/** Every flow that a worker can run. */
export function allFlows(parts: ActionParts, upkeepParts: UpkeepFlowParts): readonly AnyFlow[] {
  return [
    importStaged(parts),
    importFromWeb(parts),
    importFromGlance(parts),
    importTask(parts),
    importImage(parts),
    copyImage(parts),
    cloneImage(parts),
    deriveCopy(parts),
    exportImage(parts),
    purge(parts.engine, parts.database),
    ...upkeepFlows(upkeepParts),
  ];
}

export async function openActions(
  config: Config,
  images: ImageParts,
  database: DatabaseConfig,
  isWorker: boolean,
): Promise<ActionParts> {
  const { regions: named, copiedProperties } = config.import;
  const { refining, methods, converter } = await openRefining(config, isWorker, images.log);
  const fetcher = new Fetcher(config.import);
  const { keystone } = config.identity;
  const catalogue = keystone === null ? null : new KeystoneClient(keystone);
  const regions = new Regions({ named, keystone: catalogue, fetcher });
  const engine = await openEngine(database, images.log);
  const { actionHours } = config.upkeep;
  const keepActionsMs = actionHours === 0 ? null : actionHours * 3_600_000;
  const places = fetcher.ruledBy(config.export);
  const own = { engine, importMethods: methods, fetcher, keepActionsMs, refining, places, converter };
  return { ...images, ...own, regions, copiedProperties };
}

export async function openWorker(
  { flows, upkeep: limits }: Config,
  parts: ActionParts,
  seams: FlowSeams,
  figures: UpkeepFigures,
): Promise<FlowWorker> {
  const { engine, database, session, log } = parts;
  return await startWorker({
    engine,
    database,
    session,
    log,
    flows: allFlows(parts, { database, engine, limits, scrubMs: parts.settings.scrubMs, figures }),
    periodic: [purgeEvery(flows.keepHours), ...upkeepEveryHour],
    limits: { perWorker: flows.perWorker, perProject: flows.perProject, total: flows.total },
    stallMs: flows.stallTimeout * 1000,
    seams,
  });
}

/** Flows counted for the metrics at most. */
const mostCounted = 10_000;

export function flowSources(database: Database, worker: FlowWorker | null): FlowSources {
  return {
    open: async () => (await openFlows(database.db, mostCounted)).map(viewFlow),
    figures: () => worker?.figures ?? null,
  };
}
