/** Brings the data of a URL into the staging area, and goes on after the last part that is safe; back: nothing of it is there. */
import { Failure } from '../../base/failure.ts';
import type { Fetcher, OpenOptions, Source } from '../../base/fetch/fetcher.ts';
import { RunOver } from '../../flows/attempt.ts';
import type { Step, StepContext, UndoContext } from '../../flows/flow.ts';
import {
  type Fetched,
  fetchedSoFar,
  nothingFetched,
  recordFetched,
  recordWhole,
  reserveStaged,
} from '../../images/fetched-records.ts';
import { lockImage } from '../../images/image-records.ts';
import { doomStaged } from '../../images/staged-records.ts';
import { processTask, taskStatus } from '../../images/task-records.ts';
import { doomKeys } from '../../locations/location-records.ts';
import { removeBytes } from '../../locations/remove-bytes.ts';
import type { Quotas } from '../../policy/quotas.ts';
import { stagingStoreId } from '../../stores/registry.ts';
import { onHeldImage, readBook, writeBook } from '../import-book.ts';
import type { ActionParts } from '../parts.ts';
import type { PlaceInput } from './place.ts';
import { beginPart } from './source-part.ts';

export const fetchName = 'fetch';

export type FetchInput = PlaceInput & {
  /** May have credentials in it: it is shown nowhere, and not kept once its data is safe. */
  readonly uri: string;
};

/** Where the data is, and what is known of it beforehand. */
export interface Origin {
  readonly fetcher: Fetcher;
  readonly url: string;
  /** For that origin alone. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes that it has to have; null: as many as there are. */
  readonly size: number | null;
  /** Bytes that its owner said it has. */
  readonly announced?: number | null;
  /** As in `OpenOptions`. */
  readonly identity?: string;
}

/** The part that an attempt is writing begins where the parts that are safe end: at most one of an attempt is on no record. */
function keyOf({ image }: PlaceInput, attempt: string, first: number): string {
  return `${image}.${attempt}.${first}`;
}

/** From the URL of the input. */
export function fetchSource(parts: ActionParts): Step<FetchInput> {
  return fetchFrom(parts, (_context, { uri }) => ({ fetcher: parts.fetcher, url: uri, size: null }));
}

/** `find` is asked by attempts that have something to fetch. */
export function fetchFrom<Input extends PlaceInput>(
  parts: ActionParts,
  find: (context: StepContext, input: Input) => Origin,
): Step<Input> {
  return {
    name: fetchName,
    async do(context, input) {
      const quotas = await parts.quotas.of(input.owner);
      const fetched = await takeUp(parts, context, input);
      if (!fetched.isWhole) await fetchRest(parts, quotas, context, input, find(context, input), fetched);
    },
    undo: (context, input) => takeBack(parts, context, input),
  };
}

/** How far earlier attempts came. What cannot be gone on from, and what they wrote without recording it, is on its way out. */
async function takeUp(parts: ActionParts, context: StepContext, input: PlaceInput): Promise<Fetched> {
  const { fetched, doomed } = await onHeldImage(parts, context, input.image, async (queries) => {
    await processTask(queries, context.flow);
    const before = await fetchedSoFar(queries, input.image);
    const keys = context.attempts.map((attempt) => keyOf(input, attempt, before.size));
    const place = { image_id: input.image, store: stagingStoreId };
    const left = await doomKeys(queries, place, keys);
    if (before.isWhole || before.validator !== null) return { fetched: before, doomed: left };
    return { fetched: nothingFetched, doomed: [...left, ...(await doomStaged(queries, input.image))] };
  });
  await removeBytes(parts, doomed);
  return fetched;
}

async function fetchRest(
  parts: ActionParts,
  quotas: Quotas,
  context: StepContext,
  input: PlaceInput,
  origin: Origin,
  fetched: Fetched,
): Promise<void> {
  // Some services answer a request for no bytes as if there were no data.
  if (origin.size === 0) return await finish(parts, context, input, 0);
  const { source, first } = await openSource(parts, context, input, origin, fetched);
  try {
    if (source.size !== null) {
      requireSize(origin, source.size);
      requireAnnounced(origin, source.size, true);
      await onHeldImage(parts, context, input.image, (queries, image) =>
        reserveStaged(queries, quotas, image, source.size!),
      );
    }
    let position = first;
    for (;;) {
      const size = await fetchPart(parts, quotas, context, input, source, position);
      position += size;
      if (size === 0) break;
      requireAnnounced(origin, position, false);
    }
    requireSize(origin, position);
    await finish(parts, context, input, position);
  } finally {
    await source.body.return?.();
  }
}

