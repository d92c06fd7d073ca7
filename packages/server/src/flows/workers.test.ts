/** Workers come and go, share the work, and are told apart from those that only seem to live. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { type FlowWorkers, openFlowWorkers } from '../../../../test/support/flow-workers.ts';
import { until } from '../../../../test/support/process.ts';
import { Failure } from '../base/failure.ts';
import type { AnyFlow, Flow, StepContext } from './flow.ts';
import { retryFlow } from './operate.ts';
import { forgetWorkers, workersSeen } from './worker-records.ts';

type Input = { readonly tag: string };

let workers: FlowWorkers;
let diary: string[] = [];

before(async () => {
  workers = await openFlowWorkers();
});
after(() => workers?.close());
afterEach(() => {
  diary = [];
});

/** A flow of these steps, each of which does what `work` says. */
function flowOf(
  name: string,
  steps: readonly string[],
  work: (step: string, context: StepContext) => Promise<void> | void = () => {},
): AnyFlow {
  const flow: Flow<Input> = {
    name,
    steps: () =>
      steps.map((step) => ({
        name: step,
        async do(context) {
          diary.push(step);
          await work(step, context);
          return undefined;
        },
        async undo(context) {
          diary.push(`undo ${step} of ${context.attempts.length}`);
        },
      })),
  };
  return flow as AnyFlow;
}

/** Waits until told to go on, or to end. */
function gate() {
  const { promise, resolve } = Promise.withResolvers<void>();
  const wait = ({ signal }: StepContext) =>
    new Promise<void>((go, fail) => {
      signal.addEventListener('abort', () => fail(signal.reason), { once: true });
      void promise.then(go);
    });
  return { open: resolve, wait, promise };
}

test('a project has no more than its share under way, and others do not wait for it', async () => {
  const door = gate();
  let most = 0;
  let now = 0;
  const flow = flowOf('share', ['only'], async (_step, context) => {
    now += 1;
    most = Math.max(most, now);
    await door.wait(context);
    now -= 1;
  });
  const limits = { perWorker: 8, perProject: 2, total: null };
  const [one, two] = [await workers.begin([flow], { limits }), await workers.begin([flow], { limits })];
  const greedy = await Promise.all(Array.from({ length: 6 }, () => workers.start('share', {}, 'greedy')));
  await until('two at work', () => now === 2);
  const modest = await workers.start('share', {}, 'modest');
  await until('the other project at work', () => now === 3);
  door.open();
  for (const id of [...greedy, modest]) assert.equal((await workers.ended(id)).state, 'success');
  assert.equal(most, 3);
  await one.close();
  await two.close();
});

test('all projects together have no more than the whole under way, on whatever workers', async () => {
  const door = gate();
  let most = 0;
  let now = 0;
  const flow = flowOf('whole', ['only'], async (_step, context) => {
    now += 1;
    most = Math.max(most, now);
    await door.wait(context);
    now -= 1;
  });
  const limits = { perWorker: 8, perProject: 2, total: 3 };
  const [one, two] = [await workers.begin([flow], { limits }), await workers.begin([flow], { limits })];
  const projects = ['a', 'a', 'b', 'b', 'c', 'c', 'd', 'd'];
  const ids = await Promise.all(projects.map((project) => workers.start('whole', {}, project)));
  await until('three at work', () => now === 3);
  door.open();
  for (const id of ids) assert.equal((await workers.ended(id)).state, 'success');
  assert.equal(most, 3);
  await one.close();
  await two.close();
});

test('work is given back when a worker stops, and that costs no attempt', async () => {
  const door = gate();
  const flow = flowOf('given-back', ['first', 'second'], async (step, context) => {
    if (step === 'second' && context.attempts.length === 0) await door.wait(context);
  });
  const one = await workers.begin([flow]);
  const id = await workers.start('given-back');
  await until('the second step', () => diary.includes('second'));
  const two = await workers.begin([flow]);
  await one.close(0);
  const done = await workers.ended(id);
  assert.equal(done.state, 'success');
  assert.deepEqual(
    done.attempts.map(({ step, state }) => `${step} ${state}`),
    ['first done', 'second released', 'second done'],
  );
  await two.close();
});

