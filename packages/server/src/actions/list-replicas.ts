/** GET /v2/images/{id}/replicas: the copies of an image's data, and what follows from them for the image (seed S1). */
import type { Database } from '../database/connect.ts';
import type { Caller } from '../identity/caller.ts';
import type { Image } from '../images/image.ts';
import { findVisible } from '../images/image-records.ts';
import type { ImageParts } from '../images/parts.ts';
import { findTask } from '../images/task-records.ts';
import { type Copy, copiesOf } from '../locations/location-records.ts';
import { stagingStoreId } from '../stores/registry.ts';
import { readBook } from './import-book.ts';
import { derivationOf } from './start-derivation.ts';

export interface ImageCopies {
  readonly image: Image;
  /** Whether all copies can be read, some, or none; `empty`: there is nothing to read. */
  readonly health: 'healthy' | 'degraded' | 'unavailable' | 'empty';
  /** In their order, those that are being removed too. */
  readonly copies: readonly Copy[];
  readonly creating: readonly CopyToCome[];
}

export interface CopyToCome {
  /** Its id. */
  readonly store: string;
  /** Null: that of the image. */
  readonly diskFormat: string | null;
}

/** Whoever sees an image sees how it is kept; where, in the words of a URL, only those who see its locations. */
export async function listReplicas(
  { database, policy }: Pick<ImageParts, 'database' | 'policy'>,
  caller: Caller,
  id: string,
): Promise<ImageCopies> {
  const { image } = await findVisible(database.db, policy, caller, id);
  const all = await copiesOf(database.db, image.id);
  // What an import leaves behind for a moment is no copy.
  const copies = all.filter(({ store }) => store !== stagingStoreId);
  return { image, health: healthOf(copies), copies, creating: await toCome(database, image, copies) };
}

async function toCome(
  database: Database,
  image: Image,
  copies: readonly Copy[],
): Promise<readonly CopyToCome[]> {
  const { holder, importing } = readBook(image);
  if (holder === null || importing.length > 0) return importing.map((store) => ({ store, diskFormat: null }));
  // Of a copy in another format only its task says where it goes to: clients take what the image says for its own data.
  const derivation = derivationOf(await findTask(database, holder));
  if (derivation === null) return [];
  const { store, diskFormat } = derivation;
  const kept = copies.filter(({ status }) => status !== 'pending_delete');
  const isThere = kept.some((copy) => copy.store === store && copy.disk_format === diskFormat);
  return isThere ? [] : [derivation];
}

function healthOf(copies: readonly Copy[]): ImageCopies['health'] {
  const kept = copies.filter(({ status }) => status === 'active');
  const well = kept.filter(({ trouble }) => trouble === null);
  if (kept.length === 0) return 'empty';
  if (well.length === 0) return 'unavailable';
  return well.length === kept.length ? 'healthy' : 'degraded';
}
