/** What clients were told, image by image, and the judgement of a server by it. */
import assert from 'node:assert/strict';
import type { ServerHome } from '../support/process.ts';
import { knownBytes } from './bytes.ts';
import { type Answer, call, compareData, tasksOf, WrongData } from './calls.ts';

/** `sent` stands for a request whose answer never came, or was 503: it may or may not have been done. */
type Word = 'no' | 'sent' | 'acknowledged';

export interface Entry {
  readonly id: string;
  created: Word;
  deleted: Word;
  data: Word;
  /** Of the newest upload: the image was saving for some time. */
  begun: boolean;
  /** Of the newest upload: the failure code that its client read. */
  told: string | null;
  /** An upload or deletion is under way. */
  busy: boolean;
  /** Compared byte by byte since it became active. */
  proved: boolean;
  readonly body: Buffer;
}

/** Every body is a piece of these bytes. */
const pool = knownBytes('bodies', 32 * 1024 * 1024);

export class Ledger {
  readonly entries = new Map<string, Entry>();

  /** A new image of `length` bytes that begin at `from` of the pool. */
  add(id: string, from: number, length: number): Entry {
    const body = pool.subarray(from, from + length);
    const entry: Entry = {
      id,
      created: 'sent',
      deleted: 'no',
      data: 'no',
      begun: false,
      told: null,
      busy: true,
      proved: false,
      body,
    };
    this.entries.set(id, entry);
    return entry;
  }

  of(condition: (entry: Entry) => boolean): Entry[] {
    return [...this.entries.values()].filter(condition);
  }

  get active(): Entry[] {
    return this.of(({ data, deleted }) => data === 'acknowledged' && deleted === 'no');
  }

  /**
   * Compares the server with what it acknowledged, and its store with its images; what had been left open is
   * settled by what is found. No request may be under way. Fails at the first broken promise.
   */
  async judge(url: string, home: ServerHome): Promise<void> {
    for (const entry of this.entries.values()) await this.#judgeOne(url, entry);
    const expected = this.active.map(({ id }) => id).sort();
    const found = (await home.storedFiles()).map((name) => name.replace(/\.[0-9a-f]{12}$/, '')).sort();
    assert.deepEqual(found, expected, 'the files in the store are those of the active images, one each');
  }

  async #judgeOne(url: string, entry: Entry): Promise<void> {
    const answer = await call(url, 'GET', `/v2/images/${entry.id}`);
    if (answer.status === 404) return await this.#judgeAbsent(url, entry);
    assert.equal(answer.status, 200, `image ${entry.id} answers ${answer.text}`);
    assert.notEqual(entry.deleted, 'acknowledged', `image ${entry.id} was deleted and is back`);
    entry.created = 'acknowledged';
    entry.deleted = 'no';
    if (answer.json.status === 'active') return await this.#judgeActive(url, entry, answer);
    assert.equal(answer.json.status, 'queued', `image ${entry.id} was left ${answer.json.status}`);
    assert.notEqual(entry.data, 'acknowledged', `image ${entry.id} lost its acknowledged data`);
    await this.#judgeQueued(url, entry);
  }

  async #judgeAbsent(url: string, entry: Entry): Promise<void> {
    const wasDeleted = entry.deleted !== 'no';
    assert.ok(wasDeleted || entry.created === 'sent', `image ${entry.id} was acknowledged and is gone`);
    this.entries.delete(entry.id);
    if (entry.created !== 'acknowledged') return;
    const again = await call(url, 'POST', '/v2/images', { id: entry.id });
    assert.equal(again.status, 409, `the id ${entry.id} of a deleted image was given out again`);
  }

  async #judgeActive(url: string, entry: Entry, answer: Answer): Promise<void> {
    assert.notEqual(entry.data, 'no', `image ${entry.id} is active without an upload`);
    assert.equal(answer.json.size, entry.body.length);
    if (!entry.proved) {
      assert.equal(await compareData(url, entry.id, entry.body), entry.body.length);
      const [task] = await tasksOf(url, entry.id);
      assert.equal(task?.status, 'success');
    }
    entry.data = 'acknowledged';
    entry.proved = true;
  }

  async #judgeQueued(url: string, entry: Entry): Promise<void> {
    const [task] = await tasksOf(url, entry.id);
    if (entry.begun) {
      assert.equal(task?.status, 'failure', `image ${entry.id} is queued again without a failed task`);
      const code = task.result?.error.code;
      assert.equal(task.message, task.result?.error.message);
      if (entry.told !== null) assert.equal(code, entry.told, `image ${entry.id} failed for two reasons`);
      else
        assert.ok(code === 'interrupted' || code === 'upload_cut', `image ${entry.id} failed with ${code}`);
    } else assert.notEqual(task?.status, 'processing');
    entry.data = 'no';
    entry.begun = false;
    entry.told = null;
  }

  /** Reads every active image once more. */
  async judgeAllBytes(url: string): Promise<number> {
    let bytes = 0;
    for (const { id, body } of this.active) {
      const read = await compareData(url, id, body);
      if (read !== body.length) throw new WrongData(`image ${id} has ${read} of ${body.length} bytes`);
      bytes += read;
    }
    return bytes;
  }
}
