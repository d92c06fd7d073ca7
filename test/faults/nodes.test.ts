/** Two servers on one PostgreSQL and one store: what one is told, the other heeds. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { NearestImages } from '@tintype/client';
import { createToken, revokeToken } from '@tintype/server';
import { type ServerProcess, until } from '../support/process.ts';
import { as } from '../support/server.ts';
import { knownBytes } from './bytes.ts';
import { call, compareData, createImage, statusOf, tasksOf, Upload, upload } from './calls.ts';
import { type Cluster, makeCluster, upkeepMs } from './cluster.ts';

const mebibyte = 1024 * 1024;

describe('two servers on one database', { skip: process.platform !== 'linux' && 'needs /proc' }, () => {
  let cluster: Cluster;
  let a: ServerProcess;
  let b: ServerProcess;

  before(async () => {
    cluster = await makeCluster();
    // Both find an empty database and migrate it.
    [a, b] = await Promise.all([cluster.server(), cluster.server()]);
  });
  after(async () => await cluster.close());

  async function halfAnUpload(server: ServerProcess): Promise<{ id: string; body: Buffer; sending: Upload }> {
    const id = await createImage(b.url);
    const body = knownBytes(id, 6 * mebibyte);
    const sending = new Upload(server.url, id, body, { holdAt: 3 * mebibyte });
    if (!(await sending.begun)) assert.fail(`the upload was refused: ${(await sending.answer)?.text}`);
    await sending.written;
    return { id, body, sending };
  }

  test('what goes in at one comes out at the other', async () => {
    const id = await createImage(a.url);
    const body = knownBytes(id, 3 * mebibyte);
    assert.equal((await upload(b.url, id, body))?.status, 204);
    assert.equal(await compareData(a.url, id, body), body.length);
    assert.equal((await call(b.url, 'DELETE', `/v2/images/${id}`)).status, 204);
    assert.equal((await call(a.url, 'GET', `/v2/images/${id}/file`)).status, 404);
  });

  test('a deletion at one ends an upload at the other with 410, and no byte stays', async () => {
    const { id, sending } = await halfAnUpload(a);
    const asked = performance.now();
    assert.equal((await call(b.url, 'DELETE', `/v2/images/${id}`)).status, 204);
    const answer = await sending.answer;
    assert.equal(answer?.status, 410);
    assert.equal(answer.json.error.reason, 'image_deleted');
    assert.ok(performance.now() - asked < 5000);
    assert.deepEqual(await cluster.files(), []);
    assert.equal((await call(a.url, 'POST', '/v2/images', { id })).status, 409);
  });

  test('of two uploads to one image the second is refused at once, the first goes on', async () => {
    const { id, body, sending } = await halfAnUpload(a);
    const second = await upload(b.url, id, body);
    assert.equal(second?.status, 409);
    assert.equal(second.json.error.reason, 'status_conflict');
    await sending.resume();
    assert.equal((await sending.answer)?.status, 204);
    assert.equal(await compareData(b.url, id, body), body.length);
    await call(b.url, 'DELETE', `/v2/images/${id}`);
  });

  test('of twenty uploads that begin together exactly one succeeds', async () => {
    const id = await createImage(a.url);
    const bodies = Array.from({ length: 20 }, (_, index) => knownBytes(`${id} ${index}`, mebibyte));
    const sendings = bodies.map((body, index) => upload((index % 2 === 0 ? a : b).url, id, body));
    const statuses = (await Promise.all(sendings)).map((answer) => answer?.status);
    const winner = statuses.indexOf(204);
    assert.deepEqual(statuses.toSorted(), [204, ...Array.from({ length: 19 }, () => 409)]);
    assert.equal(await compareData(a.url, id, bodies[winner]!), mebibyte);
    assert.equal((await cluster.files()).length, 1);
    await call(b.url, 'DELETE', `/v2/images/${id}`);
  });

  test('a token revoked on the command line is refused by both within a second', async () => {
    const homes = await Promise.all([1, 2].map(() => cluster.home({ identity: { mode: 'tokens' } })));
    const servers = await Promise.all(homes.map((home) => home.start()));
    const options = { config: homes[0]!.config };
    const { id, token } = await createToken(options, {
      project: 'p',
      user: 'u',
      roles: ['member'],
      expiresAt: null,
    });
    const statuses = () =>
      Promise.all(
        servers.map(async ({ url }) => {
          return (await call(url, 'GET', '/v2/images', undefined, { 'X-Auth-Token': token })).status;
        }),
      );
    assert.deepEqual(await statuses(), [200, 200]);
    await revokeToken(options, id);
    await until('refused by both', async () => (await statuses()).every((status) => status === 401), 1000);
    for (const server of servers) {
      server.signal('SIGTERM');
      assert.equal((await server.exited).code, 0);
    }
  });

  test('after kill -9 of one in the middle of a download the SDK reads on from the other', async () => {
    const doomed = await cluster.server();
    const id = await createImage(b.url);
    const body = knownBytes(id, 64 * mebibyte);
    assert.equal((await upload(b.url, id, body))?.status, 204);
    const asked: string[] = [];
    const counting = async (input: string | URL | Request, init: RequestInit = {}) => {
      asked.push(String(input));
      return await fetch(input, { ...init, headers: { ...init.headers, ...as('boss', 'admin') } });
    };
    const endpoints = [doomed, b].map(({ url }) => ({ endpoint: url, fetch: counting }));
    const images = new NearestImages(endpoints);
    const reader = (await images.downloadData(id, { verify: createHash })).getReader();
    const chunks: Uint8Array[] = [];
    for (let step = await reader.read(); !step.done; step = await reader.read()) {
      if (chunks.length === 0) await doomed.kill();
      chunks.push(step.value);
    }
    assert.ok(Buffer.concat(chunks).equals(body));
    const file = `/v2/images/${id}/file`;
    assert.deepEqual(asked.slice(1), [`${doomed.url}${file}`, `${b.url}${file}`]);
    await call(b.url, 'DELETE', `/v2/images/${id}`);
  });

  test('after kill -9 of one the other mends what it left', async () => {
    const doomed = await cluster.server();
    const { id, body, sending } = await halfAnUpload(doomed);
    await doomed.kill();
    await sending.answer;
    await until('queued again', async () => (await statusOf(b.url, id)) === 'queued', upkeepMs);
    const [task] = await tasksOf(b.url, id);
    assert.equal(task?.status, 'failure');
    assert.equal(task.result?.error.code, 'interrupted');
    await until('no bytes', async () => (await cluster.files()).length === 0, 5000);
    assert.equal((await upload(a.url, id, body))?.status, 204);
    assert.equal(await compareData(b.url, id, body), body.length);
  });
});
