/** Mixed clients on one server: they create, upload, download and delete until the server or the test ends it. */
import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Chance } from './bytes.ts';
import { type Answer, call, compareData, Upload, WrongData } from './calls.ts';
import type { Entry, Ledger } from './ledger.ts';

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;
const smallest = 64 * kibibyte;
const largest = 24 * mebibyte;
/** Images kept active; those beyond are deleted. */
const enough = 12;

export interface Tally {
  created: number;
  uploaded: number;
  deleted: number;
  downloaded: number;
  /** Uploads that the server ended with an answer: how many for each failure code. */
  refused: Record<string, number>;
}

/** Emits `piece` after each write of an upload, `last` after the last of one, `delete` before a deletion. */
export class Traffic extends EventEmitter {
  readonly tally: Tally = { created: 0, uploaded: 0, deleted: 0, downloaded: 0, refused: {} };
  /** Answers that no client should ever have got. */
  readonly faults: string[] = [];
  readonly #url: string;
  readonly #ledger: Ledger;
  readonly #chance: Chance;
  readonly #clients: Promise<void>[];
  /** 503 is an answer to be expected: the database is being killed. */
  readonly #mayBeUnavailable: boolean;
  /** Calls that failed, for want of a server or a database. */
  #setbacks = 0;
  #stopped = false;

  constructor(url: string, ledger: Ledger, chance: Chance, mayBeUnavailable: boolean) {
    super();
    this.setMaxListeners(0);
    this.#url = url;
    this.#ledger = ledger;
    this.#chance = chance;
    this.#mayBeUnavailable = mayBeUnavailable;
    const uploader = () => this.#repeat(() => this.#upload());
    this.#clients = [
      uploader(),
      uploader(),
      uploader(),
      uploader(),
      this.#repeat(() => this.#download()),
      this.#repeat(() => this.#delete()),
    ];
  }

  /** Resolves when every client has had its last answer, or lost its connection. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#clients);
    for (const entry of this.#ledger.entries.values()) entry.busy = false;
  }

  async #repeat(work: () => Promise<void>): Promise<void> {
    while (!this.#stopped) {
      const before = this.#setbacks;
      await work().catch((error: NodeJS.ErrnoException) => {
        this.#setbacks += 1;
        if (error instanceof WrongData || error.code === undefined) this.faults.push(String(error.stack));
      });
      // Nobody hammers a server that cannot answer.
      if (this.#setbacks > before) await delay(50);
    }
  }

  #expect(answer: Answer, what: string, ...allowed: number[]): void {
    if (allowed.includes(answer.status)) return;
    this.#setbacks += 1;
    if (answer.status === 503 && this.#mayBeUnavailable && answer.json?.error.reason === 'unavailable')
      return;
    this.faults.push(`${what} answered ${answer.status}: ${answer.text}`);
  }

  #size(): number {
    return Math.floor(smallest * (largest / smallest) ** this.#chance.next());
  }

  async #create(): Promise<Entry | null> {
    const size = this.#size();
    const entry = this.#ledger.add(randomUUID(), this.#chance.between(0, 8 * mebibyte), size);
    const document = { id: entry.id, disk_format: 'raw', container_format: 'bare' };
    const answer = await call(this.#url, 'POST', '/v2/images', document).catch((error) => {
      // It never reached a server.
      if (error.code === 'ECONNREFUSED') this.#ledger.entries.delete(entry.id);
      throw error;
    });
    this.#expect(answer, 'create', 201);
    if (answer.status !== 201) return null;
    entry.created = 'acknowledged';
    this.tally.created += 1;
    return entry;
  }

  /** To a new image, or again to one whose upload was interrupted. */
  async #upload(): Promise<void> {
    const idle = this.#ledger.of(
      ({ busy, created, deleted, data }) =>
        !busy && created === 'acknowledged' && deleted === 'no' && data === 'no',
    );
    const entry = idle.length > 2 ? this.#chance.oneOf(idle) : await this.#create();
    if (entry === null) return;
    entry.busy = true;
    // Some images stay without data for a while.
    if (idle.length < 8 && this.#chance.next() < 0.1) entry.busy = false;
    else await this.#uploadTo(entry);
  }

  async #uploadTo(entry: Entry): Promise<void> {
    const options = { chunked: this.#chance.next() < 0.5, onPiece: () => this.emit('piece') };
    const sending = new Upload(this.#url, entry.id, entry.body, options);
    if (await sending.begun) {
      entry.begun = true;
      entry.told = null;
      entry.data = 'sent';
    }
    await sending.written;
    if (sending.sent === entry.body.length) this.emit('last');
    const answer = await sending.answer;
    if (answer === null) return;
    this.#expect(answer, 'upload', 204, ...(entry.deleted === 'no' ? [] : [404, 410]));
    if (answer.status === 204) {
      entry.data = 'acknowledged';
      this.tally.uploaded += 1;
    } else {
      const code = answer.json?.error.reason ?? String(answer.status);
      this.tally.refused[code] = (this.tally.refused[code] ?? 0) + 1;
      if (entry.begun) entry.told = code;
    }
    // What the outcome is stays open after a 503 until the ledger is judged.
    entry.busy = answer.status !== 204;
  }

  async #download(): Promise<void> {
    const { active } = this.#ledger;
    if (active.length === 0) return await this.#look();
    const entry = this.#chance.oneOf(active);
    try {
      const read = await compareData(this.#url, entry.id, entry.body);
      if (read === entry.body.length) this.tally.downloaded += 1;
    } catch (error) {
      if (!(error instanceof WrongData)) throw error;
      const isAllowed =
        (entry.deleted !== 'no' && error.status === 404) || (this.#mayBeUnavailable && error.status === 503);
      if (!isAllowed) throw error;
      this.#setbacks += 1;
    }
  }

  async #look(): Promise<void> {
    this.#expect(await call(this.#url, 'GET', '/v2/images'), 'list', 200);
  }

  /** Of an active image when there are enough; now and then of one that is being uploaded. */
  async #delete(): Promise<void> {
    const { active } = this.#ledger;
    const saving = this.#ledger.of(({ data, deleted, busy }) => data === 'sent' && deleted === 'no' && busy);
    const wanted = this.#chance.next() < 0.02 ? saving : active.length > enough ? active : [];
    if (wanted.length === 0) return await this.#look();
    const entry = this.#chance.oneOf(wanted);
    entry.deleted = 'sent';
    this.emit('delete');
    const answer = await call(this.#url, 'DELETE', `/v2/images/${entry.id}`);
    this.#expect(answer, 'delete', 204);
    if (answer.status !== 204) return;
    entry.deleted = 'acknowledged';
    this.tally.deleted += 1;
  }
}
