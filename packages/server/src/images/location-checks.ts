/** Reads locations in the background, a few at a time: what one process leaves, killed or stopped, another takes up. */

import { asFailure, Failure } from '../base/failure.ts';
import { activeLocations } from '../locations/location-records.ts';
import type { BackgroundChecks } from './background-checks.ts';
import {
  checkingProcesses,
  claimChecks,
  type LocationCheck,
  postponeCheck,
  releaseChecks,
} from './check-records.ts';
import { findImage } from './image-records.ts';
import type { ImageParts } from './parts.ts';
import { acceptLocation, giveUpLocation, rejectLocation } from './settle-check.ts';
import { verifyLocation } from './verify-location.ts';

type Parts = Pick<ImageParts, 'database' | 'session' | 'stores' | 'settings' | 'log'>;

/** Locations read at the same time by one process. */
const mostAtOnce = 2;
const mostAttempts = 5;
/** Milliseconds until the second attempt; each further one waits twice as long. */
const firstDelayMs = 10_000;

/** The data itself is at fault, and stays so. */
const final: ReadonlySet<string> = new Set([
  'size_mismatch',
  'size_cap',
  'digest_mismatch',
  'format_mismatch',
  'unsafe_image',
  'virtual_size_cap',
  'signature_mismatch',
]);

export class LocationChecks implements BackgroundChecks {
  readonly #parts: Parts;
  readonly #running = new Map<string, { imageId: string; abort: AbortController; done: Promise<void> }>();
  #claiming: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  wake(): void {
    this.#claiming = this.#claiming.then(() => this.#claim());
  }

  async recover(): Promise<number> {
    const recovered = this.#claiming.then(() => this.#release());
    // What is being claimed must not be given back before it runs.
    this.#claiming = recovered.then(
      () => undefined,
      () => undefined,
    );
    return await recovered;
  }

  async #release(): Promise<number> {
    const { database, session } = this.#parts;
    let released = 0;
    for (const process of await checkingProcesses(database)) {
      if (process === session.processNumber)
        released += await releaseChecks(database, process, [...this.#running.keys()]);
      else
        await session.whenDead(process, async () => {
          released += await releaseChecks(database, process);
        });
    }
    return released;
  }

  async idle(): Promise<void> {
    for (;;) {
      await this.#claiming;
      if (this.#running.size === 0) return;
      await Promise.all([...this.#running.values()].map(({ done }) => done));
    }
  }

  abortImage(imageId: string): void {
    for (const one of this.#running.values())
      if (one.imageId === imageId)
        one.abort.abort(new Failure('image_deleted', `Image ${imageId} was deleted.`));
  }

  async close(): Promise<void> {
    this.#closed = true;
    const stopped = new Failure('interrupted', 'The server stopped.');
    await this.#claiming;
    for (const { abort } of this.#running.values()) abort.abort(stopped);
    await this.idle();
  }

  async #claim(): Promise<void> {
    const { database, session, log } = this.#parts;
    const free = mostAtOnce - this.#running.size;
    if (this.#closed || free <= 0) return;
    try {
      for (const check of await claimChecks(database, session.processNumber, free)) this.#start(check);
    } catch (err) {
      log.error({ err }, 'locations to read could not be looked for');
    }
  }

  #start(check: LocationCheck): void {
    const abort = new AbortController();
    const work = async () => {
      try {
        await this.#run(check, abort.signal);
      } catch (err) {
        this.#parts.log.error({ err, image: check.image_id }, 'a location could not be checked');
      } finally {
        this.#running.delete(check.id);
        this.wake();
      }
    };
    this.#running.set(check.id, { imageId: check.image_id, abort, done: work() });
  }

  async #run(check: LocationCheck, signal: AbortSignal): Promise<void> {
    try {
      if (check.attempts > mostAttempts)
        throw new Failure('store_unavailable', 'The data could not be read to its end.');
      const facts = await this.#verify(check, signal);
      if (await acceptLocation(this.#parts, check, facts)) return;
      // The image has a digest by now that this location has to have too.
      await acceptLocation(this.#parts, check, await this.#verify(check, signal));
    } catch (error) {
      const reason = signal.aborted ? signal.reason : error;
      const failure = asFailure(reason, 'store_unavailable', 'The data could not be read.');
      if (failure !== reason)
        this.#parts.log.error({ err: error, image: check.image_id }, 'a location failed');
      await this.#end(check, failure);
    }
  }

  async #verify(check: LocationCheck, signal: AbortSignal) {
    const image = await findImage(this.#parts.database.db, check.image_id);
    if (image === undefined) throw new Failure('image_deleted', `Image ${check.image_id} was deleted.`);
    const locations = await activeLocations(this.#parts.database.db, image.id);
    const location = locations.find(({ id }) => id === check.location_id);
    if (location === undefined) throw new Failure('image_deleted', 'The location was removed.');
    return await verifyLocation(this.#parts, image, location, check, signal);
  }

  async #end(check: LocationCheck, failure: Failure): Promise<void> {
    const { database, session } = this.#parts;
    if (final.has(failure.code)) return await rejectLocation(this.#parts, check, failure);
    if (failure.code === 'interrupted')
      return await postponeCheck(database, { ...check, attempts: check.attempts - 1 }, session.processNumber);
    if (failure.code === 'image_deleted' || check.attempts >= mostAttempts)
      return await giveUpLocation(this.#parts, check, failure);
    const delay = firstDelayMs * 2 ** (check.attempts - 1);
    await postponeCheck(database, check, session.processNumber, delay);
  }
}
