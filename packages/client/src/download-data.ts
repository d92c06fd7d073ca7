/** Receives the data of an image as a stream that ends well only when every byte came and is right. */
import type { Answer, Connection } from './connection.ts';
import { segment } from './endpoint.ts';
import { NoDataError, ProtocolError, VerificationError } from './errors.ts';
import { getImage } from './find-image.ts';
import { type CreateHasher, digestError, type Hasher, recordedDigests, sizeError } from './hasher.ts';
import type { Image } from './image.ts';
import type { Progress } from './upload-data.ts';

interface CommonOptions {
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
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

interface Check {
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
  const { range, signal, verify = false } = options;
  const id = typeof image === 'string' ? image : image.id;
  const record = typeof image === 'string' && verify ? await getImage(connection, image, signal) : image;
  const answer = await connection.send({
    method: 'GET',
    path: `/v2/images/${segment(id)}/file`,
    headers: {
      Accept: 'application/octet-stream, application/json',
      'Accept-Encoding': 'identity',
      ...(range === undefined ? {} : { Range: `bytes=${range.start}-${range.end ?? ''}` }),
    },
    signal,
  });
  try {
    if (answer.status === 204) throw new NoDataError(id);
    if ((answer.status === 206) !== (range !== undefined)) {
      throw new ProtocolError(
        `${connection.endpoint} answered ${answer.status} to a request for ${range ? 'a range' : 'all'}`,
      );
    }
    const check = verify ? openCheck(id, typeof record === 'string' ? null : record, answer, verify) : null;
    const total =
      range === undefined && typeof record !== 'string'
        ? (record.size ?? bodySize(answer))
        : bodySize(answer);
    return checkedStream(connection, answer, { id, total, check, ...options });
  } catch (thrown) {
    await answer.body?.cancel();
    throw thrown;
  }
}

function openCheck(id: string, record: Image | null, answer: Answer, createHasher: CreateHasher): Check {
  const digests = record === null ? [] : recordedDigests(record);
  const header = answer.headers.get('content-md5');
  if (header !== null && /^[0-9a-f]{32}$/i.test(header)) digests.push(['md5', header]);
  for (const [algorithm, expected] of digests) {
    const hasher = createHasher(algorithm);
    if (hasher !== null) return { algorithm, expected: expected.toLowerCase(), hasher };
  }
  const known = digests.map(([algorithm]) => algorithm).join(', ');
  const why = known === '' ? 'no digest is recorded' : `no hash function is at hand for ${known}`;
  throw new VerificationError(`image ${id} cannot be verified: ${why}`, id, 'unverifiable');
}

/** Bytes announced for this body; null when they are not, or count a compressed form. */
function bodySize(answer: Answer): number | null {
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
  answer: Answer,
  expected: Expectation,
): ReadableStream<Uint8Array> {
  const { id, total, check, signal, onProgress } = expected;
  const reader = (answer.body ?? new Blob([]).stream()).getReader();
  let transferred = 0;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const step = await reader.read().catch((thrown: unknown) => {
          throw connection.failure(thrown, signal);
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
