/** Webhooks on a real HTTP server: signed, repeated until taken, each image's events in order, told by one process. */
import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Writable } from 'node:stream';
import { after, before, beforeEach, test } from 'node:test';
import { type TestDatabase, testDatabase } from '../../../../test/support/database.ts';
import { until } from '../../../../test/support/process.ts';
import { createLog } from '../base/log.ts';
import { connect, type Database } from '../database/connect.ts';
import { openSession, type Session } from '../database/session.ts';
import type { NewEvent } from './event.ts';
import { recordEvents } from './event-records.ts';
import { type EventFeed, openFeed } from './feed.ts';
import { EventFigures, eventsWaiting } from './figures.ts';
import { Teller, type TellerLimits } from './teller.ts';
import { openWebhook, type WebhookOptions } from './webhook.ts';

interface Hook {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly event: { id: string; type: string; subject: string; data: { count: number } };
}

const secret = 'a secret of more than enough characters';
const limits: TellerLimits = { attempts: 4, delayMs: 5, mostDelayMs: 20, restMs: 50 };
const lines: string[] = [];
const log = createLog(
  'info',
  new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  }),
);
let own: TestDatabase;
let database: Database;
let session: Session;
let feed: EventFeed;
let folder: string;
let server: Server;
let port: number;
/** What was taken. */
let taken: Hook[] = [];
let requests = 0;
/** The status to answer with. */
let answer: (hook: Hook) => number = () => 204;

async function startReceiver(at: number): Promise<void> {
  server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    const hook = { headers: request.headers, body, event: JSON.parse(body) };
    requests += 1;
    const status = answer(hook);
    if (status < 300) taken.push(hook);
    response.writeHead(status, { Location: '/elsewhere' }).end('anything');
  });
  await new Promise<void>((resolve) => server.listen(at, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
}

async function stopReceiver(): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tintype-webhook-'));
  await writeFile(path.join(folder, 'secret'), `${secret}\n`);
  own = await testDatabase();
  database = await connect(own.config, { max: 8, applicationName: 'webhook', log });
  session = await openSession(own.config, { applicationName: 'webhook session', log });
  feed = await openFeed({ database, session, log });
  await startReceiver(0);
});

beforeEach(() => {
  taken = [];
  requests = 0;
  answer = () => 204;
});

after(async () => {
  await stopReceiver();
  await feed.close();
  await session.close();
  await database.close();
  await own.close();
  await rm(folder, { recursive: true });
});

function options(id: string, more: Partial<WebhookOptions> = {}): WebhookOptions {
  return {
    id,
    url: `http://user:hidden@127.0.0.1:${port}/hook?key=hidden`,
    secretFile: path.join(folder, 'secret'),
    types: [],
    allowPrivateAddresses: true,
    caFile: null,
    ...more,
  };
}

interface Telling {
  readonly figures: EventFigures;
  close(): Promise<void>;
}

/** Resolves once the receiver is on record: what happens from now on it is told of. */
async function tell(id: string, more: Partial<WebhookOptions> = {}, within = limits): Promise<Telling> {
  const figures = new EventFigures();
  const receiver = openWebhook(options(id, more), 'https://images.example');
  const teller = new Teller({ database, feed, figures, log }, receiver, within);
  await until('the receiver on record', async () => {
    const waiting = await eventsWaiting(database, [`webhook:${id}`]);
    return waiting.size === 1;
  });
  return { figures, close: () => teller.close() };
}

function update(imageId: string, count: number, type: NewEvent['type'] = 'image.update'): NewEvent {
  return { type, priority: 'info', project: 'a', imageId, payload: { count } };
}

async function happen(...events: NewEvent[]): Promise<void> {
  for (const event of events) await database.transaction((queries) => recordEvents(queries, [event]));
}

const countsOf = (imageId: string) =>
  taken.filter(({ event }) => event.subject === imageId).map(({ event }) => event.data.count);

test('an event is a signed CloudEvent; other types are not told', async () => {
  const telling = await tell('signed', { types: ['image.update'] });
  const image = randomUUID();
  await happen(update(image, 1, 'image.create'), update(image, 2));
  await until('the event', () => taken.length > 0);
  await telling.close();
  const [{ headers, body, event } = assert.fail()] = taken;
  assert.equal(taken.length, 1);
  assert.equal(headers['content-type'], 'application/cloudevents+json');
  assert.equal(headers.authorization, `Basic ${Buffer.from('user:hidden').toString('base64')}`);
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
  const expected = createHmac('sha256', secret).update(signed).digest('base64');
  assert.equal(headers['webhook-signature'], `v1,${expected}`);
  assert.ok(Math.abs(Number(headers['webhook-timestamp']) - Date.now() / 1000) < 300);
  const { id, time, position, ...rest } = event as unknown as Record<string, unknown>;
  assert.equal(headers['webhook-id'], id);
  assert.ok(Number.isInteger(position) && !Number.isNaN(Date.parse(String(time))));
  assert.deepEqual(rest, {
    specversion: '1.0',
    source: 'https://images.example',
    type: 'image.update',
    subject: image,
    datacontenttype: 'application/json',
    priority: 'info',
    projectid: 'a',
    data: { count: 2 },
  });
});

