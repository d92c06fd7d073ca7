/** One pass over the data of an image: counted, capped, hashed and inspected while a store writes. */
import { Failure } from '../base/failure.ts';
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
  /** A file of this machine that should be exactly the data, for a store that can have the kernel copy it. */
  readonly file?: SourceFile | null;
}

export interface SourceFile {
  readonly path: string;
  /** The bytes of the copy as they are read in order to be judged. */
  passing(bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
  /** It did not become the data, for this reason: the chunks are asked for instead. */
  failed(error: unknown): void;
}

/** Nothing is durable before all agree; both formats are set. An empty body reaches no store. */
export async function storeData(settings: ImageSettings, pass: DataPass): Promise<DataFacts> {
  const { store, key, chunks, expectedSize, signal } = pass;
  const copied = await copyData(settings, pass);
  if (copied !== null) return copied;
  const { judged, facts } = judge(settings, pass);
  await putUnlessEmpty(store, key, judged(chunks), signal, expectedSize);
  return facts();
}

/** Nor would the chunks have room, or their name be free; and what is interrupted is to end. */
const notOfTheFile: ReadonlySet<string> = new Set(['store_full', 'image_exists', 'interrupted']);

/** By way of the kernel: what is judged is what the store has then. Null: not by that way. */
async function copyData(settings: ImageSettings, pass: DataPass): Promise<DataFacts | null> {
  const { store, key, verifier, signal, file } = pass;
  // A verifier sees the bytes but once.
  if (!file || store.putFile === undefined || verifier !== null) return null;
  const { judged, facts } = judge(settings, pass);
  try {
    const put = await store.putFile(key, file.path, (bytes) => judged(file.passing(bytes)), signal);
    return put === null ? null : facts();
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Failure && notOfTheFile.has(error.code)) throw error;
    file.failed(error);
    return null;
  }
}

/** One pass: what passes through `judged`, which is to be used once, and the facts after that. */
function judge(settings: ImageSettings, { image, expectedSize, expectedDigests, verifier }: DataPass) {
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
  return {
    judged: (bytes: AsyncIterable<Uint8Array>) => measure.through(bytes),
    facts: () => factsOf(measure.result(), virtualSize),
  };
}

export async function putUnlessEmpty(
  store: Store,
  key: string,
  chunks: AsyncGenerator<Uint8Array>,
  signal: AbortSignal,
  expectedSize: number | null = null,
): Promise<void> {
  const first = await chunks.next();
  if (!first.done) await store.put(key, resumed(first.value, chunks), signal, expectedSize ?? undefined);
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
