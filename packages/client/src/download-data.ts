/** Receives the data of an image as a stream that ends well only when every byte came and is right. */
import type { Answer, Connection } from './connection.ts';
import { segment } from './endpoint.ts';
import { NoDataError, ProtocolError, VerificationError } from './errors.ts';
import { getImage } from './find-image.ts';
import { type CreateHasher, digestError, type Hasher, recordedDigests, sizeError } from './hasher.ts';
import type { Image } from './image.ts';
import { imageAs } from './image-as.ts';
import type { Progress } from './upload-data.ts';

interface CommonOptions {
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
  /**
   * Takes the data from the store itself, without the token, where the server allows it; from the server when it does not, the
   * store cannot be reached, or this is a browser, which tells no page where an answer leads to.
   */
  readonly redirect?: boolean;
  /** The data in this format, where the image has a copy in it. A record is then that of `imageAs`. */
  readonly diskFormat?: string;
}

export interface WholeDownload extends CommonOptions {
  /** The digest is checked with hash functions from here; false leaves only the size to be checked. */
  readonly verify: CreateHasher | false;
  readonly range?: undefined;
}

/** A part has no digest to check. */
export interface PartialDownload extends CommonOptions {
  readonly verify?: false;
  /** Bytes from `start` to `end`, both included; without `end` to the last. */
  readonly range: { readonly start: number; readonly end?: number };
}

export type DownloadOptions = WholeDownload | PartialDownload;

export interface Check {
  readonly algorithm: string;
  readonly expected: string;
  readonly hasher: Hasher;
}

/**
 * The data of an image (its id, or its record to save a request). The stream errors with VerificationError when bytes
 * are missing, surplus or wrong, and with ConnectionError when the connection is cut. Throws NoDataError for an image
 * without data, VerificationError `unverifiable` when `verify` is given and no digest of a known algorithm is recorded.
 */
export async function downloadData(
  connection: Connection,
  image: Image | string,
  options: DownloadOptions,
): Promise<ReadableStream<Uint8Array>> {
  const { range, signal, verify = false, diskFormat } = options;
  const id = typeof image === 'string' ? image : image.id;
  const isToFind = typeof image === 'string' && verify;
  const record = isToFind ? await findRecord(connection, image, diskFormat, signal) : image;
  const { answer, from } = await open(connection, id, options);
  try {
    if (answer.status === 204) throw new NoDataError(id);
    if ((answer.status === 206) !== (range !== undefined)) {
      throw new ProtocolError(
        `${from} answered ${answer.status} to a request for ${range ? 'a range' : 'all'}`,
      );
    }
    const isRecord = typeof record !== 'string';
    const check = verify ? openCheck(id, isRecord ? record : null, verify, sentDigest(answer)) : null;
    const total = range === undefined && isRecord ? (record.size ?? bodySize(answer)) : bodySize(answer);
    return checkedStream(connection, { answer, from }, { id, total, check, ...options });
  } catch (thrown) {
    await answer.body?.cancel();
    throw thrown;
  }
}

async function findRecord(
  connection: Connection,
  id: string,
  diskFormat: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Image> {
  const image = await getImage(connection, id, signal);
  return diskFormat === undefined ? image : await imageAs(connection, image, diskFormat, signal);
}

interface Opened {
  readonly answer: Answer;
  /** What gave it. */
  readonly from: string;
}

async function open(
  connection: Connection,
  id: string,
  { range, signal, redirect = false, diskFormat }: DownloadOptions,
): Promise<Opened> {
  const headers = dataHeaders(range);
  const ask = { method: 'GET', path: dataPath(id, diskFormat), headers, signal } as const;
  const from = connection.endpoint;
  if (!redirect) return { answer: await connection.send(ask), from };
  const path = dataPath(id, diskFormat, { redirect: 'true' });
  // 0: what a browser makes of it.
  const answer = await connection.send({ ...ask, path, accept: [307, 0] });
  if (answer.status !== 307 && answer.status !== 0) return { answer, from };
  const elsewhere = await connection.follow(answer, headers, signal);
  return elsewhere ?? { answer: await connection.send(ask), from };
}

export function dataPath(id: string, diskFormat?: string, more: Record<string, string> = {}): string {
  const format: Record<string, string> = diskFormat === undefined ? {} : { disk_format: diskFormat };
  const query = String(new URLSearchParams({ ...format, ...more }));
  return `/v2/images/${segment(id)}/file${query === '' ? '' : `?${query}`}`;
}

export function dataHeaders(range: PartialDownload['range'] | undefined): Record<string, string> {
  return {
    Accept: 'application/octet-stream, application/json',
    'Accept-Encoding': 'identity',
    ...(range === undefined ? {} : { Range: `bytes=${range.start}-${range.end ?? ''}` }),
  };
}

function sentDigest(answer: Answer): string | null {
  const header = answer.headers.get('content-md5');
  return header !== null && /^[0-9a-f]{32}$/i.test(header) ? header : null;
}

/** `md5`: what the answer itself says. Throws VerificationError `unverifiable`. */
export function openCheck(
  id: string,
  record: Image | null,
  createHasher: CreateHasher,
  md5: string | null = null,
): Check {
  const digests = record === null ? [] : recordedDigests(record);
  if (md5 !== null) digests.push(['md5', md5]);
  for (const [algorithm, expected] of digests) {
    const hasher = createHasher(algorithm);
    if (hasher !== null) return { algorithm, expected: expected.toLowerCase(), hasher };
  }
  const known = digests.map(([algorithm]) => algorithm).join(', ');
  const why = known === '' ? 'no digest is recorded' : `no hash function is at hand for ${known}`;
  throw new VerificationError(`image ${id} cannot be verified: ${why}`, id, 'unverifiable');
}

/** Bytes announced for this body; null when they are not, or count a compressed form. */
export function bodySize(answer: Answer): number | null {
  const text = answer.headers.get('content-length');
  const encoding = answer.headers.get('content-encoding');
  if (text === null || (encoding !== null && encoding !== 'identity')) return null;
  return Number(text);
}

interface Expectation extends CommonOptions {
  readonly id: string;
  readonly total: number | null;
  readonly check: Check | null;
}

function checkedStream(
  connection: Connection,
  { answer, from }: Opened,
  expected: Expectation,
): ReadableStream<Uint8Array> {
  const { id, total, check, signal, onProgress } = expected;
  const reader = (answer.body ?? new Blob([]).stream()).getReader();
  let transferred = 0;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const step = await reader.read().catch((thrown: unknown) => {
          throw connection.failure(thrown, signal, from);
        });
        if (step.done) {
          if (total !== null && transferred !== total) throw sizeError(id, total, transferred, 'there came');
          const actual = await check?.hasher.digest('hex');
          if (check && actual !== check.expected)
            throw digestError(id, check.algorithm, check.expected, `${actual}`);
          controller.close();
          return;
        }
        transferred += step.value.length;
        if (total !== null && transferred > total) {
          await reader.cancel();
          throw sizeError(id, total, transferred, 'there came at least');
        }
        check?.hasher.update(step.value);
        onProgress?.({ transferred, total });
        controller.enqueue(step.value);
      },
      cancel: async (reason) => await reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
