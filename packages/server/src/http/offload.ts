/** Lets the web server in front send a file of this machine, which costs us nothing, once we have said who may have it. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { DataHeaders } from './send-chunks.ts';
import { textHeader } from './upload-headers.ts';

export interface OffloadSettings {
  readonly header: 'none' | 'X-Accel-Redirect' | 'X-Sendfile';
  /** Of X-Accel-Redirect: stands before the path. */
  readonly prefix: string;
}

/** What nginx would judge by itself, and otherwise than we do, or not know. */
const ours = ['if-match', 'if-unmodified-since'] as const;

/** Whether a trusted proxy asks for it, and would come to the same answer as we. */
export function mayHandOver(request: FastifyRequest, { header }: OffloadSettings): boolean {
  // `ips` has more than the sender only when that is a trusted proxy.
  if (header === 'none' || (request.ips?.length ?? 0) < 2) return false;
  const { headers } = request;
  if (textHeader(headers['x-sendfile-type'])?.toLowerCase() !== header.toLowerCase()) return false;
  if (headers.range === undefined && headers['content-range'] !== undefined) return false;
  return ours.every((name) => headers[name] === undefined);
}

/** Answers with the path of `file`; length and ranges are the web server's affair, which says so itself. */
export async function handOver(
  reply: FastifyReply,
  { header, prefix }: OffloadSettings,
  file: string,
  { 'Content-Length': _, 'Accept-Ranges': _ours, ...headers }: DataHeaders,
): Promise<FastifyReply> {
  const path = file.split('/').map(encodeURIComponent).join('/');
  const value = header === 'X-Accel-Redirect' ? `${prefix}${path}` : path;
  return await reply
    .code(200)
    .headers({ ...headers, [header]: value })
    .send('');
}
