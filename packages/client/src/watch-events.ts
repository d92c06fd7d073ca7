/** What happens on a server, one event after the other, over as many connections as that takes. */
import type { EventRecord } from '@tintype/contract';
import type { Connection } from './connection.ts';
import { ConnectionError, ImageApiError } from './errors.ts';
import { type EventBlock, eventBlocks } from './event-blocks.ts';

/** `missed`: events were forgotten before they could be told; what is known of images may be out of date. */
export type ImageEvent = EventRecord | { readonly type: 'missed'; readonly position: number };

export interface WatchOptions {
  /** Position of the last event that is known; unless given: what happens from now on, or with `follow` false all there is. */
  readonly after?: number;
  /** Go on when all there is has been told; true unless given. */
  readonly follow?: boolean;
  /** Types, or groups such as `image` and `image.member`. */
  readonly types?: readonly string[];
  readonly imageId?: string;
  /** Events of all projects: for administrators. */
  readonly allProjects?: boolean;
  readonly signal?: AbortSignal;
}

/** Milliseconds before coming back after a cut, doubled up to the second figure. */
const [firstWaitMs, mostWaitMs] = [500, 30_000];

/**
 * Ends when `follow` is false and all there is has been told. A connection that ends is made anew, and goes on where it
 * was; so does one that cannot be made again for a while. Throws what the first connection fails with, and refusals at any time.
 */
export async function* watchEvents(
  connection: Connection,
  options: WatchOptions,
): AsyncGenerator<ImageEvent, void, undefined> {
  const { follow = true, signal } = options;
  let lastId = String(options.after ?? (follow ? '' : 0));
  let troubles = 0;
  let isKnown = false;
  for (;;) {
    try {
      const answer = await connection.send({
        method: 'GET',
        path: `/v2/events${queryOf(options)}`,
        headers: { Accept: 'text/event-stream', ...(lastId === '' ? {} : { 'Last-Event-ID': lastId }) },
        signal,
      });
      isKnown = true;
      for await (const block of eventBlocks(answer.body ?? new Blob([]).stream(), lastId)) {
        troubles = 0;
        lastId = block.lastId;
        if (block.data !== '') yield eventOf(block);
      }
      if (!follow) return;
    } catch (thrown) {
      if (!isKnown || !mayPass(thrown, connection, signal)) throw connection.failure(thrown, signal);
    }
    troubles += 1;
    await pause(Math.min(firstWaitMs * 2 ** (troubles - 1), mostWaitMs), signal);
  }
}

function eventOf({ event, data }: EventBlock): ImageEvent {
  const fields = JSON.parse(data) as EventRecord;
  return event === 'missed' ? { type: 'missed', position: fields.position } : fields;
}

function mayPass(thrown: unknown, connection: Connection, signal: AbortSignal | undefined): boolean {
  if (signal?.aborted) return false;
  if (thrown instanceof ImageApiError) return thrown.status === 503;
  return connection.failure(thrown, signal) instanceof ConnectionError;
}

function queryOf({ follow, types = [], imageId, allProjects }: WatchOptions): string {
  const query = new URLSearchParams(types.map((type): [string, string] => ['type', type]));
  if (follow === false) query.set('follow', 'false');
  if (imageId !== undefined) query.set('image_id', imageId);
  if (allProjects === true) query.set('all_projects', 'true');
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

/** Throws the reason of an abort. */
function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, ms);
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort, { once: true });
  });
}
