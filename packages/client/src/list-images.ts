/** Lists images page by page. */
import type { Connection } from './connection.ts';
import { ProtocolError } from './errors.ts';
import type { Image } from './image.ts';
import { type ImagePage, type ImageQuery, queryText } from './image-query.ts';

/** One page. `query` may be the `next` of the page before. */
export async function listPage(
  connection: Connection,
  query: ImageQuery | string,
  signal?: AbortSignal,
): Promise<ImagePage> {
  const text = typeof query === 'string' ? query : queryText(query);
  const path = `/v2/images${text === '' ? '' : `?${text}`}`;
  const page = await connection.json<{ images?: Image[]; next?: string | null }>({
    method: 'GET',
    path,
    signal,
  });
  if (!Array.isArray(page.images))
    throw new ProtocolError(`${connection.endpoint} answered a list without images`);
  return { images: page.images, next: nextQuery(page.next) };
}

/** All images that match. A page is requested when the images of the one before it have been taken. */
export async function* listImages(
  connection: Connection,
  query: ImageQuery,
  signal?: AbortSignal,
): AsyncGenerator<Image, void, undefined> {
  let text = queryText(query);
  for (;;) {
    const { images, next } = await listPage(connection, text, signal);
    yield* images;
    if (next === null) return;
    if (next === text)
      throw new ProtocolError(`${connection.endpoint} answers the same page again and again`);
    text = next;
  }
}

/** Only the query of the link is used: its path lacks a prefix that a proxy may have put before ours. */
export function nextQuery(link: string | null | undefined): string | null {
  if (typeof link !== 'string') return null;
  const start = link.indexOf('?');
  return start === -1 ? '' : link.slice(start + 1);
}
