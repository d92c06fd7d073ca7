/** The heart of a worker: what it does again and again as long as it lives. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../base/log.ts';
import type { Database } from '../database/connect.ts';
import type { Session } from '../database/session.ts';
import type { Attempt } from './attempt.ts';
import { saveProgress } from './attempt-records.ts';
import { cancelledAmong } from './flow-records.ts';
import { Reaper } from './reaper.ts';
import type { Schedule } from './schedule.ts';
import { beatWorker } from './worker-records.ts';

interface Parts {
  readonly database: Database;
  readonly session: Session;
  readonly log: Log;
  readonly beatMs: number;
  readonly workerId: () => string;
  readonly running: ReadonlySet<Attempt>;
  readonly recover: (workers: string[]) => Promise<unknown>;
  readonly schedule: Schedule;
  readonly judgedDead: () => Promise<void>;
  readonly beaten: () => void;
}

export class Heart {
  readonly #parts: Parts;
  readonly #reaper: Reaper;
  readonly #stopped = new AbortController();
  #beating: Promise<void> = Promise.resolve();

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#reaper = new Reaper(parts);
  }

  start(): void {
    this.#beating = this.#keepBeating();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#beating;
  }

  async #keepBeating(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      try {
        await this.#beat();
      } catch (err) {
        this.#parts.log.warn({ err }, 'the heart of a worker missed a beat');
      }
      await delay(this.#parts.beatMs, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  async #beat(): Promise<void> {
    const { database, session, workerId, running, schedule, judgedDead, beaten } = this.#parts;
    for (const attempt of running) attempt.watch();
    const now = await beatWorker(database, workerId(), session.processNumber);
    if (now === undefined) {
      await judgedDead();
      return;
    }
    await this.#tellProgress();
    await this.#reaper.look();
    await schedule.look(now);
    beaten();
  }

  async #tellProgress(): Promise<void> {
    const { database, running } = this.#parts;
    const attempts = [...running];
    if (attempts.length === 0) return;
    const records = attempts.map(({ facts, done, total, moved }) => ({ id: facts.id, done, total, moved }));
    for (const attempt of attempts) attempt.moved = false;
    await saveProgress(database, records);
    const cancelled = await cancelledAmong(
      database,
      attempts.map(({ facts }) => facts.flow),
    );
    for (const attempt of attempts) if (cancelled.includes(attempt.facts.flow)) attempt.cancel();
  }
}
