/** The suite that every flow passes: cut, fail, repeat and cancel it anywhere, and the goal holds or nothing is left over. */
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { Failure } from '../base/failure.ts';
import type { FlowDetail } from './operate.ts';
import type { Moment } from './seams.ts';

export type Place = Pick<Moment, 'record' | 'when'>;

/** A flow that was started with real input. */
export interface StartedFlow {
  readonly id: string;
  /** Fails unless what the flow is for has come true. */
  goal(): Promise<void>;
  /** Fails unless everything is as if the flow had never been. */
  nothing(): Promise<void>;
}

/** What the suite is run with: a server with a worker in this process, and workers that are processes of their own. */
export interface FlowLab {
  /** Has `reach` called at every moment of the worker in this process, until it is null. */
  intercept(reach: ((moment: Moment) => void) | null): void;
  /** Whether the worker in this process takes up flows. */
  work(on: boolean): void;
  /** A process that takes up the next flow, fails at one moment if asked to, and dies at another; resolves when it is ready. */
  dyingWorker(at: Place, failAt: Place | null): Promise<{ readonly died: Promise<void> }>;
  /** Resolves when it has ended. */
  ended(id: string): Promise<FlowDetail>;
  cancel(id: string): Promise<void>;
  /** Resolves when nothing starts any more: what does may need the database. */
  settled(): Promise<void>;
  /** Ends every connection that servers and workers have to the database, as its death does. */
  loseDatabase(): Promise<void>;
  /** Fails unless nothing at all is where only work under way has something. */
  tidy(): Promise<void>;
}

export interface FlowCase {
  /** Name of the flow. */
  readonly flow: string;
  start(): Promise<StartedFlow>;
  /** Whatever part of it is done is good by itself, so it has no way back. */
  readonly oneWay?: true;
}

const forGood = new Failure('size_cap', 'A test ends it here.');

const titles = {
  before: 'before',
  fence: 'in its transaction',
  progress: 'in the middle',
  after: 'after',
} as const;
const titleOf = ({ record, when }: Place) => `${record}, ${titles[when]}`;

export function flowContract(lab: FlowLab, one: FlowCase): void {
  const skip = one.oneWay === true && 'the flow has no way back';
  describe(`flow ${one.flow}`, () => {
    let forward: Place[] = [];
    let back: Place[] = [];
    test('reaches its goal', async () => {
      forward = await placesOf(lab, one, () => {});
    });
    test('leaves nothing when its last step fails', async () => {
      const all = await placesOf(lab, one, failAt(lastOf(forward)));
      back = all.filter(({ record }) => !forward.some((place) => place.record === record));
      assert.equal(back.length === 0, one.oneWay === true);
    });
    test('fails anywhere', (t) => each(t, between(forward), (place) => failing(lab, one, forward, place)));
    test('repeats any step', (t) => each(t, between(forward), (place) => repeating(lab, one, place)));
    test('repeats any way back', { skip }, (t) =>
      each(t, between(back), (place) => repeatingBack(lab, one, forward, place)),
    );
    test('is cancelled anywhere', (t) => each(t, between(forward), (place) => cancelling(lab, one, place)));
    test('outlives a kill -9 anywhere', (t) => each(t, inside(forward), (place) => killed(lab, one, place)));
    test('goes back in spite of a kill -9 anywhere', { skip }, (t) =>
      each(t, inside(back), (place) => killedBack(lab, one, forward, place)),
    );
    test('leaves nothing anywhere', () => lab.tidy());
  });
}

/** Beside that suite: it depends on the flow less than on the engine. */
export function flowOutages(lab: FlowLab, one: FlowCase): void {
  describe(`flow ${one.flow}`, () => {
    test('outlives the loss of its database anywhere', async (t) => {
      const forward = await placesOf(lab, one, () => {});
      await each(t, forward, (place) => cutOff(lab, one, place));
    });
    test('leaves nothing anywhere', () => lab.tidy());
  });
}

async function each(
  t: TestContext,
  places: readonly Place[],
  check: (place: Place) => Promise<void>,
): Promise<void> {
  assert.ok(places.length > 0, 'there are moments to try');
  for (const place of places) await t.test(titleOf(place), () => check(place));
}

/** What is thrown in a transaction comes to the same as before it: there a process has to die. */
function between(places: readonly Place[]): Place[] {
  return places.filter(({ when }) => when !== 'fence');
}

/** Whoever dies in a transaction leaves what is there before the step, and that is not tried twice. */
function inside(places: readonly Place[]): Place[] {
  const fenced = places.filter(({ when }) => when === 'fence').map(({ record }) => record);
  return places.filter(({ record, when }) => when !== 'before' || !fenced.includes(record));
}

function isAt(moment: Moment, { record, when }: Place): boolean {
  return moment.record === record && moment.when === when;
}

function failAt(place: Place): (moment: Moment) => void {
  return (moment) => {
    if (isAt(moment, place)) throw forGood;
  };
}

/** Fails once, in a way that is worth another attempt. */
function failOnceAt(place: Place): (moment: Moment) => void {
  let isDone = false;
  return (moment) => {
    if (isDone || !isAt(moment, place)) return;
    isDone = true;
    throw new Failure('interrupted', 'A test has it done again.');
  };
}

