/** Identity mode "keystone" on a real Keystone: which tokens are let in, and with which rights. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { until } from '../support/process.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { ask, type Keystone, startKeystone, type User, withoutKeystone } from './keystone.ts';

const cacheTime = 2;

interface Image {
  readonly id: string;
  readonly owner: string;
  readonly visibility: string;
}

describe('tokens of Keystone', { skip: withoutKeystone() }, () => {
  let keystone: Keystone;
  let server: TestServer;
  let images: string;

  before(async () => {
    keystone = await startKeystone();
    server = await startServer({
      identity: { mode: 'keystone', keystone: keystone.settings({ cacheTime }) },
    });
    images = `${server.url}/v2/images`;
  });
  after(async () => {
    await server?.close();
    await keystone?.close();
  });

  const create = async (token: string, more: object = {}) => {
    const created = await ask(images, token, 'POST', { name: 'disk', ...more });
    assert.equal(created.status, 201, JSON.stringify(created.body));
    return created.body as Image;
  };
  /** What was remembered before this was called counts no more. */
  const cacheTimeOver = async () => {
    const end = performance.now() + cacheTime * 1000;
    await until('the end of the cache time', () => performance.now() > end);
  };
  const list = async (token: string) => {
    const answer = await ask(images, token);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    return (answer.body as { images: Image[] }).images.map(({ id }) => id);
  };

  test('a project-scoped token acts in its project', async () => {
    const token = await keystone.token('demo-member');
    const image = await create(token);
    assert.equal(image.owner, keystone.fact('DEMO_PROJECT_ID'));
    assert.ok((await list(token)).includes(image.id));
    const other = await keystone.token('other-member');
    assert.equal((await ask(`${images}/${image.id}`, other)).status, 404);
    assert.ok(!(await list(other)).includes(image.id));
  });

  test('roles decide: reader reads, member writes, admin acts across projects', async () => {
    const tokens = new Map<User, string>();
    for (const user of ['demo-reader', 'demo-member', 'demo-admin', 'other-member'] as const)
      tokens.set(user, await keystone.token(user));
    const theirs = await create(tokens.get('other-member')!);
    const ours = await create(tokens.get('demo-member')!);
    const rename = [{ op: 'replace', path: '/name', value: 'renamed' }];
    const patch = { 'Content-Type': 'application/openstack-images-v2.1-json-patch' };
    const status = async (user: User, method: string, id: string) =>
      (
        await ask(
          `${images}/${id}`,
          tokens.get(user)!,
          method,
          method === 'PATCH' ? rename : undefined,
          patch,
        )
      ).status;
    assert.equal((await ask(images, tokens.get('demo-reader')!, 'POST', { name: 'no' })).status, 403);
    assert.equal(await status('demo-reader', 'GET', ours.id), 200);
    assert.equal(await status('demo-reader', 'PATCH', ours.id), 403);
    assert.equal(await status('demo-reader', 'DELETE', ours.id), 403);
    assert.equal(await status('demo-member', 'PATCH', ours.id), 200);
    assert.equal(await status('demo-member', 'PATCH', theirs.id), 404);
    assert.equal(await status('demo-admin', 'PATCH', theirs.id), 200);
    const publish = { name: 'for all', visibility: 'public' };
    assert.equal((await ask(images, tokens.get('demo-member')!, 'POST', publish)).status, 403);
    assert.equal((await create(tokens.get('demo-admin')!, publish)).visibility, 'public');
    assert.equal(await status('demo-member', 'DELETE', ours.id), 204);
  });

  test('system- and domain-scoped tokens of an administrator act across projects, without one of their own', async () => {
    const image = await create(await keystone.token('demo-member'));
    for (const scope of ['system', 'domain'] as const) {
      const token = await keystone.token('admin', scope);
      assert.equal((await ask(`${images}/${image.id}`, token)).status, 200, scope);
      assert.ok((await list(token)).includes(image.id), scope);
      assert.equal((await create(token)).owner, null, scope);
    }
  });

  test('a system-scoped reader has no project whose images it could read', async () => {
    const image = await create(await keystone.token('demo-member'));
    const token = await keystone.token('glance', 'system');
    assert.equal((await ask(`${images}/${image.id}`, token)).status, 404);
    assert.equal((await ask(images, token, 'POST', { name: 'no' })).status, 403);
  });

  test('an unscoped token has no role and may nothing', async () => {
    const image = await create(await keystone.token('demo-admin'), { visibility: 'public' });
    const token = await keystone.token('demo-admin', 'unscoped');
    assert.equal((await ask(images, token)).status, 403);
    assert.equal((await ask(images, token, 'POST', { name: 'no' })).status, 403);
    assert.notEqual((await ask(`${images}/${image.id}`, token, 'DELETE')).status, 204);
  });

  test('an application credential acts with the roles that were given to it', async () => {
    const token = await keystone.token('demo-member');
    const self = await keystone.call<{ token: { user: { id: string } } }>(
      token,
      'GET',
      '/auth/tokens',
      undefined,
      { 'X-Subject-Token': token },
    );
    const made = async (roles: { name: string }[]) => {
      const { application_credential } = await keystone.call<{
        application_credential: { id: string; secret: string };
      }>(token, 'POST', `/users/${self.token.user.id}/application_credentials`, {
        application_credential: { name: `for tests ${randomBytes(4).toString('hex')}`, roles },
      });
      const { id, secret } = application_credential;
      return await keystone.authenticate({
        methods: ['application_credential'],
        application_credential: { id, secret },
      });
    };
    const image = await create(await made([{ name: 'member' }]));
    assert.equal(image.owner, keystone.fact('DEMO_PROJECT_ID'));
    const reading = await made([{ name: 'reader' }]);
    assert.equal((await ask(`${images}/${image.id}`, reading)).status, 200);
    assert.equal((await ask(images, reading, 'POST', { name: 'no' })).status, 403);
  });

  test('what is no token of Keystone is refused with 401', async () => {
    const good = await keystone.token('demo-member');
    const wrong = ['nonsense', '', `${good}x`, good.slice(0, -5), 'é', 'a b', 'x'.repeat(9000)];
    for (const token of wrong) {
      const answer = await ask(images, token);
      assert.equal(answer.status, 401, token.slice(0, 20));
      assert.match(answer.headers.get('www-authenticate') ?? '', /^Keystone uri=/);
    }
    assert.equal((await ask(images, null)).status, 401);
  });

  test('a revoked token is refused within the cache time', async () => {
    const token = await keystone.token('demo-member');
    assert.equal((await ask(images, token)).status, 200);
    await keystone.revoke(token);
    await cacheTimeOver();
    assert.equal((await ask(images, token)).status, 401);
  });

  test('a user that loses its role loses its rights within the cache time', async () => {
    const admin = await keystone.token('admin', 'system');
    const user = {
      name: `passing-${randomBytes(4).toString('hex')}`,
      domain_id: 'default',
      password: 'secret',
    };
    const made = await keystone.call<{ user: { id: string } }>(admin, 'POST', '/users', { user });
    const roles = await keystone.call<{ roles: { id: string }[] }>(admin, 'GET', '/roles?name=member');
    const grant = `/projects/${keystone.fact('DEMO_PROJECT_ID')}/users/${made.user.id}/roles/${roles.roles[0]!.id}`;
    await keystone.call(admin, 'PUT', grant);
    const token = await keystone.authenticate(
      { methods: ['password'], password: { user: { id: made.user.id, password: 'secret' } } },
      { project: { id: keystone.fact('DEMO_PROJECT_ID') } },
    );
    assert.equal((await ask(images, token)).status, 200);
    await keystone.call(admin, 'DELETE', grant);
    await cacheTimeOver();
    assert.equal((await ask(images, token)).status, 401);
    await keystone.call(admin, 'DELETE', `/users/${made.user.id}`);
  });

  test('identity headers of a request count in no spelling', async () => {
    const image = await create(await keystone.token('other-member'));
    const claims = {
      'X-Identity-Status': 'Confirmed',
      X_Identity_Status: 'Confirmed',
      'X-Roles': 'admin',
      X_ROLES: 'admin',
      x_roles: 'admin',
      'X-Role': 'admin',
      'X-User-Id': 'someone',
      'X-Project-Id': keystone.fact('OTHER_PROJECT_ID'),
      X_PROJECT_ID: keystone.fact('OTHER_PROJECT_ID'),
      'X-Tenant-Id': keystone.fact('OTHER_PROJECT_ID'),
      'X-Service-Roles': 'service',
      X_SERVICE_ROLES: 'service',
      'OpenStack-System-Scope': 'all',
      'X-Is-Admin-Project': 'True',
    };
    for (const [name, value] of Object.entries(claims))
      assert.equal((await ask(images, null, 'GET', undefined, { [name]: value })).status, 401, name);
    assert.equal((await ask(images, null, 'GET', undefined, claims)).status, 401);
    const reader = await keystone.token('demo-reader');
    assert.equal((await ask(`${images}/${image.id}`, reader, 'GET', undefined, claims)).status, 404);
    assert.equal((await ask(images, reader, 'POST', { name: 'no' }, claims)).status, 403);
  });

  test('a service token must be valid, and gives the user no role of the service', async () => {
    const reader = await keystone.token('demo-reader');
    const admin = await keystone.token('demo-admin');
    const withService = async (service: string, method = 'GET', body?: unknown) =>
      (await ask(images, reader, method, body, { 'X-Service-Token': service })).status;
    assert.equal(await withService(await keystone.token('nova')), 200);
    assert.equal(await withService('nonsense'), 401);
    assert.equal(await withService(admin, 'POST', { name: 'no' }), 403);
    const service = await keystone.token('nova');
    assert.equal((await ask(images, null, 'GET', undefined, { 'X-Service-Token': service })).status, 401);
  });
});
