/** The figures at /metrics (Prometheus text form). */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { type CacheSource, countCache } from './cache-metrics.ts';
import { countEvents, type EventSources } from './event-metrics.ts';
import { countFlows, type FlowSources } from './flow-metrics.ts';
import { countStores, type StoreSource } from './store-metrics.ts';
import { countUpkeep, type UpkeepSource } from './upkeep-metrics.ts';

/** Read when the figures are asked for. */
export interface MetricSources {
  readonly uploadsInProgress: () => number;
  readonly databasePool: () => { readonly total: number; readonly idle: number; readonly waiting: number };
  readonly flows: FlowSources;
  readonly upkeep: UpkeepSource;
  /** null: this process keeps none. */
  readonly cache: CacheSource | null;
  readonly events: EventSources;
  readonly stores: StoreSource;
}

export interface Metrics {
  readonly registry: Registry;
  /** Seconds by method, route and status. */
  readonly requests: Histogram;
  readonly bytesIn: Counter;
  readonly bytesOut: Counter;
}

const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300];

export function createMetrics(sources: MetricSources): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'tintype_uploads_in_progress',
    help: 'Uploads whose data is arriving',
    registers,
    collect() {
      this.set(sources.uploadsInProgress());
    },
  });
  new Gauge({
    name: 'tintype_database_connections',
    help: 'Connections of the database pool by state, and requests waiting for one',
    labelNames: ['state'],
    registers,
    collect() {
      const { total, idle, waiting } = sources.databasePool();
      this.set({ state: 'busy' }, total - idle);
      this.set({ state: 'idle' }, idle);
      this.set({ state: 'waiting' }, waiting);
    },
  });
  countFlows(sources.flows, registers);
  countUpkeep(sources.upkeep, registers);
  if (sources.cache !== null) countCache(sources.cache, registers);
  countEvents(sources.events, registers);
  countStores(sources.stores, registers);
  return {
    registry,
    requests: new Histogram({
      name: 'tintype_http_request_duration_seconds',
      help: 'Time from request to the end of the answer',
      labelNames: ['method', 'route', 'status'],
      buckets,
      registers,
    }),
    bytesIn: new Counter({
      name: 'tintype_image_bytes_received_total',
      help: 'Image data received',
      registers,
    }),
    bytesOut: new Counter({ name: 'tintype_image_bytes_sent_total', help: 'Image data sent', registers }),
  };
}