test('a worker that stops lets a step finish within its time, and begins no other', async () => {
  const door = gate();
  const flow = flowOf('finished', ['first', 'second'], async (step, context) => {
    if (step === 'first') await door.wait(context);
  });
  const one = await workers.begin([flow]);
  const id = await workers.start('finished');
  await until('the first step', () => diary.includes('first'));
  const closing = one.close(60_000);
  door.open();
  await closing;
  assert.equal((await workers.view(id)).state, 'waiting');
  assert.deepEqual(diary, ['first']);
  const two = await workers.begin([flow]);
  assert.equal((await workers.ended(id)).state, 'success');
  assert.deepEqual(diary, ['first', 'second']);
  await two.close();
});

test('work that does not listen is left behind, can write nothing, and is made again', async () => {
  const door = gate();
  const fenced: string[] = [];
  const flow = flowOf('deaf', ['only'], async (_step, context) => {
    if (context.attempts.length > 0) return;
    await door.promise;
    await workers.database
      .transaction((queries) => context.fence(queries))
      .catch((error: Error) => fenced.push(error.name));
  });
  const one = await workers.begin([flow], { seams: { stallMs: 200, endingMs: 100 } });
  const id = await workers.start('deaf');
  const done = await workers.ended(id);
  assert.equal(done.state, 'success');
  assert.deepEqual(
    done.attempts.map(({ state, code }) => `${state} ${code}`),
    ['failed step_stalled', 'done null'],
  );
  door.open();
  await until('the late one', () => fenced.length > 0);
  assert.deepEqual(fenced, ['RunOver']);
  await one.close();
});

test('a worker that is judged dead while it lives ends what it was at, and goes on as another', async () => {
  const door = gate();
  const ends: string[] = [];
  const flow = flowOf('judged', ['only'], async (_step, context) => {
    if (context.attempts.length > 0) return;
    await door.wait(context).catch((error: Error) => {
      ends.push(error.name);
      throw error;
    });
  });
  const one = await workers.begin([flow]);
  const id = await workers.start('judged');
  await until('its work', () => diary.length === 1);
  const judge = async () =>
    (await forgetWorkers(workers.database, await workersSeen(workers.database))).length;
  await until('a verdict', async () => (await judge()) > 0);
  const done = await workers.ended(id);
  assert.equal(done.state, 'success');
  assert.deepEqual(ends, ['RunOver']);
  const [first, second] = done.attempts;
  assert.equal(first!.state, 'lost');
  assert.notEqual(first!.worker, second!.worker);
  await one.close();
});

test('flows keep the steps they began with when a release changes them', async () => {
  let broken = true;
  const breaks = (step: string) => {
    if (step === 'last' && broken) throw new Failure('bad_request', 'Not yet.');
  };
  const old = { ...flowOf('grows', ['first', 'last'], breaks), holds: () => true };
  const grown: AnyFlow = {
    ...old,
    async steps(input, changed) {
      const [first, last] = await old.steps(input, changed);
      const [scan] = await flowOf('x', ['scan']).steps(input, changed);
      return (await changed('scan')) ? [first!, scan!, last!] : [first!, last!];
    },
  };
  const one = await workers.begin([old]);
  const id = await workers.start('grows');
  assert.equal((await workers.ended(id)).resumable, true);
  await one.close();

  broken = false;
  const two = await workers.begin([grown]);
  await retryFlow(workers.engine, workers.database, id);
  await until('success', async () => (await workers.view(id)).state === 'success');
  assert.deepEqual(diary, ['first', 'last', 'last']);
  diary = [];
  assert.equal((await workers.ended(await workers.start('grows'))).state, 'success');
  assert.deepEqual(diary, ['first', 'scan', 'last']);
  await two.close();
});

