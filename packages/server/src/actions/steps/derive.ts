/** A step that makes other data of what has arrived, or is there; the steps after it go on with that. Back: nothing of it is there. */
import { open } from 'node:fs/promises';
import { Failure } from '../../base/failure.ts';
import { RunOver } from '../../flows/attempt.ts';
import type { Step, StepContext, UndoContext } from '../../flows/flow.ts';
import { reserveStaged } from '../../images/fetched-records.ts';
import type { Image } from '../../images/image.ts';
import { lockImage } from '../../images/image-records.ts';
import { stagedParts } from '../../images/staged-records.ts';
import { processTask, taskStatus } from '../../images/task-records.ts';
import { doomKeys } from '../../locations/location-records.ts';
import { removeBytes } from '../../locations/remove-bytes.ts';
import { stagingStoreId } from '../../stores/registry.ts';
import { onHeldImage, readBook, writeBook } from '../import-book.ts';
import type { ActionParts } from '../parts.ts';
import type { Refinement } from '../refinement.ts';
import { type Derived, declaredAs, lastDerived, type Made, shapedBy } from './derived.ts';
import type { PlaceInput } from './place.ts';

/** What a step works on. */
export interface DeriveWork {
  readonly context: StepContext;
  readonly refinement: Refinement;
  /** As the steps before have left it: its formats are those of the data. */
  readonly image: Image;
  /** The data, as one file. */
  readonly path: string;
  /** Bytes of it. */
  readonly size: number;
  /** Key in the staging area under which to put what is made. */
  readonly key: string;
  /** To be called before as many bytes are made, where that is known. */
  reserve(size: number): Promise<void>;
}

/** Null: there is nothing to do to this data. */
export type Make = (work: DeriveWork) => Promise<Made | null>;

/** One object an attempt, as with the stores. */
function keyOf({ image }: PlaceInput, attempt: string): string {
  return `${image}.${attempt}`;
}

/** What other data is made of. */
export interface Origin {
  /** Calls `work` with the data of the image as one file. */
  onFile<T>(context: StepContext, image: Image, work: (file: OneFile) => Promise<T> | T): Promise<T>;
  /** Makes room in the quotas for as many bytes in the staging area. */
  reserve(context: StepContext, image: Image, size: number): Promise<void>;
}

interface DeriveOptions {
  readonly origin?: Origin;
  /** Whether the flow goes on when it fails. */
  readonly isOptional?: boolean;
}

interface OneFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
}

export function derive<Input extends PlaceInput>(
  parts: ActionParts,
  name: string,
  make: Make,
  { origin = stagedOrigin(parts), isOptional = false }: DeriveOptions = {},
): Step<Input> {
  return {
    name,
    optional: isOptional,
    async do(context, input) {
      const image = declaredAs(context, await takeUp(parts, context, input));
      const key = keyOf(input, context.attempt);
      const reserve = (size: number) => origin.reserve(context, image, size);
      const refinement = input.refinement!;
      const shaped = shapedBy(image, lastDerived(context));
      const made = await origin.onFile(context, image, ({ path, size }) =>
        size === 0 ? null : make({ context, refinement, image: shaped, path, size, key, reserve }),
      );
      if (made === null) return null;
      await keep(parts, key, () => reserve(made.size));
      const { disk_format, container_format } = image;
      return { ...made, key, declared: { disk_format, container_format } } satisfies Derived;
    },
    undo: (context, input) => takeBack(parts, context, input, isOptional),
  };
}

/** The image as it is now; what earlier attempts made is on its way out. */
async function takeUp(parts: ActionParts, context: StepContext, input: PlaceInput): Promise<Image> {
  const keys = context.attempts.map((attempt) => keyOf(input, attempt));
  const { image, doomed } = await onHeldImage(parts, context, input.image, async (queries, held) => {
    await processTask(queries, context.flow);
    return {
      image: held,
      doomed: await doomKeys(queries, { image_id: input.image, store: stagingStoreId }, keys),
    };
  });
  await removeBytes(parts, doomed);
  return image;
}

function stagedOrigin(parts: ActionParts): Origin {
  return {
    onFile: (context, image, work) => onFile(parts, context, image.id, work),
    async reserve(context, { id, owner }, size) {
      const quotas = await parts.quotas.of(owner);
      await onHeldImage(parts, context, id, (queries, image) => reserveStaged(queries, quotas, image, size));
    },
  };
}

/** Whoever has the flow now may have cleared up before these bytes were there. */
async function keep({ stores }: ActionParts, key: string, record: () => Promise<void>): Promise<void> {
  try {
    await record();
  } catch (error) {
    if (error instanceof RunOver) await stores.staging.delete(key).catch(() => {});
    throw error;
  }
}

/** What came in parts is joined. */
async function onFile<T>(
  parts: ActionParts,
  context: StepContext,
  imageId: string,
  work: (file: OneFile) => Promise<T> | T,
): Promise<T> {
  const { staging } = parts.stores;
  const before = lastDerived(context);
  const data = before === null ? await stagedParts(parts.database.db, imageId) : [before];
  if (data.length === 0)
    throw new Failure('internal', `The staged data of image ${imageId} is gone: stage it again.`);
  const size = data.reduce((sum, part) => sum + part.size, 0);
  if (size === 0) return await work({ path: '', size });
  if (data.length === 1) return await work({ path: staging.pathOf(data[0]!.key), size });
  return await staging.scratch(async (path) => {
    await using file = await open(path, 'w');
    let done = 0;
    for (const { key } of data)
      for await (const chunk of await staging.get(key)) {
        context.signal.throwIfAborted();
        await file.writeFile(chunk);
        done += chunk.length;
        context.progress(done, size);
      }
    return await work({ path, size });
  });
}

async function takeBack(
  parts: ActionParts,
  context: UndoContext,
  input: PlaceInput,
  isOptional: boolean,
): Promise<void> {
  const keys = context.attempts.map((attempt) => keyOf(input, attempt));
  const doomed = await parts.database.transaction(async (queries) => {
    await context.fence(queries);
    // What is in the stores now was made of it, and it has left by itself.
    if ((await taskStatus(queries, context.flow)) === 'success') return [];
    const image = await lockImage(queries, input.image);
    const book = image === undefined ? undefined : readBook(image);
    // Without data it has failed in every store; of those that would go without it the steps that follow tell.
    const isFatal = context.failure !== null && !isOptional;
    if (image !== undefined && book?.holder === context.flow && isFatal)
      await writeBook(queries, image, { ...book, importing: [], failed: input.stores });
    return await doomKeys(queries, { image_id: input.image, store: stagingStoreId }, keys);
  });
  await removeBytes(parts, doomed);
}
