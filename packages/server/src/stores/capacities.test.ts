/** How much room stores have is asked seldom, and no store that hangs or fails keeps anybody waiting. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../base/failure.ts';
import { Capacities } from './capacities.ts';
import { type Store, type StoreCapacity, unknownCapacity } from './store.ts';

const some: StoreCapacity = { usedBytes: 1, totalBytes: 10, freeBytes: 9 };
const other: StoreCapacity = { usedBytes: 2, totalBytes: null, freeBytes: null };

/** A clock, a store that answers what is next in `answers`, and how often it was asked. */
function scene() {
  const at = { now: 0, asked: 0 };
  const answers: Promise<StoreCapacity>[] = [];
  const store = {
    capacity: () => {
      at.asked += 1;
      return answers.shift() ?? assert.fail('asked once more');
    },
  } as unknown as Store;
  const rules = { freshMs: 100, keptMs: 1000, patienceMs: 1, now: () => at.now };
  return { at, answers, store, capacities: new Capacities(rules) };
}

test('many who ask are one question, until its answer is old', async () => {
  const { at, answers, store, capacities } = scene();
  answers.push(Promise.resolve(some), Promise.resolve(other));
  assert.deepEqual(await Promise.all([1, 2, 3].map(() => capacities.of(store))), [some, some, some]);
  at.now = 99;
  assert.equal(await capacities.of(store), some);
  assert.equal(at.asked, 1);
  at.now = 100;
  assert.equal(await capacities.of(store), other);
});

test('a store that fails is unknown, though it has answered before, and is left alone for a while', async () => {
  const { at, answers, store, capacities } = scene();
  answers.push(
    Promise.resolve(some),
    Promise.reject(new Failure('store_unavailable', 'It is away.')),
    Promise.resolve(other),
  );
  assert.equal(await capacities.of(store), some);
  at.now = 100;
  assert.equal(await capacities.of(store), unknownCapacity);
  at.now = 199;
  assert.equal(await capacities.of(store), unknownCapacity);
  assert.equal(at.asked, 2);
  at.now = 200;
  assert.equal(await capacities.of(store), other);
});

test('a store that hangs is asked once, and its last answer told, until that is old', async () => {
  const { at, answers, store, capacities } = scene();
  const late = Promise.withResolvers<StoreCapacity>();
  answers.push(Promise.resolve(some), late.promise);
  assert.equal(await capacities.of(store), some);
  at.now = 500;
  assert.equal(await capacities.of(store), some);
  at.now = 1000;
  assert.equal(await capacities.of(store), unknownCapacity);
  assert.equal(at.asked, 2);
  late.resolve(other);
  await late.promise;
  assert.equal(await capacities.of(store), other);
});

test('where nothing can be put there is no room, and it is not unknown', async () => {
  assert.equal(await new Capacities().of({} as Store), null);
});
