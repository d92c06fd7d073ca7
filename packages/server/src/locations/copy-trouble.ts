/** What follows when a copy does not serve as it should: for the log, the health of its store, and its record. */
import { Failure } from '../base/failure.ts';
import type { Log } from '../base/log.ts';
import type { Database } from '../database/connect.ts';
import type { Stores } from '../stores/registry.ts';
import { type Location, markTrouble } from './location-records.ts';

export interface ReadingParts {
  readonly database: Database;
  readonly stores: Stores;
  readonly log: Log;
}

/** What a copy holds is not the data of the image. */
export class WrongBytes extends Failure {
  constructor(message: string) {
    super('digest_mismatch', message);
  }
}

/** Never throws, and keeps no reader waiting. `size` is that of the image, in bytes. */
export function tellTrouble(parts: ReadingParts, copy: Location, size: number, err: unknown): void {
  if (err instanceof WrongBytes) note(parts, copy, 'failed', err);
  else if (err instanceof Failure && err.code === 'not_found') note(parts, copy, 'missing', err);
  else {
    parts.log.error({ err, image: copy.image_id, store: copy.store }, 'a store cannot serve an image');
    parts.stores.health.failed(copy.store);
    void lookAt(parts, copy, size);
  }
}

/** A store may have said that it cannot be used when only this copy is short, or gone. */
async function lookAt(parts: ReadingParts, copy: Location, size: number): Promise<void> {
  try {
    const now = await parts.stores.byId(copy.store)?.stat(copy.key);
    if (now !== undefined && now.size !== size)
      note(parts, copy, 'failed', new WrongBytes(`The copy has ${now.size} bytes instead of ${size}.`));
  } catch (error) {
    if (error instanceof Failure && error.code === 'not_found') note(parts, copy, 'missing', error);
  }
}

/** Silent about copies that are meant to be gone. */
function note({ database, log }: ReadingParts, copy: Location, trouble: 'missing' | 'failed', err: unknown) {
  const about = { err, image: copy.image_id, store: copy.store, trouble };
  void markTrouble(database, copy, trouble).then(
    (isRecorded) => isRecorded && log.error(about, 'a copy of an image is not what it should be'),
    (cause) => log.error({ ...about, cause }, 'trouble with a copy of an image could not be recorded'),
  );
}

/** It served well after all. */
export function tellRecovery({ database, log }: ReadingParts, copy: Location): void {
  const about = { image: copy.image_id, store: copy.store };
  void markTrouble(database, copy, null).then(
    () => log.info(about, 'a copy of an image is well again'),
    (err) => log.error({ ...about, err }, 'the recovery of a copy could not be recorded'),
  );
}
