/** What an upload and a staging have in common: from queued to the last byte, or back to queued with the reason told. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { asFailure, Failure } from '../base/failure.ts';
import { requestChunks } from '../base/request-chunks.ts';
import type { Queries } from '../database/queries.ts';
import type { Caller } from '../identity/caller.ts';
import type { QuotaName } from '../policy/quotas.ts';
import type { Store } from '../stores/store.ts';
import type { Image } from './image.ts';
import { findVisible } from './image-records.ts';
import type { ImageParts } from './parts.ts';
import { mebibytes, requireRoom } from './quota-check.ts';
import { statusConflict } from './status.ts';
import { undoUpload } from './undo-upload.ts';
import { insertUpload, type Upload } from './upload-records.ts';

/** What a request sends, and says about it. */
export interface ReceivedInput {
  readonly id: string;
  readonly body: Readable;
  /** Called once the body is wanted (a client may be waiting for 100 Continue). */
  readonly accept: () => void;
  /** Bytes announced, or null. */
  readonly expectedSize: number | null;
  /** Algorithm → hex digest that the data must have. */
  readonly expectedDigests: Readonly<Record<string, string>>;
  /** Milliseconds without data after which the upload has stalled. */
  readonly idleMs: number;
  readonly requestId: string;
}

type Room = (queries: Queries) => Promise<void>;

export interface Reception<Facts extends { readonly size: number | null }> {
  readonly input: ReceivedInput;
  readonly image: Image;
  readonly store: Store;
  /** Quota that the bytes count for. */
  readonly quota: QuotaName;
  /** Writes down that it begins, if `hasRoom`, for what is no image yet and has its turn among the uploads already. */
  readonly begin?: (upload: Upload, hasRoom: Room) => Promise<void>;
  /** Brings the bytes into the store; `arrival` asks the client for them. */
  readonly take: (
    upload: Upload,
    arrival: () => AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ) => Promise<Facts>;
  /** Records what was brought, if `hasRoom`. */
  readonly record: (upload: Upload, facts: Facts, hasRoom: Room) => Promise<void>;
}

export async function receive<Facts extends { readonly size: number | null }>(
  parts: ImageParts,
  caller: Caller,
  reception: Reception<Facts>,
): Promise<void> {
  const { image, store, quota, input } = reception;
  const quotas = await parts.quotas.of(image.owner);
  const roomFor = (bytes: number, uploads: number) => (queries: Queries) =>
    requireRoom(queries, quotas, image.owner, { image_count_uploading: uploads, [quota]: mebibytes(bytes) });
  const upload = newUpload(parts, image, store);
  const running = parts.uploads.begin(upload.id, image.id);
  try {
    const turns = reception.begin === undefined ? 1 : 0;
    await begin(parts, caller, reception, upload, roomFor(input.expectedSize ?? 0, turns));
    await arrive(parts, upload, reception, running.signal, (bytes) => roomFor(bytes, 0));
  } finally {
    running.done();
  }
}

/** When the database's answer got lost it may have been done all the same, so it is undone. */
async function begin(
  parts: ImageParts,
  caller: Caller,
  { image, input, begin: insert }: Pick<Reception<never>, 'image' | 'input' | 'begin'>,
  upload: Upload,
  hasRoom: Room,
): Promise<void> {
  let isBegun = true;
  try {
    if (insert !== undefined) await insert(upload, hasRoom);
    else isBegun = await insertUpload(parts.database, upload, image, caller, input.requestId, hasRoom);
  } catch (error) {
    if (error instanceof Failure) await undo(parts, upload, error);
    throw error;
  }
  if (!isBegun) throw await conflictNow(parts, caller, image.id);
}

/** From the first byte to the last word. */
async function arrive<Facts extends { readonly size: number | null }>(
  parts: ImageParts,
  upload: Upload,
  { input, take, record }: Reception<Facts>,
  signal: AbortSignal,
  roomFor: (bytes: number) => Room,
): Promise<void> {
  const arrival = () => {
    input.accept();
    return requestChunks(input.body, { idleMs: input.idleMs, signal });
  };
  try {
    const facts = await take(upload, arrival, signal);
    await record(upload, facts, roomFor(facts.size ?? 0));
  } catch (error) {
    const reason = signal.aborted ? signal.reason : error;
    const failure = asFailure(reason, 'store_unavailable', 'The data could not be stored: try again later.');
    if (failure !== reason) parts.log.error({ err: error, image: upload.image_id }, 'an upload failed');
    if ((await undo(parts, upload, failure)) === 'kept') return;
    throw failure;
  }
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

export function checkAnnouncedSize(size: number | null, cap: number): void {
  if (size !== null && size > cap)
    throw new Failure('size_cap', `The image is larger than the limit of ${cap} bytes.`);
}

function newUpload(parts: ImageParts, image: Image, store: Store): Upload {
  const name = `${image.id}.${randomBytes(6).toString('hex')}`;
  return {
    id: randomUUID(),
    image_id: image.id,
    process: parts.session.processNumber,
    store: store.id,
    key: store.keyFor?.(name, image.owner) ?? name,
  };
}

/** Why the image was not queued any more when the upload was to begin. */
async function conflictNow(parts: ImageParts, caller: Caller, id: string): Promise<Failure> {
  const { image } = await findVisible(parts.database.db, parts.policy, caller, id);
  return statusConflict(id, image.status, 'queued', 'an upload');
}
