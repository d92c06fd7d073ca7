/** The same images at several endpoints, such as the nodes of one installation or its regions: read from the nearest that is well. */
import { PlaceHealth } from '@tintype/nearest';
import { Connection, type ConnectionOptions } from './connection.ts';
import { addressPlace, endpointPlace, isTrouble } from './data-place.ts';
import { openCheck } from './download-data.ts';
import { EndpointError, NoDataError } from './errors.ts';
import { getImage } from './find-image.ts';
import type { CreateHasher } from './hasher.ts';
import type { Image } from './image.ts';
import { imageAs } from './image-as.ts';
import { inTime, PlacesReader } from './nearest-reading.ts';
import type { Progress } from './upload-data.ts';

export interface NearestDownload {
  /** The digest is checked with hash functions from here, when all is asked for; false leaves only the size to be checked. */
  readonly verify: CreateHasher | false;
  /** Bytes from `start` to `end`, both included; without `end` to the last. */
  readonly range?: { readonly start: number; readonly end?: number };
  /** The data in this format, where the image has a copy in it. */
  readonly diskFormat?: string;
  /**
   * Addresses of the data itself besides the endpoints, such as `locationsOf` gives: asked without a token, and those that a
   * client cannot ask are left out. Not with `diskFormat`.
   */
  readonly locations?: readonly string[];
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
}

export interface NearestOptions {
  /** Milliseconds without an answer, or a byte of it, after which a place has failed; 30 000 unless given. */
  readonly stallMs?: number;
}

/** Where an image's data is, as far as its record tells this caller. */
export function locationsOf({ direct_url, locations = [] }: Image): string[] {
  const urls = locations.map(({ url }) => url);
  return [...new Set(typeof direct_url === 'string' ? [direct_url, ...urls] : urls)];
}

export class NearestImages {
  readonly #connections: readonly Connection[];
  /** By endpoint, and by the origin of other addresses. */
  readonly #health = new PlaceHealth();
  readonly #stallMs: number;

  /** At least one endpoint, each with the token for it; as long as nothing is known of them the first is asked first. Throws EndpointError. */
  constructor(endpoints: readonly ConnectionOptions[], { stallMs = 30_000 }: NearestOptions = {}) {
    this.#stallMs = stallMs;
    if (endpoints.length === 0) throw new EndpointError('there is no endpoint: give at least one');
    this.#connections = endpoints.map((options) => new Connection(options));
  }

  /** From the first endpoint that answers. Throws what the first of them threw. */
  async getImage(id: string, signal?: AbortSignal): Promise<Image> {
    return await this.#ask(signal, (connection, within) => getImage(connection, id, within));
  }

  /**
   * The data of an image (its id, or its record to save a request). A place that fails, in the middle too, is made up for by another,
   * which goes on where it ended. The stream errors when none can: with VerificationError when the bytes are wrong, and before their
   * end, else with what the last place threw. Throws NoDataError, or VerificationError `unverifiable`.
   */
  async downloadData(image: Image | string, options: NearestDownload): Promise<ReadableStream<Uint8Array>> {
    const { verify, range, diskFormat, locations = [], signal, onProgress } = options;
    const record = await this.#record(image, diskFormat, signal);
    const { id, size } = record;
    if (size === null || size === 0 || record.status === 'queued') throw new NoDataError(id);
    const wanted = { first: range?.start ?? 0, last: Math.min(range?.end ?? size - 1, size - 1), size };
    const addresses = diskFormat === undefined ? locations : [];
    const reader = new PlacesReader({
      id,
      places: [
        ...this.#connections.map((connection) => endpointPlace(connection, id, diskFormat)),
        ...addresses.flatMap((address) => addressPlace(this.#connections[0]!, address) ?? []),
      ],
      health: this.#health,
      wanted,
      check: verify && range === undefined ? openCheck(id, record, verify) : null,
      stallMs: this.#stallMs,
      signal,
      onProgress,
    });
    await reader.open();
    return streamOf(reader);
  }

  async #record(image: Image | string, diskFormat: string | undefined, signal?: AbortSignal): Promise<Image> {
    const record = typeof image === 'string' ? await this.getImage(image, signal) : image;
    if (diskFormat === undefined) return record;
    return await this.#ask(signal, (connection, within) => imageAs(connection, record, diskFormat, within));
  }

  async #ask<T>(
    signal: AbortSignal | undefined,
    ask: (connection: Connection, within: AbortSignal) => Promise<T>,
  ): Promise<T> {
    let told: unknown = null;
    const health = this.#health;
    const resting = ({ endpoint }: Connection) => (health.isResting(endpoint) ? 1 : 0);
    for (const connection of this.#connections.toSorted((one, other) => resting(one) - resting(other))) {
      try {
        return await inTime(connection.endpoint, this.#stallMs, signal, (within) => ask(connection, within));
      } catch (thrown) {
        signal?.throwIfAborted();
        if (isTrouble(thrown)) health.failed(connection.endpoint);
        told ??= thrown;
      }
    }
    throw told;
  }
}

function streamOf(reader: PlacesReader): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const chunk = await reader.next();
        if (chunk === null) controller.close();
        else controller.enqueue(chunk);
      },
      cancel: () => reader.close(),
    },
    { highWaterMark: 0 },
  );
}
