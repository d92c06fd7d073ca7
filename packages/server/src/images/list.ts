/** GET /v2/images: one page of what the caller may see. */
import { Failure } from '../base/failure.ts';
import type { Caller } from '../identity/caller.ts';
import type { Image } from './image.ts';
import { findVisible } from './image-records.ts';
import { readListQuery } from './list-query.ts';
import type { ImageParts } from './parts.ts';
import { sharedPage } from './shared-pages.ts';
import { allShownTo, type ShowingParts, type ShownImage } from './shown.ts';

export interface ImageList {
  readonly images: ShownImage[];
  /** The marker of the next page; null when this page was not full. */
  readonly next: string | null;
}

export async function listImages(
  parts: ShowingParts & Pick<ImageParts, 'database' | 'remembered' | 'pages'>,
  caller: Caller,
  query: URLSearchParams,
): Promise<ImageList> {
  parts.policy.require('get_images', caller, { project_id: caller.projectId });
  const filter = readListQuery(query, parts.settings.limitDefault, parts.settings.limitMax);
  for (const { name } of filter.properties) parts.protections.require('read', name, caller);
  const marker = filter.marker === null ? null : await findMarker(parts, caller, filter.marker);
  if (filter.limit === 0) return { images: [], next: null };
  const viewer = { projectId: caller.projectId, isAdmin: parts.policy.isAdmin(caller) };
  const images = await sharedPage(parts, viewer, filter, marker);
  return {
    images: await allShownTo(parts, parts.database.db, caller, images),
    next: images.length < filter.limit ? null : images.at(-1)!.id,
  };
}

async function findMarker(
  parts: Pick<ImageParts, 'database' | 'policy'>,
  caller: Caller,
  id: string,
): Promise<Image> {
  const found = findVisible(parts.database.db, parts.policy, caller, id);
  const { image } = await found.catch((error: unknown) => {
    if (!(error instanceof Failure) || error.code !== 'image_not_found') throw error;
    throw new Failure('invalid_marker', `Marker ${id.slice(0, 255)} is no image that you may see.`);
  });
  return image;
}
