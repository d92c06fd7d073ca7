/** One pass over the data of an image: counted, capped, hashed and inspected while a store writes. */
import { Measure, type Measured } from '../base/measure.ts';
import { Inspector } from '../inspection/inspect.ts';
import type { Store } from '../stores/store.ts';
import type { Image } from './image.ts';
import type { DataFacts } from './image-records.ts';
import type { ImageSettings } from './parts.ts';
import type { SignatureVerifier } from './signing/verifier.ts';

export interface DataPass {
  readonly image: Image;
  readonly store: Store;
  readonly key: string;
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Bytes announced, or null. */
  readonly expectedSize: number | null;
  /** Algorithm → hex digest that the data must have. */
  readonly expectedDigests: Readonly<Record<string, string>>;
  /** null: the image is not signed. */
  readonly verifier: SignatureVerifier | null;
  readonly signal: AbortSignal;
}

/** Nothing is durable before all agree; both formats are set. An empty body reaches no store. */
export async function storeData(settings: ImageSettings, pass: DataPass): Promise<DataFacts> {
  const { image, store, key, chunks, expectedSize, expectedDigests, verifier, signal } = pass;
  const { sizeCap, virtualSizeCap, hashAlgorithm, legacyMd5, requireFormatMatch } = settings;
  const inspector = new Inspector({
    diskFormat: image.disk_format!,
    containerFormat: image.container_format!,
    requireMatch: requireFormatMatch,
    virtualSizeCap,
  });
  let virtualSize: number | null = null;
  const measure = new Measure({
    cap: sizeCap,
    expectedSize,
    hashAlgorithm,
    md5: legacyMd5,
    expectedDigests,
    observe: {
      update: (chunk) => {
        inspector.update(chunk);
        verifier?.update(chunk);
      },
      finish: () => {
        if (measure.size > 0 || !mayBeEmpty(image)) virtualSize = inspector.finish().virtualSize;
        verifier?.finish();
      },
    },
  });
  await putUnlessEmpty(store, key, measure.through(chunks), signal);
  return factsOf(measure.result(), virtualSize);
}

export async function putUnlessEmpty(
  store: Store,
  key: string,
  chunks: AsyncGenerator<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  const first = await chunks.next();
  if (!first.done) await store.put(key, resumed(first.value, chunks), signal);
}

/** The chunks with the first one put back. */
async function* resumed(first: Uint8Array, rest: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield first;
    yield* rest;
  } finally {
    await rest.return(undefined);
  }
}

/** The data of a volume-backed snapshot is elsewhere: its upload is empty whatever the format. */
function mayBeEmpty(image: Image): boolean {
  return Object.hasOwn(image.properties, 'block_device_mapping');
}

function factsOf(measured: Measured, virtualSize: number | null): DataFacts {
  return {
    size: measured.size,
    virtual_size: virtualSize,
    checksum: measured.checksum,
    os_hash_algo: measured.hashAlgorithm,
    os_hash_value: measured.hashValue,
  };
}