/** Every moment there is in a run of this case; checks that it ended as it should. */
async function placesOf(lab: FlowLab, one: FlowCase, reach: (moment: Moment) => void): Promise<Place[]> {
  const places: Place[] = [];
  const seen: Moment[] = [];
  lab.intercept((moment) => {
    seen.push(moment);
    reach(moment);
  });
  const started = await one.start();
  const flow = await lab.ended(started.id);
  lab.intercept(null);
  if (flow.state === 'success') await started.goal();
  else await started.nothing();
  for (const { flow: id, record, when } of seen)
    if (id === started.id && !places.some((place) => place.record === record && place.when === when))
      places.push({ record, when });
  // What says how far it is has a middle; of the rest, what it writes is.
  const moves = places.filter(({ when }) => when === 'progress').map(({ record }) => record);
  return places.filter(({ record, when }) => when !== 'fence' || !moves.includes(record));
}

async function run(lab: FlowLab, one: FlowCase, reach: (moment: Moment) => void) {
  lab.intercept(reach);
  const started = await one.start();
  const flow = await lab.ended(started.id);
  lab.intercept(null);
  return { started, flow };
}

async function failing(lab: FlowLab, one: FlowCase, forward: readonly Place[], place: Place): Promise<void> {
  const { started, flow } = await run(lab, one, failAt(place));
  assert.equal(flow.state, 'failed');
  assert.deepEqual(flow.failure, { code: 'size_cap', message: forGood.message, step: place.record });
  // What the last step has committed is not taken back.
  const isTooLate = place.record === lastOf(forward).record && place.when === 'after';
  await (isTooLate ? started.goal() : started.nothing());
}

async function repeating(lab: FlowLab, one: FlowCase, place: Place): Promise<void> {
  const { started, flow } = await run(lab, one, failOnceAt(place));
  assert.equal(flow.state, 'success');
  assert.equal(flow.attempts.filter(({ step }) => step === place.record).length, 2);
  await started.goal();
}

function lastOf(forward: readonly Place[]): Place {
  return { record: forward.at(-1)!.record, when: 'before' };
}

async function repeatingBack(
  lab: FlowLab,
  one: FlowCase,
  forward: readonly Place[],
  place: Place,
): Promise<void> {
  const first = failAt(lastOf(forward));
  const again = failOnceAt(place);
  const { started, flow } = await run(lab, one, (moment) => {
    first(moment);
    again(moment);
  });
  assert.equal(flow.state, 'failed');
  assert.equal(flow.failure?.code, 'size_cap');
  assert.equal(flow.attempts.filter(({ step }) => step === place.record).length, 2);
  await started.nothing();
}

/** Asked for at the moment itself: it ends there, or at the next one that notices. */
async function cancelling(lab: FlowLab, one: FlowCase, place: Place): Promise<void> {
  let asked: Promise<void> | undefined;
  const { started, flow } = await run(lab, one, (moment) => {
    if (asked !== undefined || !isAt(moment, place)) return;
    asked = lab.cancel(moment.flow).catch(() => {});
  });
  await asked;
  assert.ok(flow.state === 'cancelled' || flow.state === 'success', flow.state);
  if (flow.state === 'success') await started.goal();
  else await started.nothing();
}

async function cutOff(lab: FlowLab, one: FlowCase, place: Place): Promise<void> {
  let lost: Promise<void> | undefined;
  await lab.settled();
  // Not before it has been asked for altogether: whoever asks is not what is tried here.
  lab.work(false);
  lab.intercept((moment) => {
    if (lost === undefined && isAt(moment, place)) lost = lab.loseDatabase();
  });
  const started = await one.start();
  lab.work(true);
  const flow = await lab.ended(started.id);
  lab.intercept(null);
  await lost;
  assert.notEqual(lost, undefined);
  assert.deepEqual([flow.state, flow.failure], ['success', null]);
  await started.goal();
}

/** The flow is in the hands of a process that dies at this moment; then this one takes it up. */
async function survive(lab: FlowLab, one: FlowCase, place: Place, failAtFirst: Place | null) {
  lab.work(false);
  const worker = await lab.dyingWorker(place, failAtFirst);
  const started = await one.start();
  await worker.died;
  lab.work(true);
  return { started, flow: await lab.ended(started.id) };
}

async function killed(lab: FlowLab, one: FlowCase, place: Place): Promise<void> {
  const { started, flow } = await survive(lab, one, place, null);
  assert.equal(flow.state, 'success');
  assert.deepEqual(
    flow.attempts.filter(({ state }) => state === 'lost').map(({ step }) => step),
    [place.record],
  );
  await started.goal();
}

async function killedBack(
  lab: FlowLab,
  one: FlowCase,
  forward: readonly Place[],
  place: Place,
): Promise<void> {
  const { started, flow } = await survive(lab, one, place, lastOf(forward));
  assert.equal(flow.state, 'failed');
  assert.equal(flow.failure?.code, 'size_cap');
  await started.nothing();
}
