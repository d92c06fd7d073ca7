/** Brings the data into one store; back: no bytes there, and the store told among those that failed. */
import { Failure } from '../../base/failure.ts';
import { RunOver } from '../../flows/attempt.ts';
import type { Step, StepContext, UndoContext } from '../../flows/flow.ts';
import type { Image } from '../../images/image.ts';
import { type DataFacts, lockImage } from '../../images/image-records.ts';
import type { Signer } from '../../images/signing/signer.ts';
import { SignatureVerifier } from '../../images/signing/verifier.ts';
import { storeData } from '../../images/store-data.ts';
import { processTask, taskStatus } from '../../images/task-records.ts';
import { doomKeys, insertLocation } from '../../locations/location-records.ts';
import { removeBytes } from '../../locations/remove-bytes.ts';
import { onHeldImage, readBook, writeBook } from '../import-book.ts';
import type { ActionParts } from '../parts.ts';

/** What every import knows of its image. */
export type PlaceInput = {
  readonly image: string;
  /** Project whose quota it counts for. */
  readonly owner: string | null;
  /** Ids. */
  readonly stores: readonly string[];
  readonly allMustSucceed: boolean;
  /** Who signed the image; null: nobody, or it was verified when the image became active. */
  readonly signer: { readonly [K in keyof Signer]: Signer[K] } | null;
};

/** Where the data comes from. */
export interface Source {
  /** Bytes. */
  readonly size: number;
  /** Algorithm → hex digest that the data must have. */
  readonly digests: Readonly<Record<string, string>>;
  /** Asked only when there are bytes. */
  open(): Promise<AsyncIterable<Uint8Array>>;
}

export type FindSource = (image: Image, context: StepContext) => Promise<Source>;

/** What was found out on the way in, and as what the data was inspected. */
export type Placed = DataFacts & Pick<Image, 'disk_format' | 'container_format'>;

export function placeStep(storeId: string): string {
  return `place:${storeId}`;
}

/** One object an attempt, so that whatever an attempt that was killed is still writing is in nobody's way. */
function keyOf({ image }: PlaceInput, attempt: string): string {
  return `${image}.${attempt}`;
}

export function place<Input extends PlaceInput>(
  parts: ActionParts,
  find: FindSource,
  storeId: string,
  isOptional: boolean,
): Step<Input> {
  return {
    name: placeStep(storeId),
    optional: isOptional,
    async do(context, input) {
      const image = await takeUp(parts, context, input, storeId);
      const source = await find(image, context);
      const facts = await copy(parts, context, input, storeId, image, source);
      const placed: Placed = {
        ...facts,
        disk_format: image.disk_format,
        container_format: image.container_format,
      };
      return placed;
    },
    undo: (context, input) => takeBack(parts, context, input, storeId),
  };
}

/** The image as it is now; what earlier attempts wrote is on its way out. */
async function takeUp(
  parts: ActionParts,
  context: StepContext,
  input: PlaceInput,
  storeId: string,
): Promise<Image> {
  const keys = context.attempts.map((attempt) => keyOf(input, attempt));
  const { image, doomed } = await onHeldImage(parts, context, input.image, async (queries, held) => {
    await processTask(queries, context.flow);
    return {
      image: held,
      doomed: await doomKeys(queries, { image_id: input.image, store: storeId }, keys),
    };
  });
  await removeBytes(parts, doomed);
  return image;
}

async function copy(
  parts: ActionParts,
  context: StepContext,
  input: PlaceInput,
  storeId: string,
  image: Image,
  source: Source,
): Promise<DataFacts> {
  const store = parts.stores.byId(storeId);
  if (store === undefined) throw new Failure('store_unavailable', `There is no store '${storeId}' any more.`);
  const key = keyOf(input, context.attempt);
  const facts = await storeData(parts.settings, {
    image,
    store,
    key,
    chunks: told(source, context),
    expectedSize: source.size,
    expectedDigests: source.digests,
    verifier: input.signer === null ? null : new SignatureVerifier(input.signer),
    signal: context.signal,
  });
  try {
    await onHeldImage(parts, context, input.image, async (queries, held, book) => {
      const location = { image_id: input.image, store: storeId, key };
      if (facts.size !== 0) await insertLocation(queries, location, 'active');
      await writeBook(queries, held, {
        ...book,
        importing: book.importing.filter((id) => id !== storeId),
      });
    });
  } catch (error) {
    // Whoever has the flow now may have cleared up before these bytes were there.
    if (error instanceof RunOver) await store.delete(key).catch(() => {});
    throw error;
  }
  return facts;
}

/** The source's bytes, with progress. */
async function* told(source: Source, context: StepContext): AsyncGenerator<Uint8Array> {
  if (source.size === 0) return;
  let done = 0;
  for await (const chunk of await source.open()) {
    context.signal.throwIfAborted();
    done += chunk.length;
    yield chunk;
    context.progress(done, source.size);
  }
}

async function takeBack(
  parts: ActionParts,
  context: UndoContext,
  input: PlaceInput,
  storeId: string,
): Promise<void> {
  const keys = context.attempts.map((attempt) => keyOf(input, attempt));
  const doomed = await parts.database.transaction(async (queries) => {
    await context.fence(queries);
    // What has become the data of an image stays.
    if ((await taskStatus(queries, context.flow)) === 'success') return [];
    const image = await lockImage(queries, input.image);
    const book = image === undefined ? undefined : readBook(image);
    if (image !== undefined && book?.holder === context.flow)
      await writeBook(queries, image, {
        ...book,
        importing: book.importing.filter((id) => id !== storeId),
        failed: context.failure === null ? book.failed : [...new Set([...book.failed, storeId])],
      });
    return await doomKeys(queries, { image_id: input.image, store: storeId }, keys);
  });
  await removeBytes(parts, doomed);
}