test('a release that is rolled out while flows run takes up what the old one gives back, and what waits', async () => {
  const door = gate();
  let isHeld = true;
  const old = flowOf('rolled', ['begin', 'first', 'last'], async (step, context) => {
    if (step === 'first' && isHeld) await door.wait(context);
  });
  const grown: AnyFlow = {
    ...old,
    async steps(input, changed) {
      const [scan] = await flowOf('x', ['scan']).steps(input, changed);
      const [begin, ...rest] = await old.steps(input, changed);
      return (await changed('scan')) ? [begin!, scan!, ...rest] : [begin!, ...rest];
    },
  };
  const limits = { perWorker: 1, perProject: 4, total: null };
  const before = await workers.begin([old], { limits });
  const running = await workers.start('rolled');
  await until('its first step', () => diary.includes('first'));
  isHeld = false;
  const waiting = await workers.start('rolled');

  const after = await workers.begin([grown], { limits: { ...limits, perWorker: 8 } });
  assert.equal((await workers.ended(waiting)).state, 'success');
  assert.equal((await workers.view(running)).state, 'running', 'the old release is still at it');
  await before.close();
  assert.equal((await workers.ended(running)).state, 'success');
  const stepsOf = async (id: string) =>
    (await workers.view(id)).attempts.map(({ step, state }) => `${step} ${state}`);
  assert.deepEqual(await stepsOf(running), ['begin done', 'first released', 'first done', 'last done']);
  assert.deepEqual(await stepsOf(waiting), ['begin done', 'scan done', 'first done', 'last done']);
  await after.close();
});

test('a flow that a newer release has begun waits for a worker of that, and loses nothing', async () => {
  const door = gate();
  let isHeld = true;
  const old = flowOf('advanced', ['begin', 'last'], async () => {});
  const grown: AnyFlow = {
    ...old,
    async steps(input, changed) {
      const hold = async (step: string, context: StepContext) => {
        if (step === 'scan' && isHeld) await door.wait(context);
      };
      const [begin, scan, last] = await flowOf('x', ['begin', 'scan', 'last'], hold).steps(input, changed);
      return (await changed('scan')) ? [begin!, scan!, last!] : [begin!, last!];
    },
  };
  const one = await workers.begin([grown]);
  const id = await workers.start('advanced');
  await until('the step that is new', () => diary.includes('scan'));
  const older = await workers.begin([old, flowOf('other', ['only'])]);
  await one.close();
  isHeld = false;
  for (let turn = 0; turn < 3; turn += 1)
    assert.equal((await workers.ended(await workers.start('other'))).state, 'success');
  assert.equal((await workers.view(id)).endedAt, null);

  const two = await workers.begin([grown]);
  const { state, attempts } = await workers.ended(id);
  assert.equal(state, 'success');
  const told = attempts.map((attempt) => `${attempt.step} ${attempt.state}`);
  assert.deepEqual(told, ['begin done', 'scan released', 'scan done', 'last done']);
  await older.close();
  await two.close();
});

test('a flow that no worker knows waits until one does', async () => {
  const one = await workers.begin([flowOf('known', ['only'])]);
  const id = await workers.start('newer');
  const known = await workers.start('known');
  assert.equal((await workers.ended(known)).state, 'success');
  assert.equal((await workers.view(id)).endedAt, null);
  const two = await workers.begin([flowOf('newer', ['only'])]);
  assert.equal((await workers.ended(id)).state, 'success');
  await one.close();
  await two.close();
});

test('a periodic flow runs once for each stretch of time, however many workers there are', async () => {
  const starts: string[] = [];
  const flow = flowOf('tick', ['only'], (_step, context) => {
    starts.push(context.flow);
  });
  const periodic = [{ flow: 'tick', everyMs: 300, input: {} }];
  const all = [
    await workers.begin([flow], { periodic }),
    await workers.begin([flow], { periodic }),
    await workers.begin([flow], { periodic }),
  ];
  await until('some stretches', () => starts.length >= 4);
  // Before the workers stop: what one of them is at then is repeated by another.
  assert.equal(new Set(starts).size, starts.length);
  for (const one of all) await one.close();
});
