/** One pool of one cluster: connects when it has to, and has threads ask it. */
import { Failure } from '../../base/failure.ts';
import type { StoreCapacity } from '../store.ts';
import type { Connection, ConnectionSettings } from './commands/connection.ts';
import type { Arguments, CommandName, Result } from './commands/table.ts';
import { errno, isErrno } from './errors.ts';
import type { Handle, Library } from './library.ts';
import { OpenImages } from './open-images.ts';
import type { RbdStoreOptions } from './options.ts';
import { type RunOptions, Threads } from './threads.ts';

type InPool<Name extends CommandName> = Arguments<Name> extends [Handle, ...infer Rest] ? Rest : never;

type ImageCommand = 'resizeImage' | 'sealImage' | 'writeImage' | 'readImage';

/** Milliseconds that a cluster gets to say goodbye. */
const goodbyeMs = 5_000;

export class Cluster {
  readonly #library: Library;
  readonly #settings: ConnectionSettings;
  readonly #patienceMs: number;
  readonly #threads: Threads;
  /** For what may take long. */
  readonly #slow: Threads;
  /** As long as one is open, the connection stays. */
  readonly #images = new OpenImages();
  readonly #lent = new Set<Uint8Array>();
  /** Questions to the monitors: as long as one is open, the connection stays. */
  #roomAsked = 0;
  #connection: Connection | null = null;
  #connecting: Promise<Connection> | null = null;

  constructor(options: RbdStoreOptions, library: Library) {
    const seconds = String(options.idleTimeout);
    const { keyringFile } = options;
    this.#library = library;
    this.#settings = {
      user: options.user,
      confFile: options.confFile,
      pool: options.pool,
      set: {
        client_mount_timeout: seconds,
        rados_mon_op_timeout: seconds,
        // No rados_osd_op_timeout: librbd does not survive it, so whoever waits gives up, and the call ends when the cluster is back.
        // When that is, is found out by asking about what has waited this long.
        objecter_timeout: String(Math.min(10, options.idleTimeout / 3)),
        objecter_tick_interval: String(Math.min(5, options.idleTimeout / 6)),
        // What is written is there, and what is read is kept once.
        rbd_cache: 'false',
        // What it has to say we say.
        log_to_stderr: 'false',
        err_to_stderr: 'false',
        ...(keyringFile === null ? {} : { keyring: keyringFile }),
      },
    };
    this.#patienceMs = options.idleTimeout * 1_000;
    this.#threads = new Threads(options.id, options.threads, this.#patienceMs);
    this.#slow = new Threads(options.id, 1, Number.POSITIVE_INFINITY);
  }

  /** The fsid that the configuration names, or null. Asks no cluster. */
  configuredFsid(): Promise<string | null> {
    return this.#threads.run('configuredFsid', [this.#settings]);
  }

  async fsid(): Promise<string> {
    return (await this.#connected()).fsid;
  }

  /** Throws CephError, or store_unavailable when there is no answer in time. */
  async ask<Name extends CommandName>(
    name: Name,
    args: InPool<Name>,
    options?: RunOptions<Name>,
  ): Promise<Result<Name>> {
    const { pool } = await this.#connected();
    const all = [pool, ...(args as unknown[])] as unknown as Arguments<Name>;
    return await this.#watched(this.#threads.run(name, all, options));
  }

  /** As `ask`, for what takes as long as it takes. */
  async askSlowly<Name extends CommandName>(name: Name, args: InPool<Name>): Promise<Result<Name>> {
    const { pool } = await this.#connected();
    return await this.#watched(this.#slow.run(name, [pool, ...(args as unknown[])] as never));
  }

  /** What is left in the pool. Monitors that hang keep no request waiting, nor do they say that the pool is away. */
  async room(): Promise<StoreCapacity> {
    const { cluster } = await this.#connected();
    this.#roomAsked += 1;
    const answered = () => {
      this.#roomAsked -= 1;
    };
    return await this.#slow.run('poolRoom', [cluster, this.#settings.pool], { answered });
  }

  async create(name: string, size: number, order: number): Promise<Handle> {
    const late = (image: Handle) => this.#closeLate(image);
    const image = await this.ask('createImage', [name, size, order], { late });
    this.#images.opened(image);
    return image;
  }

  /** Null: there is no such object. */
  async open(name: string): Promise<{ image: Handle; size: number } | null> {
    const late = (found: { image: Handle } | null) => found !== null && this.#closeLate(found.image);
    const found = await this.ask('openImage', [name], { late });
    if (found !== null) this.#images.opened(found.image);
    return found;
  }

  /** False when something is under way in it that was given up: it is closed after that. */
  async closeImage(image: Handle): Promise<boolean> {
    let closing: Promise<void> | null = null;
    const close = () => {
      const answered = () => this.#images.closed(image);
      closing = this.#watched(this.#threads.run('closeImage', [image], { answered }));
      closing.catch(() => {});
    };
    if (!this.#images.whenIdle(image, close)) return false;
    await closing;
    return true;
  }

  async resize(image: Handle, size: number): Promise<void> {
    await this.#inImage('resizeImage', [image, size]);
  }

  async seal(image: Handle): Promise<void> {
    await this.#inImage('sealImage', [image]);
  }

  /** `bytes` are read from until it settles; after a failure perhaps longer. */
  async write(image: Handle, offset: number, bytes: Uint8Array): Promise<void> {
    const address = this.#library.addressOf(bytes);
    await this.#inImage('writeImage', [image, offset, bytes.length, address], bytes);
  }

  /** Fills `bytes` from the start; resolves with how many. After a failure they may still be written to. */
  async read(image: Handle, offset: number, bytes: Uint8Array): Promise<number> {
    const address = this.#library.addressOf(bytes);
    return await this.#inImage('readImage', [image, offset, bytes.length, address], bytes);
  }

  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = null;
    if (connection !== null && this.#images.count === 0 && this.#roomAsked === 0)
      await this.#threads.run('disconnect', [connection], { patienceMs: goodbyeMs }).catch(() => {});
    await Promise.all([this.#threads.close(), this.#slow.close()]);
  }

  async #inImage<Name extends ImageCommand>(
    name: Name,
    args: Arguments<Name>,
    memory?: Uint8Array,
  ): Promise<Result<Name>> {
    const end = this.#images.begin(args[0] as Handle);
    const answered = () => {
      // Memory that a thread works on is held until it has answered.
      if (memory !== undefined) this.#lent.delete(memory);
      end();
    };
    if (memory !== undefined) this.#lent.add(memory);
    return await this.#watched(this.#threads.run(name, args, { answered }));
  }

  #closeLate(image: Handle): void {
    this.#images.opened(image);
    this.closeImage(image).catch(() => {});
  }

  async #connected(): Promise<Connection> {
    if (this.#connection !== null) return this.#connection;
    this.#connecting ??= this.#threads
      .run('connect', [this.#settings], {
        // Its own limits come first.
        patienceMs: 2 * this.#patienceMs,
        late: (connection) => {
          this.#connection ??= connection;
        },
      })
      .then((connection) => {
        this.#connection = connection;
        return connection;
      })
      .finally(() => {
        this.#connecting = null;
      });
    return await this.#connecting;
  }

  /** A client that the cluster has shut out never gets in again, and one that hangs may not either: another one does. */
  async #watched<T>(work: Promise<T>): Promise<T> {
    const { pool } = this.#connection ?? {};
    try {
      return await work;
    } catch (error) {
      const isLost = error instanceof Failure || isErrno(error, errno.blocked);
      if (isLost && this.#connection?.pool === pool) this.#connection = null;
      throw error;
    }
  }
}
