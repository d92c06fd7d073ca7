/** One server a data directory, and its end: in good order, in a hurry, and before it had begun. */
import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { after, afterEach, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import {
  freePort,
  makeHome,
  type ServerHome,
  type ServerProcess,
  signalTo,
  until,
} from '../support/process.ts';
import { chanceOfThisRun, knownBytes } from './bytes.ts';
import { call, compareData, createImage, statusOf, tasksOf, Upload, upload } from './calls.ts';

const mebibyte = 1024 * 1024;
const skip = process.platform !== 'linux' && 'needs /proc';
/** An upload of which half has been sent; `resume` sends the rest. */
async function startUpload(server: ServerProcess): Promise<{ id: string; body: Buffer; sending: Upload }> {
  const id = await createImage(server.url);
  const body = knownBytes(id, 4 * mebibyte);
  const sending = new Upload(server.url, id, body, { holdAt: 2 * mebibyte });
  assert.ok(await sending.begun);
  await sending.written;
  return { id, body, sending };
}

/** Stored files of the image, and unfinished ones of any. */
async function filesOf(home: ServerHome, id: string): Promise<string[]> {
  return (await home.storedFiles()).filter((name) => name.startsWith(id) || name.startsWith('.'));
}

async function assertGone(server: ServerProcess, home: ServerHome, withinMs = 20_000): Promise<void> {
  const signalled = performance.now();
  const exit = await server.exited;
  assert.deepEqual(exit, { code: 0, signal: null }, server.output);
  assert.ok(performance.now() - signalled < withinMs, `it took ${performance.now() - signalled} ms`);
  assert.deepEqual(home.postgresProcesses(), []);
}

describe('one server a data directory', { skip }, () => {
  let home: ServerHome;
  before(async () => {
    home = await makeHome();
  });
  afterEach(async () => await home.endAll());
  after(async () => await home.remove());

  test('the second is refused quickly, with the first one named', async () => {
    const listen = `127.0.0.1:${await freePort()}`;
    const first = await home.start({ listen });
    const started = performance.now();
    const second = home.spawn();
    assert.equal((await second.exited).code, 6, 'the server is not available');
    const tookMs = performance.now() - started;
    assert.match(second.output, new RegExp(`in use by the server with the process id ${first.pid}\\b`));
    assert.match(second.output, new RegExp(`listening on ${listen.replaceAll('.', '\\.')} since `));
    assert.ok(tookMs < 10_000, `it took ${tookMs} ms`);
    assert.equal((await call(first.url, 'GET', '/readyz')).status, 200);
    console.log(`second server refused after ${tookMs.toFixed(0)} ms`);
  });

  test('of several started at once exactly one serves', async () => {
    const servers = [1, 2, 3].map(() => home.spawn());
    const serves = (server: ServerProcess) => /Image API at/.test(server.output);
    await until('one serves and two end', () => {
      const ended = servers.filter((server) => server.hasExited).length;
      return servers.filter(serves).length === 1 && ended === 2;
    });
    for (const server of servers) if (!serves(server)) assert.match(server.output, /is in use by the server/);
  });
});

describe('the end of a server', { skip }, () => {
  let home: ServerHome;
  before(async () => {
    home = await makeHome();
  });
  afterEach(async () => await home.endAll());
  after(async () => await home.remove());

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`${signal} lets an upload finish, takes no more, and stops PostgreSQL`, async () => {
      const server = await home.start();
      const { id, body, sending } = await startUpload(server);
      server.signal(signal);
      await until('connections are refused', () =>
        call(server.url, 'GET', '/healthcheck').then(
          () => false,
          (error: NodeJS.ErrnoException) => error.code === 'ECONNREFUSED',
        ),
      );
      assert.equal(server.hasExited, false);
      await sending.resume();
      assert.equal((await sending.answer)?.status, 204);
      await assertGone(server, home, 5000);

      const next = await home.start();
      assert.equal(await compareData(next.url, id, body), body.length);
      next.signal(signal);
      await assertGone(next, home);
    });
  }

  test('connections kept open by clients do not delay it', async () => {
    const server = await home.start();
    const agent = new Agent({ keepAlive: true });
    const ask = (method: string, path: string, body?: Buffer) =>
      new Promise<number>((resolve, reject) => {
        const made = request(server.url + path, { method, agent, headers: as }, (response) => {
          response.resume().once('end', () => resolve(response.statusCode!));
        });
        made.once('error', reject).end(body);
      });
    const as = {
      'X-Identity-Status': 'Confirmed',
      'X-Project-Id': 'faults',
      'X-Roles': 'member',
      'Content-Type': 'application/octet-stream',
    };
    assert.equal(await ask('GET', '/v2/images'), 200);
    const { sending } = await startUpload(server);
    const id = await createImage(server.url);
    server.signal('SIGTERM');
    await until('it is stopping', () => server.logged('stopping').length > 0);
    const late = await ask('PUT', `/v2/images/${id}/file`, knownBytes('late', 1000)).catch(
      (error: NodeJS.ErrnoException) => error.code,
    );
    assert.ok(late === 503 || late === 'ECONNREFUSED' || late === 'ECONNRESET', `answered ${late}`);
    await sending.resume();
    assert.equal((await sending.answer)?.status, 204);
    await assertGone(server, home, 5000);
    agent.destroy();
  });

  test('an upload whose answer goes over a connection kept open does not delay it', async () => {
    const server = await home.start();
    const id = await createImage(server.url);
    const body = knownBytes(id, 4 * mebibyte);
    const sending = new Upload(server.url, id, body, { holdAt: 2 * mebibyte, keepAlive: true });
    await sending.written;
    server.signal('SIGTERM');
    await until('it is stopping', () => server.logged('stopping').length > 0);
    await sending.resume();
    assert.equal((await sending.answer)?.status, 204);
    await assertGone(server, home, 5000);
    sending.abandon();
  });

  test('an upload that takes longer than the grace is ended and told', async () => {
    await home.configure({ shutdownGrace: 1 });
    const server = await home.start();
    const { id, sending } = await startUpload(server);
    server.signal('SIGTERM');
    const answer = await sending.answer;
    if (answer !== null) {
      assert.equal(answer.status, 503);
      assert.equal(answer.json.error.reason, 'interrupted');
    }
    await assertGone(server, home, 10_000);

    const next = await home.start();
    assert.equal(await statusOf(next.url, id), 'queued');
    const [task] = await tasksOf(next.url, id);
    assert.equal(task?.status, 'failure');
    assert.equal(task.result?.error.code, 'interrupted');
    assert.deepEqual(await filesOf(home, id), []);
    const body = knownBytes('again', mebibyte);
    assert.equal((await upload(next.url, id, body))?.status, 204);
  });

  test('a second signal ends it at once, and the next start mends what that left', async () => {
    const server = await home.start();
    const { id } = await startUpload(server);
    server.signal('SIGTERM');
    await until('it is stopping', () => server.logged('stopping').length > 0);
    const again = performance.now();
    server.signal('SIGINT');
    assert.deepEqual(await server.exited, { code: 130, signal: null });
    assert.ok(performance.now() - again < 2000);

    const next = await home.start();
    assert.equal(await statusOf(next.url, id), 'queued');
    assert.equal((await tasksOf(next.url, id))[0]?.result?.error.code, 'interrupted');
    assert.deepEqual(await filesOf(home, id), []);
    next.signal('SIGTERM');
    await assertGone(next, home);
  });

  test('it ends in good order while PostgreSQL is being restarted', async () => {
    const server = await home.start();
    signalTo((await home.postmaster())!, 'SIGKILL');
    await until('the loss is noticed', () => /PostgreSQL ended: restarting it/.test(server.output));
    server.signal('SIGTERM');
    await assertGone(server, home);
    const next = await home.start();
    assert.equal((await call(next.url, 'GET', '/v2/images')).status, 200);
  });
});

