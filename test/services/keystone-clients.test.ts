/** The `openstack` and `glance` commands with a password of Keystone's, from its catalogue to our server. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { until } from '../support/process.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { loopbackRules, serve, startWebSource } from '../support/web-source.ts';
import { attempt } from '../walks/support/run.ts';
import { type Keystone, startKeystone, type User, withoutKeystone } from './keystone.ts';

const execute = promisify(execFile);
const commands = ['openstack', 'glance'] as const;

describe('commands', { skip: withoutKeystone(...commands), timeout: 600_000 }, () => {
  let keystone: Keystone;
  let server: TestServer;
  let folder: string;
  const data = randomBytes(300_000);

  before(async () => {
    keystone = await startKeystone();
    folder = await mkdtemp(path.join(tmpdir(), 'commands-'));
    await execute(path.join(import.meta.dirname, 'client-commands'), [folder]);
    // Where the catalogue says that the image service is.
    server = await startServer({
      listen: keystone.fact('IMAGE_LISTEN'),
      identity: { mode: 'keystone', keystone: keystone.settings() },
      import: loopbackRules,
    });
    await writeFile(path.join(folder, 'disk'), data);
  });
  after(async () => {
    await server?.close();
    await keystone?.close();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  const run = async (user: User, command: (typeof commands)[number], ...args: string[]) => {
    const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8', HOME: folder, ...keystone.commandEnv(user) };
    // Without a terminal the image command takes its input for data, unless it is closed.
    const stdin = command === 'glance' ? { stdin: 'closed' } : {};
    const ran = await attempt([command, ...args], { env, cwd: folder, ...stdin });
    assert.equal(ran.code, 0, ran.stderr);
    return ran.stdout.toString();
  };
  /** Resolves once an import has made the image active. */
  const imported = async (id: string) => {
    const headers = { 'X-Auth-Token': await keystone.token('demo-member') };
    await until(`the import of ${id}`, async () => {
      const answer = await fetch(`${server.url}/v2/images/${id}`, { headers });
      return ((await answer.json()) as { status: string }).status === 'active';
    });
  };
  const fails = (user: User, command: (typeof commands)[number], ...args: string[]) =>
    assert.rejects(run(user, command, ...args));

  test('openstack: create, list, show, share, save, delete', async () => {
    const openstack = (user: User, ...args: string[]) => run(user, 'openstack', ...args);
    const json = async (user: User, ...args: string[]) =>
      JSON.parse(await openstack(user, ...args, '-f', 'json'));
    const kind = ['--disk-format', 'raw', '--container-format', 'bare', '--property', 'os_distro=debian'];
    const made = await json('demo-member', 'image', 'create', '--file', 'disk', ...kind, '--shared', 'walk');
    assert.equal(made.name, 'walk');
    const shown = await json('demo-member', 'image', 'show', 'walk');
    assert.deepEqual(
      [shown.status, shown.size, shown.owner, shown.properties.os_distro],
      ['active', data.length, keystone.fact('DEMO_PROJECT_ID'), 'debian'],
    );
    const names = async (user: User, ...args: string[]) =>
      (await json(user, 'image', 'list', ...args)).map((image: { Name: string }) => image.Name);
    assert.ok((await names('demo-member')).includes('walk'));
    assert.ok(!(await names('other-member')).includes('walk'));

    const other = keystone.fact('OTHER_PROJECT_ID');
    await openstack('demo-member', 'image', 'add', 'project', 'walk', other);
    await openstack('other-member', 'image', 'set', '--accept', shown.id);
    assert.ok((await names('other-member')).includes('walk'));
    await openstack('other-member', 'image', 'save', '--file', 'saved', shown.id);
    assert.deepEqual(await readFile(path.join(folder, 'saved')), data);
    await fails('other-member', 'openstack', 'image', 'delete', shown.id);
    await fails('demo-reader', 'openstack', 'image', 'delete', shown.id);
    await openstack('demo-member', 'image', 'remove', 'project', 'walk', other);
    assert.ok(!(await names('other-member')).includes('walk'));

    await openstack('demo-member', 'image', 'set', '--name', 'walked', '--tag', 'done', 'walk');
    assert.deepEqual(await names('demo-member', '--tag', 'done'), ['walked']);
    await openstack('demo-member', 'image', 'delete', 'walked');

    const importing = ['image', 'create', '--import', '--file', 'disk', ...kind, 'imported'];
    await imported((await json('demo-member', ...importing)).id);
    await openstack('demo-member', 'image', 'delete', 'imported');
    await fails('demo-member', 'openstack', 'image', 'show', shown.id);
  });

  test('glance: create, list, show, share, save, delete', async () => {
    const glance = (user: User, ...args: string[]) => run(user, 'glance', ...args);
    const kind = ['--disk-format', 'raw', '--container-format', 'bare', '--visibility', 'shared'];
    const made = await glance('demo-member', 'image-create', '--name', 'walk', '--file', 'disk', ...kind);
    const id = /\| id\s+\| (\S+)/.exec(made)?.[1];
    assert.ok(id !== undefined, made);
    const shown = await glance('demo-member', 'image-show', id);
    assert.match(shown, /\| status\s+\| active /);
    assert.ok(shown.includes(keystone.fact('DEMO_PROJECT_ID')));
    assert.ok((await glance('demo-member', 'image-list')).includes(id));
    assert.ok(!(await glance('other-member', 'image-list')).includes(id));

    const other = keystone.fact('OTHER_PROJECT_ID');
    await glance('demo-member', 'member-create', id, other);
    await glance('other-member', 'member-update', id, other, 'accepted');
    assert.ok((await glance('other-member', 'image-list')).includes(id));
    await glance('other-member', 'image-download', '--file', 'downloaded', id);
    assert.deepEqual(await readFile(path.join(folder, 'downloaded')), data);
    await fails('demo-reader', 'glance', 'image-update', id, '--name', 'no');
    await glance('demo-member', 'member-delete', id, other);
    assert.ok(!(await glance('other-member', 'image-list')).includes(id));

    await glance('demo-member', 'image-update', id, '--name', 'walked', '--property', 'os_distro=debian');
    assert.match(await glance('demo-member', 'image-show', id), /\| os_distro\s+\| debian /);
    await glance('demo-member', 'image-delete', id);

    const source = await startWebSource((request, response) => serve(request, response, { bytes: data }));
    try {
      const web = ['--import-method', 'web-download', '--uri', `${source.url}/disk`];
      const queued = await glance('demo-member', 'image-create', '--name', 'fetched', ...kind);
      const fetched = /\| id\s+\| (\S+)/.exec(queued)![1]!;
      await glance('demo-member', 'image-import', ...web, fetched);
      await imported(fetched);
      await glance('demo-member', 'image-delete', fetched);
    } finally {
      await source.close();
    }
    await fails('demo-member', 'glance', 'image-show', id);
  });
});
