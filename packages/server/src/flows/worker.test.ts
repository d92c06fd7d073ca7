/** Flows on a real database: in order, back again, held and retried, cancelled, stalled, and never done twice with effect. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { type TestDatabase, testDatabase } from '../../../../test/support/database.ts';
import { until } from '../../../../test/support/process.ts';
import { Failure } from '../base/failure.ts';
import { createLog } from '../base/log.ts';
import { connect, type Database } from '../database/connect.ts';
import { migrate } from '../database/migrate.ts';
import { openSession, type Session } from '../database/session.ts';
import { type Engine, openEngine } from './engine.ts';
import type { AnyFlow, Flow, StepContext, StepFailure } from './flow.ts';
import { migrateEngine } from './migrate-engine.ts';
import { cancelFlow, retryFlow, showFlow } from './operate.ts';
import type { FlowSeams } from './seams.ts';
import { type FlowWorker, startWorker } from './worker.ts';

const log = createLog('fatal');
const diary: string[] = [];
const told: { failure: StepFailure; fate: string }[] = [];
let trouble: (step: string, context: StepContext) => Promise<void> | void = () => {};

type Input = { tag: string; hold?: boolean; optional?: boolean };

function step(name: string, optional = false) {
  return {
    name,
    optional,
    async do(context: StepContext, { tag }: Input) {
      diary.push(`${tag} ${name}`);
      await trouble(name, context);
      return { from: name, before: context.resultOf(`first`) ?? null };
    },
    async undo(context: StepContext, { tag }: Input) {
      diary.push(`${tag} undo ${name} of ${context.attempts.length}`);
      await trouble(`undo ${name}`, context);
    },
  };
}

const three: Flow<Input> = {
  name: 'three',
  steps: ({ optional }) => [step('first'), step('second', optional), step('third')],
  holds: ({ hold }) => hold === true,
  async failed(_context, { tag }, failure, fate) {
    diary.push(`${tag} ${fate}`);
    told.push({ failure, fate });
  },
};

let home: TestDatabase;
let database: Database;
let session: Session;
let engine: Engine;
let worker: FlowWorker;

async function begin(seams: FlowSeams = {}, flows: AnyFlow[] = [three as AnyFlow]): Promise<FlowWorker> {
  return await startWorker({
    engine: await openEngine(home.config, log),
    database,
    session,
    log,
    flows,
    periodic: [],
    limits: { perWorker: 8, perProject: 4, total: null },
    stallMs: 60_000,
    seams: { beatMs: 100, ...seams },
  });
}

before(async () => {
  home = await testDatabase();
  database = await connect(home.config, { max: 8, applicationName: 'test', log });
  await migrate(database, { further: () => migrateEngine(home.config, log) });
  session = await openSession(home.config, { applicationName: 'test session', log });
  engine = await openEngine(home.config, log);
  worker = await begin();
});

after(async () => {
  await worker.close(0);
  await engine.close();
  await session.close();
  await database.close();
  await home.close();
});

async function start(input: Omit<Input, 'tag'> = {}, project: string | null = 'p'): Promise<string> {
  const id = randomUUID();
  const order = { id, flow: 'three', input: { ...input, tag: id }, project, subject: 'it' };
  assert.equal(await database.transaction((queries) => engine.start(queries, order)), true);
  return id;
}

async function ended(id: string) {
  return await until(`the end of flow ${id}`, async () => {
    const flow = await showFlow(database, id);
    return ['success', 'failed', 'cancelled'].includes(flow.state) && flow;
  });
}

function diaryOf(id: string): string[] {
  return diary.filter((line) => line.startsWith(id)).map((line) => line.slice(id.length + 1));
}

test('steps run in order, once, each knowing what came before', async () => {
  const flow = await ended(await start());
  assert.equal(flow.state, 'success');
  assert.deepEqual(diaryOf(flow.id), ['first', 'second', 'third']);
  assert.deepEqual(
    flow.attempts.map(({ step: name, state }) => `${name} ${state}`),
    ['first done', 'second done', 'third done'],
  );
});

test('a flow that is rolled back with its transaction was never there', async () => {
  const id = randomUUID();
  const order = { id, flow: 'three', input: { tag: id }, project: null, subject: null };
  await assert.rejects(
    database.transaction(async (queries) => {
      await engine.start(queries, order);
      throw new Error('no');
    }),
    /no/,
  );
  await assert.rejects(showFlow(database, id), /There is no flow/);
  assert.equal(await database.transaction((queries) => engine.start(queries, order)), true);
  assert.equal(await database.transaction((queries) => engine.start(queries, order)), false);
  await ended(id);
  assert.deepEqual(diaryOf(id), ['first', 'second', 'third']);
});

describe('a step that fails', () => {
  after(() => {
    trouble = () => {};
  });

  test('for good has everything before it taken back, the last first, and the reason told', async () => {
    trouble = (name) => {
      if (name === 'third') throw new Failure('size_cap', 'Too large.');
    };
    const flow = await ended(await start());
    assert.equal(flow.state, 'failed');
    assert.equal(flow.resumable, false);
    assert.deepEqual(flow.failure, { code: 'size_cap', message: 'Too large.', step: 'third' });
    assert.deepEqual(diaryOf(flow.id), [
      'first',
      'second',
      'third',
      'undo third of 1',
      'undo second of 1',
      'undo first of 1',
      'undone',
    ]);
    await assert.rejects(retryFlow(engine, database, flow.id), { code: 'flow_state' });
  });

  test('for a moment is tried again, and knows the attempts before', async () => {
    let times = 0;
    const attempts: number[] = [];
    trouble = (name, context) => {
      if (name !== 'second') return;
      attempts.push(context.attempts.length);
      times += 1;
      if (times < 3) throw new Failure('store_unavailable', 'Away.');
    };
    const flow = await ended(await start());
    assert.equal(flow.state, 'success');
    assert.deepEqual(attempts, [0, 1, 2]);
  });

  test('again and again fails the flow with its own reason', async () => {
    trouble = (name) => {
      if (name === 'second') throw new Error('a fault of ours, with a secret in it');
    };
    const flow = await ended(await start());
    assert.equal(flow.failure?.code, 'internal');
    assert.doesNotMatch(JSON.stringify(flow), /secret/);
    assert.deepEqual(diaryOf(flow.id).filter((line) => line === 'second').length, 3);
  });

  test('and is optional is taken back alone', async () => {
    trouble = (name) => {
      if (name === 'second') throw new Failure('store_full', 'Full.');
    };
    const flow = await ended(await start({ optional: true }));
    assert.equal(flow.state, 'success');
    assert.deepEqual(diaryOf(flow.id), ['first', 'second', 'undo second of 1', 'third']);
  });

  test('holds what was done when it shall, and a retry goes on from there', async () => {
    let broken = true;
    trouble = (name) => {
      if (name === 'second' && broken) throw new Failure('store_full', 'Full.');
    };
    const id = await start({ hold: true });
    const held = await ended(id);
    assert.equal(held.state, 'failed');
    assert.equal(held.resumable, true);
    assert.deepEqual(diaryOf(id), ['first', 'second', 'held']);
    broken = false;
    await retryFlow(engine, database, id);
    assert.equal(
      (
        await until('success', async () => {
          const flow = await showFlow(database, id);
          return flow.state === 'success' && flow;
        })
      ).state,
      'success',
    );
    assert.deepEqual(diaryOf(id), ['first', 'second', 'held', 'second', 'third']);
  });

  test('and is held can be cancelled: then it is taken back', async () => {
    trouble = (name) => {
      if (name === 'second') throw new Failure('store_full', 'Full.');
    };
    const id = await start({ hold: true });
    await ended(id);
    await cancelFlow(engine, database, id);
    await until('cancelled', async () => (await showFlow(database, id)).state === 'cancelled');
    assert.deepEqual(diaryOf(id).slice(3), ['undo second of 1', 'undo first of 1', 'cancelled']);
    await assert.rejects(cancelFlow(engine, database, id), { code: 'flow_state' });
  });

  test('in its undo leaves the flow failed, to be gone on with', async () => {
    let broken = true;
    trouble = (name) => {
      if (name === 'third') throw new Failure('size_cap', 'Too large.');
      if (name === 'undo second' && broken) throw new Failure('bad_request', 'Stuck.');
    };
    const id = await start();
    const stuck = await ended(id);
    assert.deepEqual(stuck.failure, { code: 'bad_request', message: 'Stuck.', step: 'undo:second' });
    assert.equal(stuck.resumable, true);
    broken = false;
    await retryFlow(engine, database, id);
    const flow = await until('the end', async () => {
      const now = await showFlow(database, id);
      return now.failure?.code === 'size_cap' && now;
    });
    assert.equal(flow.resumable, false);
    assert.deepEqual(diaryOf(id).slice(-3), ['undo second of 1', 'undo first of 1', 'undone']);
  });
});

describe('a flow under way', () => {
  after(() => {
    trouble = () => {};
  });

  test('is cancelled at once, and undone although it is cancelled', async () => {
    trouble = async (name, { signal }) => {
      if (name === 'second')
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    };
    const id = await start();
    await until('the second step', () => diaryOf(id).includes('second'));
    await cancelFlow(engine, database, id);
    const flow = await ended(id);
    assert.equal(flow.state, 'cancelled');
    assert.deepEqual(diaryOf(id), ['first', 'second', 'undo second of 1', 'undo first of 1', 'cancelled']);
  });
});