describe('a start that is ended', { skip }, () => {
  const homes: ServerHome[] = [];
  afterEach(async () => {
    for (const home of homes.splice(0)) await home.remove();
  });
  async function newHome(): Promise<ServerHome> {
    const home = await makeHome();
    homes.push(home);
    return home;
  }

  /** Waits for a random step of the start, then for a random moment more. */
  async function randomMoment(server: ServerProcess, chance: ReturnType<typeof chanceOfThisRun>) {
    const step = chance.oneOf([/./, /creating the database/, /PostgreSQL runs|took it over/, /swept/]);
    await until('a step of the start', () => server.hasExited || step.test(server.output)).catch(() => {});
    await delay(chance.between(0, 400));
  }

  test('by SIGTERM: PostgreSQL goes with it, and the next start serves', async () => {
    const chance = chanceOfThisRun();
    for (const fresh of [true, false, true, false]) {
      const home = fresh || homes.length === 0 ? await newHome() : homes.at(-1)!;
      const server = home.spawn();
      await randomMoment(server, chance);
      server.signal('SIGTERM');
      const exit = await server.exited;
      assert.ok(exit.code === 0 || exit.signal === 'SIGTERM', `${JSON.stringify(exit)} ${server.output}`);
      assert.deepEqual(home.postgresProcesses(), []);
      if (!fresh) continue;
      const next = await home.start();
      next.signal('SIGTERM');
      await assertGone(next, home);
    }
  });

  test('by kill -9, even the very first: the next start serves', async () => {
    const chance = chanceOfThisRun();
    for (let round = 0; round < 4; round += 1) {
      const home = await newHome();
      const server = home.spawn();
      await randomMoment(server, chance);
      await server.kill();
      const next = await home.start();
      const id = await createImage(next.url);
      assert.equal((await upload(next.url, id, knownBytes('first', 100_000)))?.status, 204);
      await home.remove();
    }
  });
});
