/** Pages of lists: few are read at once, and those who wait for the same one have it together (decision 15). */
import type { Image } from './image.ts';
import type { ListFilter } from './list-query.ts';
import type { Viewer } from './list-reasons.ts';
import { selectPage } from './list-records.ts';
import type { ImageParts } from './parts.ts';
import type { RememberingParts } from './remembered-records.ts';

/**
 * Of the connections to the database: records and uploads find some left, however many lists are asked for. More at once
 * would get in each other's way, too: where processors are few, some wait long for others that came later.
 */
export function pagesAtOnce(connections: number): number {
  return Math.max(1, Math.floor(connections / 5));
}

/** As `selectPage`; fails with unavailable when it is not the turn of this page for long. */
export function sharedPage(
  parts: RememberingParts & Pick<ImageParts, 'pages'>,
  viewer: Viewer,
  filter: ListFilter,
  marker: Image | null,
): Promise<readonly Image[]> {
  const last = filter.sort.map(({ column }) => marker?.[column] ?? null);
  const page = JSON.stringify([viewer, filter, last]);
  return parts.pages.read(page, () => selectPage(parts, viewer, filter, marker));
}
