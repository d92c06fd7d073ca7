/** Writes down a copy in a store: among the locations of the image, or as one in another format. */
import { Failure } from '../../base/failure.ts';
import { insertDerived } from '../../locations/derived-records.ts';
import type { FindDerived } from './derived.ts';
import { type RecordCopy, recordLocation } from './place.ts';

/** `made` null: it is the data of the image. */
export function recordMade(made: FindDerived): RecordCopy {
  return async (queries, copy, facts, context) => {
    const derived = made(context);
    if (derived === null) return await recordLocation(queries, copy, facts, context);
    const { disk_format, disk_sha256 } = derived;
    const { size, checksum, os_hash_algo, os_hash_value } = facts;
    if (disk_format === null || disk_sha256 === null || size === null)
      throw new Failure('internal', 'Nothing is known of what was converted.');
    const data = { disk_format, size, checksum, os_hash_algo, os_hash_value, disk_sha256 };
    await insertDerived(queries, copy, data);
  };
}