function requireSize({ size: expected }: Origin, size: number): void {
  if (expected !== null && size !== expected)
    throw new Failure('size_mismatch', `The source has ${size} bytes, and not ${expected} as it said.`);
}

/** `isAll`: there are no more; a source that does not say how much it has is given up when more has come, and too little is for `verify` to find. */
function requireAnnounced({ announced = null }: Origin, size: number, isAll: boolean): void {
  if (announced === null || (isAll ? size === announced : size <= announced)) return;
  const has = isAll ? size : `at least ${size}`;
  throw new Failure('size_mismatch', `The source has ${has} bytes, announced were ${announced}.`);
}

/** From where the parts that are safe end; from the beginning when the source has other bytes now, or gives no end alone. */
async function openSource(
  parts: ActionParts,
  context: StepContext,
  input: PlaceInput,
  { fetcher, url, headers, identity }: Origin,
  { size, validator }: Fetched,
): Promise<{ source: Source; first: number }> {
  const { signal } = context;
  const options: OpenOptions = {
    cap: parts.settings.sizeCap,
    headers,
    identity,
    isPatient: true,
    signal,
  };
  if (validator !== null && size > 0) {
    try {
      const from = { offset: size, validator };
      return { source: await fetcher.open(url, { ...options, from }), first: size };
    } catch (error) {
      const isOther = error instanceof Failure && ['source_changed', 'source_cut'].includes(error.code);
      if (!isOther) throw error;
      const doomed = await onHeldImage(parts, context, input.image, (queries) =>
        doomStaged(queries, input.image),
      );
      await removeBytes(parts, doomed);
    }
  }
  return { source: await fetcher.open(url, options), first: 0 };
}

/** Resolves with its bytes, once they are safe; 0 when there are no more. */
async function fetchPart(
  parts: ActionParts,
  quotas: Quotas,
  context: StepContext,
  input: PlaceInput,
  { body, size: total, validator }: Source,
  first: number,
): Promise<number> {
  const part = await beginPart(body, (done) => context.progress(first + done, total ?? undefined));
  if (part === null) return 0;
  const { staging } = parts.stores;
  const key = keyOf(input, context.attempt, first);
  const { size } = await staging.put(key, part.chunks(), context.signal);
  try {
    await onHeldImage(parts, context, input.image, async (queries, image) => {
      await reserveStaged(queries, quotas, image, first + size);
      await recordFetched(queries, input.image, { key, first, size, total, validator });
    });
  } catch (error) {
    // Whoever has the flow now may have cleared up before these bytes were there.
    if (error instanceof RunOver) await staging.delete(key).catch(() => {});
    throw error;
  }
  if (part.trouble !== undefined) throw part.trouble;
  return size;
}

async function finish(
  parts: ActionParts,
  context: StepContext,
  input: PlaceInput,
  total: number,
): Promise<void> {
  await onHeldImage(parts, context, input.image, async (queries) => {
    const empty = { key: keyOf(input, context.attempt, 0), first: 0, size: 0, total, validator: null };
    if (total === 0) await recordFetched(queries, input.image, empty);
    else await recordWhole(queries, input.image, total);
    await context.forgetSecrets(queries);
  });
}

async function takeBack(parts: ActionParts, context: UndoContext, input: PlaceInput): Promise<void> {
  const doomed = await parts.database.transaction(async (queries) => {
    await context.fence(queries);
    // What has become the data of an image has left the staging area by itself.
    if ((await taskStatus(queries, context.flow)) === 'success') return [];
    const image = await lockImage(queries, input.image);
    const book = image === undefined ? undefined : readBook(image);
    // Without data it has failed in every store.
    if (image !== undefined && book?.holder === context.flow && context.failure !== null)
      await writeBook(queries, image, { ...book, importing: [], failed: input.stores });
    const { size } = await fetchedSoFar(queries, input.image);
    const keys = context.attempts.map((attempt) => keyOf(input, attempt, size));
    const left = await doomKeys(queries, { image_id: input.image, store: stagingStoreId }, keys);
    return [...left, ...(await doomStaged(queries, input.image))];
  });
  await removeBytes(parts, doomed);
}
