/** /v2/images/{id}/file: the data of an image, in and out (API section 4). */

import type { FastifyReply, FastifyRequest } from 'fastify';
import { Failure } from '../../base/failure.ts';
import { chooseData } from '../../images/chosen-data.ts';
import { checkPreferred, findFile, findReadable, openData } from '../../images/download.ts';
import type { Image } from '../../images/image.ts';
import { findSignedUrl } from '../../images/signed-url.ts';
import { uploadImage } from '../../images/upload.ts';
import { tokenOf } from '../caller-token.ts';
import type { HttpParts } from '../context.ts';
import { handOver, mayHandOver } from '../offload.ts';
import { queryOf } from '../page-link.ts';
import { ifMatchHolds, ifNoneMatchHas, ifRangeHolds } from '../preconditions.ts';
import { type Range, readRange } from '../range.ts';
import { readFlag } from '../read-flag.ts';
import type { Handlers } from '../register.ts';
import { type DataHeaders, sendChunks } from '../send-chunks.ts';
import { readAnnouncedSize, readExpectedDigests, textHeader } from '../upload-headers.ts';
import { imageIdOf } from './image-id.ts';

/** Bytes never change, so their digest names them for good. */
function dataEtag(image: Image): string {
  return `"${image.os_hash_value?.slice(0, 40) ?? image.checksum ?? image.id}"`;
}

function preferredOf(request: FastifyRequest): string[] {
  const { prefer } = request.query as { prefer?: string | string[] };
  return [prefer ?? []].flat().flatMap((text) => text.split(',').filter((id) => id !== ''));
}

/** The range to serve, or null for the whole image. */
function rangeOf(request: FastifyRequest, image: Image): Range | null {
  const { range, 'if-range': ifRange, 'content-range': contentRange } = request.headers;
  if (!ifRangeHolds(textHeader(ifRange), dataEtag(image))) return null;
  return readRange(range, contentRange, image.size!);
}

function dataHeaders(image: Image, range: Range | null): DataHeaders {
  const size = image.size!;
  return {
    'Content-Type': 'application/octet-stream',
    'Content-Length': range === null ? size : range.last - range.first + 1,
    'Accept-Ranges': 'bytes',
    ETag: dataEtag(image),
    ...(image.checksum === null ? {} : { 'Content-MD5': image.checksum }),
    ...(range === null ? {} : { 'Content-Range': `bytes ${range.first}-${range.last}/${size}` }),
  };
}

async function download(http: HttpParts, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const { images: parts } = http;
  const preferred = preferredOf(request);
  const query = queryOf(request);
  const mayRedirect = readFlag('redirect', query.get('redirect'), false);
  checkPreferred(parts, preferred);
  const found = await findReadable(parts, request.caller, imageIdOf(request), preferred);
  if (found === null) return await reply.code(204).send();
  const data = await chooseData(parts, found, query.get('disk_format'));
  const { image } = data;
  const etag = dataEtag(image);
  if (!ifMatchHolds(request.headers['if-match'], etag))
    throw new Failure('precondition_failed', `The data of image ${image.id} has another ETag.`);
  if (ifNoneMatchHas(request.headers['if-none-match'], etag))
    return await reply.code(304).header('ETag', etag).send();

  const url = mayRedirect ? await findSignedUrl(parts, data, preferred) : null;
  if (url !== null) return await redirect(reply, url);
  const range = readRangeOrTell(request, reply, image);
  const file = mayHandOver(request, http.settings.offload) ? await findFile(parts, data, preferred) : null;
  if (file !== null) return await handOver(reply, http.settings.offload, file, dataHeaders(image, null));
  const chunks = await openData(parts, request.caller, data, range, preferred);
  await sendChunks(reply, range === null ? 200 : 206, dataHeaders(image, range), chunks, http);
  return reply;
}

/** Which bytes the client wants it says there. */
async function redirect(reply: FastifyReply, url: string): Promise<FastifyReply> {
  return await reply.code(307).headers({ Location: url, 'Cache-Control': 'no-store' }).send();
}

function readRangeOrTell(request: FastifyRequest, reply: FastifyReply, image: Image): Range | null {
  try {
    return rangeOf(request, image);
  } catch (error) {
    reply.header('Content-Range', `bytes */${image.size}`);
    throw error;
  }
}

async function upload(http: HttpParts, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const { images: parts, metrics, settings } = http;
  const body = request.raw;
  const before = body.socket.bytesRead;
  try {
    await uploadImage(parts, request.caller, {
      id: imageIdOf(request),
      body,
      accept: request.acceptBody,
      storeId: textHeader(request.headers['x-image-meta-store']) ?? null,
      expectedSize: readAnnouncedSize(request.headers),
      expectedDigests: readExpectedDigests(request.headers),
      idleMs: settings.uploadIdleMs,
      requestId: request.id,
      token: tokenOf(request),
    });
  } finally {
    metrics.bytesIn.inc(body.socket.bytesRead - before);
  }
  return await reply.code(204).send();
}

export function imageDataRoutes(http: HttpParts): Handlers {
  return {
    uploadData: (request, reply) => upload(http, request, reply),
    downloadData: (request, reply) => download(http, request, reply),
  };
}