test('an event that is not taken is told again, those of its image after it, those of others meanwhile', async () => {
  const telling = await tell('refusing');
  const [stuck, free] = [randomUUID(), randomUUID()];
  let refusals = 0;
  answer = ({ event }) => {
    if (event.subject !== stuck || event.data.count !== 1 || refusals === 3) return 204;
    refusals += 1;
    return [500, 302, 429][refusals - 1]!;
  };
  await happen(update(stuck, 1), update(stuck, 2), update(free, 1), update(stuck, 3), update(free, 2));
  // An event is delivered when its answer has come back, which is after it was taken.
  await until('all events', () => telling.figures.outcomes.get('webhook:refusing')?.delivered === 5);
  await telling.close();
  assert.deepEqual(countsOf(stuck), [1, 2, 3]);
  assert.deepEqual(countsOf(free), [1, 2]);
  assert.equal(refusals, 3);
  assert.deepEqual(telling.figures.outcomes.get('webhook:refusing'), { delivered: 5, failed: 3, dead: 0 });
});

test('an event that is never taken is given up, with a line in the log, and the next of its image is told', async () => {
  const telling = await tell('dead');
  const image = randomUUID();
  answer = ({ event }) => (event.data.count === 1 ? 500 : 204);
  await happen(update(image, 1), update(image, 2));
  await until('the second event', () => countsOf(image).includes(2));
  await until(
    'nothing waiting',
    async () => (await eventsWaiting(database, ['webhook:dead'])).get('webhook:dead') === 0,
  );
  await telling.close();
  assert.deepEqual(countsOf(image), [2]);
  assert.deepEqual(telling.figures.outcomes.get('webhook:dead'), { delivered: 1, failed: 4, dead: 1 });
  assert.ok(lines.some((line) => line.includes('given up') && line.includes('webhook:dead')));
});

test('between attempts more and more time passes, up to a limit', async () => {
  const telling = await tell('patient', {}, { attempts: 5, delayMs: 100, mostDelayMs: 300, restMs: 10 });
  const times: number[] = [];
  answer = () => {
    times.push(performance.now());
    return times.length < 5 ? 503 : 204;
  };
  await happen(update(randomUUID(), 1));
  await until('the event', () => telling.figures.outcomes.get('webhook:patient')?.delivered === 1);
  await telling.close();
  const pauses = times.slice(1).map((time, index) => time - times[index]!);
  for (const [index, least] of [75, 150, 225, 225].entries())
    assert.ok(pauses[index]! >= least - 5, `${pauses.map(Math.round)}`);
});

test('while nobody is there nothing is lost and nothing given up', async () => {
  const telling = await tell('away');
  const image = randomUUID();
  await stopReceiver();
  await happen(...Array.from({ length: 3 }, (_, index) => update(image, index)));
  const tries = () =>
    lines.filter((line) => line.includes('cannot be told now') && line.includes('webhook:away'));
  await until('more tries than an event has', () => tries().length > limits.attempts);
  await startReceiver(port);
  await until('all events', () => countsOf(image).includes(2));
  await telling.close();
  assert.deepEqual([...new Set(countsOf(image))], [0, 1, 2]);
  assert.equal(telling.figures.outcomes.get('webhook:away')?.dead, 0);
});

test('of several processes one tells, and another goes on where it stopped', async () => {
  const tellings = [await tell('shared'), await tell('shared'), await tell('shared')];
  const image = randomUUID();
  const total = 60;
  for (let count = 0; count < total; count += 1) {
    await happen(update(image, count));
    if (count % 20 === 10) await tellings.pop()!.close();
  }
  // The last of them is gone now: what happens meanwhile waits for the next.
  assert.equal(tellings.length, 0);
  await happen(update(image, total));
  const next = await tell('shared');
  await until('all events', () => countsOf(image).includes(total));
  await next.close();
  const counts = countsOf(image);
  assert.deepEqual(
    [...new Set(counts)],
    Array.from({ length: total + 1 }, (_, index) => index),
  );
  // Told twice is only what was on its way when its teller was stopped.
  assert.ok(counts.length - (total + 1) <= 3, `${counts.length} for ${total + 1}`);
});

test('a private address, a short secret and a missing one are refused at the start', async () => {
  assert.throws(() => openWebhook(options('x', { allowPrivateAddresses: false }), 's'), {
    code: 'address_blocked',
  });
  assert.throws(() => openWebhook(options('x', { secretFile: path.join(folder, 'none') }), 's'), /webhook x/);
  const short = path.join(folder, 'short');
  await writeFile(short, 'too short');
  assert.throws(() => openWebhook(options('x', { secretFile: short }), 's'), /24 characters/);
  assert.throws(() => openWebhook(options('x', { url: 'ftp://host/x' }), 's'), {
    code: 'source_not_allowed',
  });
});

test('no line of the log has the secret, the credentials or the query of a webhook', () => {
  assert.ok(lines.length > 0 && requests >= 0);
  for (const hidden of [secret, 'hidden', Buffer.from('user:hidden').toString('base64')])
    assert.ok(!lines.some((line) => line.includes(hidden)), hidden);
});
