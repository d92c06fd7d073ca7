/** Two nodes with caches of their own: what one is told the other heeds, and a kill leaves nothing half. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type ServerHome, type ServerProcess, until } from '../support/process.ts';
import { as } from '../support/server.ts';
import { knownBytes } from './bytes.ts';
import { call, compareData, createImage, upload } from './calls.ts';
import { type Cluster, makeCluster, upkeepMs } from './cluster.ts';

const mebibyte = 1024 * 1024;
const operator = as('operators', 'admin', 'member', 'reader');

describe('two nodes with caches', { skip: process.platform !== 'linux' && 'needs /proc' }, () => {
  let cluster: Cluster;
  const homes: ServerHome[] = [];
  let a: ServerProcess;
  let b: ServerProcess;

  before(async () => {
    cluster = await makeCluster();
    for (const name of ['a', 'b'])
      homes.push(await cluster.home({ cache: { enabled: true, nodeUrl: `http://${name}` } }));
    [a, b] = await Promise.all([homes[0]!.start(), homes[1]!.start()]);
  });
  after(async () => await cluster.close());

  const inFolder = (home: ServerHome, name: string) => readdir(path.join(home.dataDir, 'cache', name));
  const manage = (url: string, method: string, at: string) => call(url, method, at, undefined, operator);
  const nodesOf = async (id: string) =>
    (await manage(a.url, 'GET', `/v2/cache/nodes/${id}`)).json as string[];

  async function image(size: number): Promise<{ id: string; body: Buffer }> {
    const id = await createImage(a.url);
    const body = knownBytes(id, size);
    assert.equal((await upload(a.url, id, body))?.status, 204);
    return { id, body };
  }

  async function untilNodesAre(id: string, expected: readonly string[]): Promise<void> {
    const same = async () => JSON.stringify(await nodesOf(id)) === JSON.stringify(expected);
    await until(`the image is on ${expected.join(' and ') || 'no node'}`, same, upkeepMs);
  }

  test('each tells which has an image, and a deletion reaches both', async () => {
    const { id, body } = await image(mebibyte);
    assert.deepEqual(await nodesOf(id), []);
    assert.equal(await compareData(a.url, id, body), body.length);
    await untilNodesAre(id, ['http://a']);
    assert.equal(await compareData(b.url, id, body), body.length);
    await untilNodesAre(id, ['http://a', 'http://b']);
    assert.equal((await call(b.url, 'DELETE', `/v2/images/${id}`)).status, 204);
    for (const home of homes)
      await until('the copy is gone', async () => (await inFolder(home, 'entries')).length === 0);
  });

  test('one that was killed in the middle of a copy starts without it, and is not named meanwhile', async () => {
    const kept = await image(mebibyte);
    await compareData(b.url, kept.id, kept.body);
    await untilNodesAre(kept.id, ['http://b']);
    const { id, body } = await image(48 * mebibyte);
    const cut = fetch(`${b.url}/v2/images/${id}/file`, { headers: operator })
      .then((answer) => answer.arrayBuffer())
      .catch(() => null);
    await until('the copy is begun', async () => (await inFolder(homes[1]!, 'drafts')).length > 0);
    await b.kill();
    await cut;
    await untilNodesAre(kept.id, []);
    const queued = await image(mebibyte);
    b = await homes[1]!.start();
    assert.deepEqual(await inFolder(homes[1]!, 'drafts'), []);
    await untilNodesAre(kept.id, ['http://b']);
    assert.equal(await compareData(b.url, kept.id, kept.body), kept.body.length);
    assert.equal(await compareData(b.url, id, body), body.length);
    assert.equal((await manage(b.url, 'PUT', `/v2/cache/${queued.id}`)).status, 202);
    await b.kill();
    b = await homes[1]!.start();
    await untilNodesAre(queued.id, ['http://b']);
  });

  test('a deletion that one did not hear of is heeded at its start', async () => {
    const { id, body } = await image(mebibyte);
    await compareData(b.url, id, body);
    await until('the copy is whole', async () =>
      (await inFolder(homes[1]!, 'entries')).some((name) => name.startsWith(id)),
    );
    await b.kill();
    assert.equal((await call(a.url, 'DELETE', `/v2/images/${id}`)).status, 204);
    b = await homes[1]!.start();
    await until('the copy is gone', async () =>
      (await inFolder(homes[1]!, 'entries')).every((name) => !name.startsWith(id)),
    );
  });
});
