/** Brings a stream into an image of unknown size, which is nobody's before it is whole, and gone when it fails. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../../base/failure.ts';
import { type PartSink, sendInParts } from '../parts.ts';
import type { Cluster } from './cluster.ts';
import { errno, isErrno, told } from './errors.ts';
import type { Handle } from './library.ts';
import type { RbdStoreOptions } from './options.ts';
import { filledRuns } from './runs.ts';

const mebi = 1024 * 1024;

/** Bytes by which an image grows at first, and at most: what is too much is taken back at the end. */
const firstRoom = 1024 * mebi;
const mostRoom = 8 * firstRoom;

/** Milliseconds that a failed upload waits for its image to be taken away. */
const patienceMs = 10_000;

interface Target {
  readonly cluster: Cluster;
  readonly options: Pick<RbdStoreOptions, 'id' | 'objectSize' | 'writesAtOnce' | 'thin'>;
  readonly name: string;
  /** Bytes announced, if any were: an image of just that size need not be resized. */
  readonly expectedSize: number | undefined;
}

/** Fails with what `body` throws, the reason of `signal`, image_exists, or what the cluster says. */
export async function upload(
  target: Target,
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<{ size: number }> {
  const image = new GrowingImage(target);
  try {
    const { size, whole } = await sendInParts(body, signal, image);
    if (whole !== null) await image.writeAll(whole);
    signal?.throwIfAborted();
    await image.finish(size);
    signal?.throwIfAborted();
    return { size };
  } catch (error) {
    await Promise.race([image.takeBack(), sleep(patienceMs, undefined, { ref: false })]);
    throw error;
  }
}

class GrowingImage implements PartSink<void> {
  readonly atOnce: number;
  readonly #target: Target;
  readonly #objectBytes: number;
  #image: Handle | null = null;
  #isOurs = false;
  #isSealed = false;
  #room = 0;
  #growing: Promise<void> = Promise.resolve();

  constructor(target: Target) {
    this.#target = target;
    this.#objectBytes = target.options.objectSize * mebi;
    this.atOnce = target.options.writesAtOnce;
  }

  partBytes(): number {
    return this.#objectBytes;
  }

  async begin(): Promise<void> {
    await this.#telling(() => this.#create(this.#roomFor(1, firstRoom)));
  }

  async send(number: number, bytes: Buffer): Promise<void> {
    const offset = (number - 1) * this.#objectBytes;
    await this.#telling(async () => {
      await this.#makeRoom(offset + bytes.length);
      await this.#write(offset, bytes);
    });
  }

  /** Of a stream that had less than an object. */
  async writeAll(bytes: Buffer): Promise<void> {
    await this.#telling(async () => {
      await this.#create(bytes.length);
      await this.#write(0, bytes);
    });
  }

  async finish(size: number): Promise<void> {
    const { cluster } = this.#target;
    await this.#telling(async () => {
      if (this.#room !== size) await cluster.resize(this.#image!, size);
      this.#isSealed = true;
      await cluster.seal(this.#image!);
      await this.#close();
    });
  }

  /** Never throws: upkeep removes what cannot be taken away now, since a record names it. */
  async takeBack(): Promise<void> {
    const { cluster, name } = this.#target;
    const isClosed = await this.#close().catch(() => false);
    if (!this.#isOurs || !isClosed) return;
    // A snapshot may be there: then it has to go the longer way.
    const gone = this.#isSealed
      ? cluster.ask('buryImage', [name])
      : cluster.askSlowly('discardImage', [name]);
    await gone.catch(() => {});
  }

  async #telling(work: () => Promise<void>): Promise<void> {
    await work().catch((error) => {
      throw told(error, this.#target.options.id);
    });
  }

  async #create(size: number): Promise<void> {
    const { cluster, name, options } = this.#target;
    try {
      this.#image = await cluster.create(name, size, Math.log2(this.#objectBytes));
    } catch (error) {
      this.#isOurs = !isErrno(error, errno.exists);
      if (this.#isOurs) throw error;
      throw new Failure('image_exists', `Store ${options.id} already has an object ${name}.`, {
        cause: error,
      });
    }
    this.#isOurs = true;
    this.#room = size;
  }

  /** One after the other, each by as much as there is. */
  async #makeRoom(end: number): Promise<void> {
    this.#growing = this.#growing.then(async () => {
      if (end <= this.#room) return;
      const size = this.#roomFor(end, this.#room + Math.min(this.#room, mostRoom));
      await this.#target.cluster.resize(this.#image!, size);
      this.#room = size;
    });
    await this.#growing;
  }

  /** For what ends at `end`: as much as is `wanted`, but not more than was announced. */
  #roomFor(end: number, wanted: number): number {
    const { expectedSize = 0 } = this.#target;
    return Math.max(end, end <= expectedSize ? Math.min(wanted, expectedSize) : wanted);
  }

  async #write(offset: number, bytes: Buffer): Promise<void> {
    const { cluster, options } = this.#target;
    const runs = options.thin ? filledRuns(bytes) : [{ first: 0, end: bytes.length }];
    for (const { first, end } of runs) {
      if (end > first) await cluster.write(this.#image!, offset + first, bytes.subarray(first, end));
    }
  }

  async #close(): Promise<boolean> {
    const image = this.#image;
    this.#image = null;
    return image === null || (await this.#target.cluster.closeImage(image));
  }
}
