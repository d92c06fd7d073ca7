/** A file of the operator's that is read again when it changes; a broken one leaves what was read before in force. */
import { readFileSync, statSync } from 'node:fs';
import type { Log } from '../base/log.ts';

/** Tells one state of a file from another. */
function stampOf(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat === undefined ? 'absent' : `${stat.ino} ${stat.size} ${stat.mtimeMs}`;
}

export class WatchedFile<T> {
  readonly #file: string;
  readonly #read: (text: string) => T;
  readonly #log: Log;
  #stamp: string;
  #current: T;
  #isFresh = false;

  /** Fails when the file cannot be read now. */
  constructor(file: string, read: (text: string) => T, log: Log) {
    this.#file = file;
    this.#read = read;
    this.#log = log;
    this.#stamp = stampOf(file);
    this.#current = read(readFileSync(file, 'utf8'));
  }

  /** What the file says at this moment. */
  get current(): T {
    // A page of images asks for every property of each: once in a turn of the event loop is enough.
    if (this.#isFresh) return this.#current;
    this.#isFresh = true;
    setImmediate(() => {
      this.#isFresh = false;
    });
    const stamp = stampOf(this.#file);
    if (stamp === this.#stamp) return this.#current;
    this.#stamp = stamp;
    try {
      this.#current = this.#read(readFileSync(this.#file, 'utf8'));
      this.#log.info({ file: this.#file }, 'a changed file was read again');
    } catch (err) {
      this.#log.error(
        { err, file: this.#file },
        'a changed file is broken: what it said before stays in force',
      );
    }
    return this.#current;
  }
}
