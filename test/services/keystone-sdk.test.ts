/** openstacksdk with a password of Keystone's: the walk of test/walks, as a member of a project. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { startServer, type TestServer } from '../support/server.ts';
import { loopbackRules } from '../support/web-source.ts';
import { rescueCdrom, rescueFloppy } from '../walks/support/real-images.ts';
import { attempt } from '../walks/support/run.ts';
import { type Keystone, startKeystone, withoutKeystone } from './keystone.ts';

const script = path.join(import.meta.dirname, '../walks/openstacksdk.py');
/** Debian's own, which has Debian's packages. */
const python = '/usr/bin/python3';

describe('openstacksdk', { skip: withoutKeystone('openstack'), timeout: 600_000 }, () => {
  let keystone: Keystone;
  let server: TestServer;
  let folder: string;

  before(async () => {
    keystone = await startKeystone();
    folder = await mkdtemp(path.join(tmpdir(), 'sdk-'));
    await promisify(execFile)(path.join(import.meta.dirname, 'client-commands'), [folder]);
    // Where the catalogue says that the image service is.
    server = await startServer({
      listen: keystone.fact('IMAGE_LISTEN'),
      identity: { mode: 'keystone', keystone: keystone.settings() },
      import: loopbackRules,
    });
  });
  after(async () => {
    await server?.close();
    await keystone?.close();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  test('creates, uploads, imports, finds, updates and downloads with its checksum properties', async () => {
    const args = [server.url, 'keystone', rescueCdrom.file, rescueFloppy.file, folder];
    const env = { HOME: folder, ...keystone.commandEnv('demo-member') };
    const { code, stderr } = await attempt([python, script, ...args], { env });
    assert.equal(code, 0, stderr);
    assert.match(stderr, /Ran 17 tests/);
  });
});
