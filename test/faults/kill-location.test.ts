/** kill -9 of the server while it reads a location: the next one reads it, and nothing hangs. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { makeHome, type ServerHome, until } from '../support/process.ts';
import { startWebSource, type WebSource } from '../support/web-source.ts';
import { knownBytes } from './bytes.ts';
import { call, createImage } from './calls.ts';

const data = knownBytes('location', 100_000);
const sha512 = createHash('sha512').update(data).digest('hex');

describe('kill -9 while a location is read', { skip: process.platform !== 'linux' && 'needs /proc' }, () => {
  let home: ServerHome;
  let source: WebSource;
  /** Whether the source gives all of it; half an answer until then. */
  let gives = false;

  before(async () => {
    source = await startWebSource((_request, response) => {
      response.writeHead(200, { 'Content-Length': data.length });
      if (gives) response.end(data);
      else response.write(data.subarray(0, 50_000));
    });
    const web = { id: 'web', type: 'http', allowPrivateAddresses: true, allowedPorts: [] };
    home = await makeHome({ stores: [{ id: 'local', type: 'file' }, web] });
  });
  after(async () => {
    await home.remove();
    await source.close();
  });

  test('an active image gets its digest, one that waits for it becomes active', async () => {
    const first = await home.start();
    const ids: string[] = [];
    for (const validation_data of [undefined, { os_hash_algo: 'sha512', os_hash_value: sha512 }]) {
      const id = await createImage(first.url);
      ids.push(id);
      const before = source.requests.length;
      const body = { url: `${source.url}/image`, validation_data };
      assert.equal((await call(first.url, 'POST', `/v2/images/${id}/locations`, body)).status, 202);
      // One request asks for the size, the next one for the data.
      await until('the reading', () => source.requests.length > before + 1);
    }
    await first.kill();
    gives = true;
    const second = await home.start();
    for (const id of ids) {
      const image = await until('the digest', async () => {
        const { json } = await call(second.url, 'GET', `/v2/images/${id}`);
        return json.os_hash_value !== null && json;
      });
      assert.deepEqual([image.status, image.os_hash_value], ['active', sha512]);
      const { tasks } = (await call(second.url, 'GET', `/v2/images/${id}/tasks`)).json;
      assert.deepEqual(
        tasks.map(({ status }: { status: string }) => status),
        ['success'],
      );
    }
  });
});
