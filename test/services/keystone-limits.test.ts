/** Quotas from the unified limits of a real Keystone: the registered limit, and a project's own. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startServer, type TestServer } from '../support/server.ts';
import { ask, type Keystone, startKeystone, withoutKeystone } from './keystone.ts';

describe('unified limits', { skip: withoutKeystone(), timeout: 240_000 }, () => {
  let keystone: Keystone;
  let server: TestServer;
  let admin: string;
  const made: string[] = [];

  before(async () => {
    keystone = await startKeystone();
    admin = await keystone.token('admin', 'system');
    const service_id = keystone.fact('IMAGE_SERVICE_ID');
    const of = (resource_name: string) => ({ service_id, region_id: keystone.fact('REGION'), resource_name });
    const registered = await keystone.call<{ registered_limits: { id: string }[] }>(
      admin,
      'POST',
      '/registered_limits',
      {
        registered_limits: [
          { ...of('image_count_total'), default_limit: 2 },
          { ...of('image_size_total'), default_limit: 1 },
        ],
      },
    );
    const project_id = keystone.fact('OTHER_PROJECT_ID');
    const limits = await keystone.call<{ limits: { id: string }[] }>(admin, 'POST', '/limits', {
      limits: [{ ...of('image_count_total'), project_id, resource_limit: 3 }],
    });
    made.push(...limits.limits.map(({ id }) => `/limits/${id}`));
    made.push(...registered.registered_limits.map(({ id }) => `/registered_limits/${id}`));
    server = await startServer({
      identity: { mode: 'keystone', keystone: keystone.settings() },
      quotas: { source: 'keystone' },
    });
  });
  after(async () => {
    await server?.close();
    for (const address of made) await keystone.call(admin, 'DELETE', address);
    await keystone?.close();
  });

  const create = async (token: string) =>
    await ask(`${server.url}/v2/images`, token, 'POST', {
      name: 'counted',
      disk_format: 'raw',
      container_format: 'bare',
    });
  const createAll = async (token: string, count: number) => {
    const answers = [];
    for (let round = 0; round < count; round += 1) answers.push((await create(token)).status);
    return answers;
  };

  test('the registered limit holds for a project without its own', async () => {
    const token = await keystone.token('demo-member');
    assert.deepEqual(await createAll(token, 2), [201, 201]);
    const refused = await create(token);
    assert.equal(refused.status, 413);
    assert.match(JSON.stringify(refused.body), /image_count_total is 2/);
  });

  test('a project’s own limit wins over the registered one', async () => {
    const token = await keystone.token('other-member');
    assert.deepEqual(await createAll(token, 4), [201, 201, 201, 413]);
  });

  test('sizes are in MiB', async () => {
    const token = await keystone.token('other-member');
    const { body } = await ask(`${server.url}/v2/images`, token);
    const [image] = (body as { images: { id: string }[] }).images;
    const put = await fetch(`${server.url}/v2/images/${image!.id}/file`, {
      method: 'PUT',
      headers: { 'X-Auth-Token': token, 'Content-Type': 'application/octet-stream' },
      body: new Uint8Array(1024 * 1024 + 1),
    });
    assert.equal(put.status, 413);
    assert.match(await put.text(), /image_size_total is 1/);
  });

  test('usage shows the limits to their project', async () => {
    const answer = await ask(`${server.url}/v2/info/usage`, await keystone.token('other-member'));
    assert.equal(answer.status, 200);
    const { usage } = answer.body as { usage: Record<string, { limit: number; usage: number }> };
    assert.deepEqual(usage.image_count_total, { limit: 3, usage: 3 });
    assert.equal(usage.image_size_total?.limit, 1);
  });
});
