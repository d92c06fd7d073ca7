/** PUT /v2/images/{id}/file: from queued to active in one pass over the data, or back to queued with the reason told. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { asFailure, Failure } from '../base/failure.ts';
import { Measure, type Measured } from '../base/measure.ts';
import { requestChunks } from '../base/request-chunks.ts';
import type { Queries } from '../database/queries.ts';
import type { Caller } from '../identity/caller.ts';
import { Inspector } from '../inspection/inspect.ts';
import type { Quotas } from '../policy/quotas.ts';
import type { Store } from '../stores/store.ts';
import type { Image } from './image.ts';
import { type DataFacts, findVisible } from './image-records.ts';
import type { ImageParts } from './parts.ts';
import { mebibytes, requireRoom } from './quota-check.ts';
import { requireFormats } from './required-formats.ts';
import { openVerifier, type SignatureVerifier } from './signing/verifier.ts';
import { statusConflict } from './status.ts';
import { undoUpload } from './undo-upload.ts';
import { activateUpload, insertUpload, type Upload } from './upload-records.ts';

export interface UploadInput {
  readonly id: string;
  readonly body: Readable;
  /** Called once the body is wanted (a client may be waiting for 100 Continue). */
  readonly accept: () => void;
  readonly storeId: string | null;
  /** Bytes announced, or null. */
  readonly expectedSize: number | null;
  /** Algorithm → hex digest that the data must have. */
  readonly expectedDigests: Readonly<Record<string, string>>;
  /** Milliseconds without data after which the upload has stalled. */
  readonly idleMs: number;
  readonly requestId: string;
  /** Of the caller, as it came: certificates are read with it. */
  readonly token: string | null;
}

export async function uploadImage(parts: ImageParts, caller: Caller, input: UploadInput): Promise<void> {
  checkAnnouncedSize(input.expectedSize, parts.settings.sizeCap);
  const store = chooseStore(parts, input.storeId);
  const { image, target } = await findVisible(parts.database.db, parts.policy, caller, input.id);
  parts.policy.require('upload_image', caller, target);
  if (image.status !== 'queued') throw statusConflict(image.id, image.status, 'queued', 'an upload');
  requireFormats(image);

  const quotas = await parts.quotas.of(image.owner);
  const demand = { image_count_uploading: 1, image_size_total: mebibytes(input.expectedSize ?? 0) };
  const hasRoom = (queries: Queries) => requireRoom(queries, quotas, image.owner, demand);
  const upload = newUpload(parts, image, store);
  const running = parts.uploads.begin(upload.id, image.id);
  try {
    await begin(parts, caller, image, upload, input.requestId, hasRoom);
    await receive(parts, image, upload, { ...input, store, quotas, signal: running.signal });
  } finally {
    running.done();
  }
}

/** queued → saving. When the database's answer got lost it may have been done all the same, so it is undone. */
async function begin(
  parts: ImageParts,
  caller: Caller,
  image: Image,
  upload: Upload,
  requestId: string,
  hasRoom: (queries: Queries) => Promise<void>,
): Promise<void> {
  let isBegun: boolean;
  try {
    isBegun = await insertUpload(parts.database, upload, image, caller, requestId, hasRoom);
  } catch (error) {
    if (error instanceof Failure) await undo(parts, upload, error);
    throw error;
  }
  if (!isBegun) throw await conflictNow(parts, caller, image.id);
}

/** What the data is received with. */
interface Reception extends UploadInput {
  readonly store: Store;
  readonly quotas: Quotas;
  readonly signal: AbortSignal;
}

interface VerifiedReception extends Reception {
  /** null: the image is not signed. */
  readonly verifier: SignatureVerifier | null;
}

/** From the first byte to the last word: active, or undone. */
async function receive(parts: ImageParts, image: Image, upload: Upload, reception: Reception): Promise<void> {
  const { quotas, signal } = reception;
  try {
    const verifier = await openVerifier(parts.signatures, image, reception);
    reception.accept();
    const facts = await storeData(parts, image, upload, { ...reception, verifier });
    const demand = { image_size_total: mebibytes(facts.size ?? 0) };
    const hasRoom = (queries: Queries) => requireRoom(queries, quotas, image.owner, demand);
    await activateUpload(parts.database, upload, facts, hasRoom);
  } catch (error) {
    const reason = signal.aborted ? signal.reason : error;
    const failure = asFailure(reason, 'store_unavailable', 'The data could not be stored: try again later.');
    if (failure !== reason) parts.log.error({ err: error, image: image.id }, 'an upload failed');
    if ((await undo(parts, upload, failure)) === 'kept') return;
    throw failure;
  }
}

/** One pass: count, cap, hash and inspect while the store writes; nothing is durable before all agree. */
async function storeData(
  parts: ImageParts,
  image: Image,
  upload: Upload,
  { body, store, expectedSize, expectedDigests, idleMs, signal, verifier }: VerifiedReception,
): Promise<DataFacts> {
  const { sizeCap, virtualSizeCap, hashAlgorithm, legacyMd5, requireFormatMatch } = parts.settings;
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
  const chunks = measure.through(requestChunks(body, { idleMs, signal }));
  const first = await chunks.next();
  if (!first.done) await store.put(upload.key, resumed(first.value, chunks), signal);
  return factsOf(measure.result(), virtualSize);
}

/** The chunks with the first one put back: an empty body reaches no store. */
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

/** Never throws: what cannot be undone now is remembered, and upkeep undoes it when the database is back. */
async function undo(parts: ImageParts, upload: Upload, failure: Failure): Promise<string> {
  try {
    return await undoUpload(parts, upload, failure);
  } catch (err) {
    parts.log.error({ err, image: upload.image_id }, 'an upload could not be undone yet');
    parts.uploads.leave(upload, failure);
    return 'left';
  }
}

function chooseStore(parts: ImageParts, id: string | null): Store {
  // Glance: with a single store the header is ignored.
  if (id === null || !parts.stores.several) return parts.stores.default;
  const store = parts.stores.byId(id);
  if (store === undefined) throw new Failure('unknown_store', `There is no store '${id}'.`);
  if (store.readOnly) throw new Failure('store_read_only', `Store '${id}' takes no data: it is read-only.`);
  return store;
}

function checkAnnouncedSize(size: number | null, cap: number): void {
  if (size !== null && size > cap)
    throw new Failure('size_cap', `The image is larger than the limit of ${cap} bytes.`);
}

function newUpload(parts: ImageParts, image: Image, store: Store): Upload {
  return {
    id: randomUUID(),
    image_id: image.id,
    process: parts.session.processNumber,
    store: store.id,
    key: `${image.id}.${randomBytes(6).toString('hex')}`,
  };
}

/** Why the image was not queued any more when the upload was to begin. */
async function conflictNow(parts: ImageParts, caller: Caller, id: string): Promise<Failure> {
  const { image } = await findVisible(parts.database.db, parts.policy, caller, id);
  return statusConflict(id, image.status, 'queued', 'an upload');
}
