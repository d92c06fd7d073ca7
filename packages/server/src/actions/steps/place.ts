/** Brings the data into one store; back: no bytes there, and the store told among those that failed. */
import { Failure } from '../../base/failure.ts';
import type { Queries } from '../../database/queries.ts';
import { recordEvent } from '../../events/event-records.ts';
import { RunOver } from '../../flows/attempt.ts';
import type { Step, StepContext, UndoContext } from '../../flows/flow.ts';
import type { Image } from '../../images/image.ts';
import { dataEvent } from '../../images/image-event.ts';
import { type DataFacts, lockImage } from '../../images/image-records.ts';
import type { Signer } from '../../images/signing/signer.ts';
import { SignatureVerifier } from '../../images/signing/verifier.ts';
import { type SourceFile, storeData } from '../../images/store-data.ts';
import { processTask, taskStatus } from '../../images/task-records.ts';
import { doomKeys, insertLocation, type Location } from '../../locations/location-records.ts';
import { removeBytes } from '../../locations/remove-bytes.ts';
import { onHeldImage, readBook, writeBook } from '../import-book.ts';
import type { ActionParts } from '../parts.ts';
import type { Refinement } from '../refinement.ts';
import { declaredAs, derivedFor, type FindDerived, lastDerived, shapedBy } from './derived.ts';

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
  /** What is done to the data before; absent or null: nothing. */
  readonly refinement?: Refinement | null;
};

/** Where the data comes from. */
export interface Source {
  /** Bytes. */
  readonly size: number;
  /** Algorithm → hex digest that the data must have. */
  readonly digests: Readonly<Record<string, string>>;
  /** Asked only when there are bytes. */
  open(): Promise<AsyncIterable<Uint8Array>>;
  /** A file of this machine that should be exactly the data, when there is one. Asked only when there are bytes. */
  file?(): Promise<Pick<SourceFile, 'path' | 'failed'> | null>;
}

/** Writes down that the data is there. */
export type RecordCopy = (
  queries: Queries,
  place: Pick<Location, 'image_id' | 'store' | 'key'>,
  facts: DataFacts,
  context: StepContext,
) => Promise<void>;

/** How it is what it is. */
interface Cargo {
  readonly made: FindDerived;
  readonly record: RecordCopy;
}

export type FindSource = (image: Image, context: StepContext) => Promise<Source>;

/** What was found out on the way in, and as what the data was declared. */
export type Placed = DataFacts & Pick<Image, 'disk_format' | 'container_format'>;

export function placeStep(storeId: string): string {
  return `place:${storeId}`;
}

export function isPlaceStep(name: string): boolean {
  return name.startsWith(placeStep(''));
}

/** The stores that get the data of the image itself. */
export function ownStores(
  context: Pick<StepContext, 'resultOf'>,
  { stores, refinement }: Pick<PlaceInput, 'stores' | 'refinement'>,
): string[] {
  const others = (refinement?.copies ?? []).filter((copy) => derivedFor(context, copy) !== null);
  return stores.filter((id) => !others.some((copy) => copy.stores.includes(id)));
}

/** One object an attempt, so that whatever an attempt that was killed is still writing is in nobody's way. */
function keyOf(
  { stores }: ActionParts,
  storeId: string,
  { image, owner }: PlaceInput,
  attempt: string,
): string {
  const name = `${image}.${attempt}`;
  return stores.byId(storeId)?.keyFor?.(name, owner) ?? name;
}

export function place<Input extends PlaceInput>(
  parts: ActionParts,
  find: FindSource,
  storeId: string,
  isOptional: boolean,
  { made = lastDerived, record = recordLocation }: Partial<Cargo> = {},
): Step<Input> {
  return {
    name: placeStep(storeId),
    optional: isOptional,
    async do(context, input) {
      const held = await takeUp(parts, context, input, storeId);
      const image = declaredAs(context, held);
      const source = await find(image, context);
      const shaped = shapedBy(image, made(context));
      const facts = await copy(parts, context, input, storeId, shaped, source, record);
      const { disk_format, container_format } = image;
      return { ...facts, disk_format, container_format } satisfies Placed;
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
  const keys = context.attempts.map((attempt) => keyOf(parts, storeId, input, attempt));
  const { image, doomed } = await onHeldImage(
    parts,
    context,
    input.image,
    async (queries, held, _book, isDraft) => {
      // Nobody hears of an image before it is one.
      const told = isDraft ? [] : [dataEvent('image.prepare', held, storeId)];
      await processTask(queries, context.flow, told);
      return {
        image: held,
        doomed: await doomKeys(queries, { image_id: input.image, store: storeId }, keys),
      };
    },
  );
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
  record: RecordCopy,
): Promise<DataFacts> {
  const store = parts.stores.byId(storeId);
  if (store === undefined) throw new Failure('store_unavailable', `There is no store '${storeId}' any more.`);
  const key = keyOf(parts, storeId, input, context.attempt);
  const file = source.size === 0 ? null : ((await source.file?.()) ?? null);
  const passing = (bytes: AsyncIterable<Uint8Array>) => told(bytes, source.size, context);
  const facts = await storeData(parts.settings, {
    image,
    store,
    key,
    chunks: passing(opened(source)),
    file: file === null ? null : { ...file, passing },
    expectedSize: source.size,
    expectedDigests: source.digests,
    verifier: input.signer === null ? null : new SignatureVerifier(input.signer),
    signal: context.signal,
  });
  try {
    await onHeldImage(parts, context, input.image, async (queries, held, book, isDraft) => {
      await record(queries, { image_id: input.image, store: storeId, key }, facts, context);
      const after = await writeBook(queries, held, {
        ...book,
        importing: book.importing.filter((id) => id !== storeId),
      });
      if (!isDraft) await recordEvent(queries, dataEvent('image.upload', after, storeId));
    });
  } catch (error) {
    // Whoever has the flow now may have cleared up before these bytes were there.
    if (error instanceof RunOver) await store.delete(key).catch(() => {});
    throw error;
  }
  return facts;
}

export const recordLocation: RecordCopy = async (queries, place, { size }) => {
  if (size !== 0) await insertLocation(queries, place, 'active');
};

async function* opened(source: Source): AsyncGenerator<Uint8Array> {
  if (source.size > 0) yield* await source.open();
}

/** The bytes, with progress. */
async function* told(
  bytes: AsyncIterable<Uint8Array>,
  size: number,
  context: StepContext,
): AsyncGenerator<Uint8Array> {
  let done = 0;
  for await (const chunk of bytes) {
    context.signal.throwIfAborted();
    done += chunk.length;
    yield chunk;
    context.progress(done, size);
  }
}

async function takeBack(
  parts: ActionParts,
  context: UndoContext,
  input: PlaceInput,
  storeId: string,
): Promise<void> {
  const keys = context.attempts.map((attempt) => keyOf(parts, storeId, input, attempt));
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
