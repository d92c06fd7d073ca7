/** The drivers there are, and the stores that a configuration opens with them. */
import { PlaceHealth } from '@tintype/nearest';
import type { TSchema } from 'typebox';
import Value from 'typebox/value';
import { Failure } from '../base/failure.ts';
import { Capacities } from './capacities.ts';
import { fileStoreOptions, openFileStore, openFileStores, placesOfFileStore } from './file/file.ts';
import { type HttpStoreOptions, httpStoreOptions, placeOfHttpStore } from './http/options.ts';
import { placeOfRbdStore, type RbdStoreOptions, rbdStoreOptions } from './rbd/options.ts';
import { placeOfS3Store, type S3StoreOptions, s3StoreOptions } from './s3/options.ts';
import type { LocalStore, Store } from './store.ts';
import { placeOfSwiftStore, type SwiftStoreOptions, swiftStoreOptions } from './swift/options.ts';

/** What every store's configuration begins with; the rest belongs to its driver. */
export interface StoreConfig {
  readonly id: string;
  readonly type: string;
  readonly [option: string]: unknown;
}

interface StoreDriver {
  /** Checked before `open` is called with a value that fits it. */
  readonly options: TSchema;
  open(options: never): Promise<Store>;
  /** Where the objects are: no two stores may share it, or each would take the other's for orphans. */
  place(options: never): string | readonly string[];
}

const storeDrivers: Readonly<Record<string, StoreDriver>> = {
  file: { options: fileStoreOptions, open: openFileStores, place: placesOfFileStore },
  http: {
    options: httpStoreOptions,
    place: placeOfHttpStore,
    open: async (options: HttpStoreOptions) => (await import('./http/http.ts')).openHttpStore(options),
  },
  rbd: {
    options: rbdStoreOptions,
    place: placeOfRbdStore,
    open: async (options: RbdStoreOptions) => (await import('./rbd/rbd.ts')).openRbdStore(options),
  },
  s3: {
    options: s3StoreOptions,
    place: placeOfS3Store,
    open: async (options: S3StoreOptions) => (await import('./s3/s3.ts')).openS3Store(options),
  },
  swift: {
    options: swiftStoreOptions,
    place: placeOfSwiftStore,
    open: async (options: SwiftStoreOptions) => (await import('./swift/swift.ts')).openSwiftStore(options),
  },
};

/** Of the staging area; no other store may begin its id like this, and clients see none that does. */
export const stagingStoreId = 'os_glance_staging';

export interface Stores {
  /** In the order of the configuration, without the staging area. */
  readonly all: readonly Store[];
  readonly default: Store;
  /** Whether there are several: the API speaks of stores only then. */
  readonly several: boolean;
  /** Where data waits for its import: clients cannot name it. */
  readonly staging: LocalStore;
  /** How they have served this process of late. */
  readonly health: PlaceHealth;
  /** How much room they have. */
  readonly capacities: Capacities;
  byId(id: string): Store | undefined;
  /** Any store that bytes may be recorded in, the staging area too. */
  holding(id: string): Store | undefined;
  close(): Promise<void>;
}

/**
 * Opens them all, or none; `stagingPath` is the folder of the staging area. `defaultId` null: the first that takes
 * writes is the default. Fails with bad_request, naming the setting, or with what a driver's `open` fails with.
 */
export async function openStores(
  configs: readonly StoreConfig[],
  stagingPath: string,
  defaultId: string | null = null,
): Promise<Stores> {
  checkIds(configs, defaultId);
  const waiting = { id: stagingStoreId, type: 'file', path: stagingPath } as const;
  const every = [...configs, waiting];
  const drivers = every.map(driverOf);
  checkPlaces(every, drivers);
  const opened: Store[] = [];
  try {
    for (const [index, config] of configs.entries()) opened.push(await drivers[index]!.open(config as never));
    return openedStores(opened, await openFileStore(waiting), defaultId);
  } catch (error) {
    await closeAll(opened);
    throw error;
  }
}

/** `defaultId` is that of one of them, or null. Fails with bad_request when there is none to write to. */
export function openedStores(
  all: readonly Store[],
  staging: LocalStore,
  defaultId: string | null = null,
): Stores {
  const byId = new Map(all.map((store) => [store.id, store]));
  const standard = defaultId === null ? all.find(({ readOnly }) => readOnly !== true) : byId.get(defaultId)!;
  if (standard === undefined)
    throw wrong('Every store is read-only: configure one that images can be put into.');
  if (standard.readOnly === true) throw wrong(`defaultStore is ${standard.id}, which is read-only.`);
  return {
    all,
    default: standard,
    several: all.length > 1,
    staging,
    health: new PlaceHealth(),
    capacities: new Capacities(),
    byId: (id) => byId.get(id),
    holding: (id) => (id === stagingStoreId ? staging : byId.get(id)),
    close: () => closeAll([...all, staging]),
  };
}

function checkIds(configs: readonly StoreConfig[], defaultId: string | null): void {
  if (configs.length === 0) throw wrong('No store is configured: name at least one under "stores".');
  const ids = new Set<string>();
  for (const { id } of configs) {
    if (id.startsWith('os_glance_')) throw wrong(`Store ${id}: ids that begin with os_glance_ are reserved.`);
    if (ids.has(id)) throw wrong(`Two stores have the id ${id}: give each its own.`);
    ids.add(id);
  }
  if (defaultId === null || ids.has(defaultId)) return;
  throw wrong(`defaultStore is ${defaultId}, but the stores are ${[...ids].join(', ')}.`);
}

function checkPlaces(configs: readonly StoreConfig[], drivers: readonly StoreDriver[]): void {
  const taken = new Map<string, string>();
  for (const [index, driver] of drivers.entries()) {
    const { id, type } = configs[index]!;
    for (const one of [driver.place(configs[index] as never)].flat()) {
      const place = `${type} ${one}`;
      const other = taken.get(place);
      if (other === id) throw wrong(`Store ${id} has the same folder twice.`);
      if (other !== undefined)
        throw wrong(`Stores ${other} and ${id} are at the same place: give each its own.`);
      taken.set(place, id);
    }
  }
}

function driverOf(config: StoreConfig): StoreDriver {
  const known = Object.keys(storeDrivers);
  const driver = known.includes(config.type) ? storeDrivers[config.type]! : null;
  if (driver === null) {
    throw wrong(`Store ${config.id} has the type ${config.type}; known are ${known.join(', ')}.`);
  }
  const [error] = Value.Errors(driver.options, config);
  if (error === undefined) return driver;
  const at = error.instancePath.slice(1).replaceAll('/', '.') || 'its options';
  throw wrong(`Store ${config.id}: ${at} ${error.message}.`);
}

function wrong(sentence: string): Failure {
  return new Failure('bad_request', sentence);
}

async function closeAll(stores: readonly Store[]): Promise<void> {
  for (const store of stores) await store.close();
}
