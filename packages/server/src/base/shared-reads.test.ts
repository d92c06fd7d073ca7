/** Who has an answer together with whom: never one of a read that had begun before they asked. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SharedReads } from './shared-reads.ts';

interface Running {
  readonly key: string;
  end(): void;
  fail(error: Error): void;
}

/** Reads of a value, which end when they are let: each gives what the value was when it began. */
function slowReads(atOnce: number, waitMs?: number) {
  const reads = new SharedReads(atOnce, waitMs);
  const running: Running[] = [];
  const state = { value: 0, begun: 0 };
  const ask = (key: string) =>
    reads.read(key, () => {
      state.begun += 1;
      const { value } = state;
      return new Promise<string>((resolve, fail) => {
        running.push({ key, end: () => resolve(`${key}${value}`), fail });
      });
    });
  return { ask, running, state };
}

/** All that can go on goes on. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

test('those who ask for what another waits for have its answer', async () => {
  const { ask, running, state } = slowReads(1);
  const first = ask('a');
  await settle();
  state.value = 1;
  const others = Array.from({ length: 15 }, () => ask('a'));
  await settle();
  assert.equal(state.begun, 1);
  running.shift()!.end();
  assert.equal(await first, 'a0');
  await settle();
  assert.equal(state.begun, 2);
  running.shift()!.end();
  assert.deepEqual(await Promise.all(others), Array(15).fill('a1'));
});

test('no more go on at once than may, and other keys wait for their turn', async () => {
  const { ask, running } = slowReads(2);
  const answers = ['a', 'b', 'c', 'd'].map(ask);
  assert.deepEqual(
    running.map(({ key }) => key),
    ['a', 'b'],
  );
  for (const turn of ['a', 'b', 'c', 'd']) {
    const next = running.shift()!;
    assert.equal(next.key, turn);
    next.end();
    await settle();
  }
  assert.deepEqual(await Promise.all(answers), ['a0', 'b0', 'c0', 'd0']);
});

test('a read that fails, fails for those who share it and for nobody else', async () => {
  const { ask, running } = slowReads(1);
  const first = ask('a');
  await settle();
  const second = ask('a');
  const third = ask('b');
  const failing = Promise.all([first, second].map((answer) => assert.rejects(answer, /no connection/)));
  running.shift()!.fail(new Error('no connection'));
  await settle();
  running.shift()!.fail(new Error('no connection'));
  await settle();
  running.shift()!.end();
  await failing;
  assert.equal(await third, 'b0');
});

test('those whose turn does not come are told, and are not read for later', async () => {
  const { ask, running, state } = slowReads(1, 20);
  const first = ask('a');
  const late = ['a', 'b', 'b'].map(ask);
  for (const answer of late) await assert.rejects(answer, { code: 'unavailable' });
  running.shift()!.end();
  assert.equal(await first, 'a0');
  await settle();
  assert.equal(state.begun, 1);
  const later = ask('b');
  running.shift()!.end();
  assert.equal(await later, 'b0');
});

test('a read that throws at once is one that fails', async () => {
  const reads = new SharedReads(1);
  const throwing = () => {
    throw new Error('no connection');
  };
  await assert.rejects(reads.read('a', throwing), /no connection/);
  assert.equal(await reads.read('a', async () => 1), 1);
});

test('nobody is told of a time before they asked, whatever the order', async () => {
  const step = fc.constantFrom('ask a', 'ask b', 'change', 'end', 'settle');
  const story = fc.array(step, { maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(story, fc.integer({ min: 1, max: 3 }), async (steps, atOnce) => {
      const { ask, running, state } = slowReads(atOnce);
      const answers: Promise<void>[] = [];
      const check = async (key: string) => {
        const asked = state.value;
        const told = await ask(key);
        assert.ok(told.startsWith(key) && Number(told.slice(1)) >= asked, `${told} to ${key}${asked}`);
      };
      for (const what of steps) {
        if (what.startsWith('ask')) answers.push(check(what.slice(4)));
        else if (what === 'change') state.value += 1;
        else if (what === 'end') running.shift()?.end();
        else await settle();
        assert.ok(running.length <= atOnce);
      }
      await settle();
      while (running.length > 0) {
        running.shift()!.end();
        await settle();
      }
      await Promise.all(answers);
    }),
  );
});
