/** Reads which versions of rows are asked for, and of those only what is not remembered. */
import { sql } from 'kysely';
import { executePrepared } from '../database/prepared.ts';
import type { Caller } from '../identity/caller.ts';
import { type Image, isImageId } from './image.ts';
import { imageColumns, isSeen, membershipOf, requireVisible, type Seen } from './image-records.ts';
import type { ImageParts } from './parts.ts';
import type { RowVersion } from './remembered-images.ts';

export type RememberingParts = Pick<ImageParts, 'database' | 'remembered'>;

/** The columns that make up a `RowVersion`. */
export const versionColumns = sql.raw('id, xmin AS version, updated_at::text AS changed');

/**
 * Images in these versions of their rows, in the same order. Null when one of them is of another version or
 * gone by now: what was asked of the rows may no longer be so.
 */
export async function readVersions(
  { database, remembered }: RememberingParts,
  rows: readonly RowVersion[],
): Promise<Image[] | null> {
  const found = rows.map((row) => remembered.find(row));
  const missing = rows.filter((_row, at) => found[at] === undefined).map(({ id }) => id);
  if (missing.length === 0) return found as Image[];
  const query = sql<
    Image & RowVersion
  >`SELECT ${imageColumns}, ${versionColumns} FROM images WHERE id = ANY (${missing}::uuid[])`;
  const read = new Map<string, { row: RowVersion; image: Image }>();
  for (const { version, changed, ...image } of await executePrepared(database.db, query)) {
    const row = { id: image.id, version, changed };
    remembered.add(row, image);
    read.set(image.id, { row, image });
  }
  const images = rows.map((row, at) => {
    if (found[at] !== undefined) return found[at];
    const { row: now, image } = read.get(row.id) ?? {};
    return now?.version === row.version && now.changed === row.changed ? image! : null;
  });
  return images.includes(null) ? null : (images as Image[]);
}

/** As `findVisible`, outside transactions and to be read only. */
export async function findRemembered(
  parts: RememberingParts & Pick<ImageParts, 'policy'>,
  caller: Caller,
  id: string,
): Promise<Image> {
  const query = sql<
    RowVersion & Seen
  >`SELECT ${versionColumns}, owner, visibility, status, (${membershipOf(caller)}) AS member FROM images WHERE id = ${id}`;
  for (;;) {
    const [row] = isImageId(id) ? await executePrepared(parts.database.db, query) : [];
    // Judged before it is read: the time that takes would tell others that it is there.
    const seen = row !== undefined && isSeen(parts.policy, caller, row) ? row : undefined;
    const images = seen === undefined ? [] : await readVersions(parts, [seen]);
    // It was changed between the two questions, and who may see it may have been.
    if (images === null) continue;
    const [image] = images;
    const found = image === undefined ? undefined : { image, member: seen!.member };
    return requireVisible(parts.policy, caller, id, found).image;
  }
}
