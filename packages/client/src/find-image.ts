/** Finds an image by what a person calls it: its id, or else its name. */
import type { Connection } from './connection.ts';
import { isSegment, segment } from './endpoint.ts';
import { AmbiguousNameError, ImageApiError } from './errors.ts';
import type { Image } from './image.ts';
import { listPage } from './list-images.ts';

/** An image with the ETag to give as `ifMatch`; null from servers that send none. */
export interface TaggedImage {
  readonly image: Image;
  readonly etag: string | null;
}

export async function getTaggedImage(
  connection: Connection,
  id: string,
  signal?: AbortSignal,
): Promise<TaggedImage> {
  const path = `/v2/images/${segment(id)}`;
  const headers = { Accept: 'application/json' };
  const answer = await connection.send({ method: 'GET', path, headers, signal });
  const image = await connection.object<Image>(answer, signal);
  return { image, etag: answer.headers.get('etag') };
}

export async function getImage(connection: Connection, id: string, signal?: AbortSignal): Promise<Image> {
  return (await getTaggedImage(connection, id, signal)).image;
}

/**
 * The image with that id, else the only one with that name, else the only hidden one with that name.
 * Throws AmbiguousNameError, or ImageApiError `image_not_found`.
 */
export async function findImage(
  connection: Connection,
  nameOrId: string,
  signal?: AbortSignal,
): Promise<Image> {
  const byId = isSegment(nameOrId) ? await lookUp(connection, nameOrId, signal) : null;
  if (byId !== null) return byId;
  for (const hidden of nameOrId === '' ? [] : [false, true]) {
    const query = { name: literally(nameOrId), ...(hidden ? { os_hidden: true } : {}) };
    const { images } = await listPage(connection, query, signal);
    const [found, ...others] = images;
    if (others.length > 0)
      throw new AmbiguousNameError(
        nameOrId,
        images.map(({ id }) => id),
      );
    if (found !== undefined) return found;
  }
  throw new ImageApiError(`No image found with ID or name ${JSON.stringify(nameOrId)}`, {
    code: 'image_not_found',
    status: 404,
  });
}

async function lookUp(connection: Connection, id: string, signal?: AbortSignal): Promise<Image | null> {
  try {
    return await getImage(connection, id, signal);
  } catch (thrown) {
    // Some servers answer 400 to an id that is no UUID.
    if (thrown instanceof ImageApiError && (thrown.status === 404 || thrown.status === 400)) return null;
    throw thrown;
  }
}

/** As a filter: a name that begins like the list operator `in:` has to be quoted. */
export function literally(name: string): string {
  return name.startsWith('in:') ? `in:"${name}"` : name;
}
