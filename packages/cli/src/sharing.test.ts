/** Sharing images and taking them out of service by the command, as the projects on both sides. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Image, ImageMember } from '@tintype/client';
import { startServer, type TestServer } from '../../../test/support/server.ts';
import { type Outcome, tintype } from './testing/tintype.ts';

let server: TestServer;
let folder: string;
/** Tokens by project. */
const tokens = new Map<string, string>();

before(async () => {
  server = await startServer({ identity: { mode: 'tokens' } });
  folder = await mkdtemp(join(tmpdir(), 'tintype-sharing-'));
  await writeFile(join(folder, 'disk.raw'), Buffer.alloc(1000, 7));
  for (const project of ['owners', 'guests', 'others']) {
    const words = ['token', 'create', '--quiet', '--user', 'u', '--project', project, '--role', 'member'];
    const env = { TINTYPE_DATABASE_URL: server.config.database.url! };
    const { code, stdout, stderr } = await tintype([...words, '--data', server.config.dataDir], { env });
    assert.equal(code, 0, stderr);
    tokens.set(project, stdout.trim());
  }
});
after(async () => {
  await server?.close();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

function run(project: string, args: string): Promise<Outcome> {
  const env = { TINTYPE_ENDPOINT: server.url, TINTYPE_TOKEN: tokens.get(project)! };
  return tintype(['image', ...args.split(' ')], { cwd: folder, env });
}

async function good(project: string, args: string): Promise<string> {
  const { code, stdout, stderr } = await run(project, args);
  assert.equal(code, 0, stderr);
  return stdout;
}

const json = async <T>(project: string, args: string): Promise<T> =>
  JSON.parse(await good(project, `${args} --json`)) as T;

const answers = async (project: string, args: string) =>
  (await json<ImageMember[]>(project, args)).map(({ member_id, status }) => [member_id, status]);

async function names(project: string): Promise<string[]> {
  return (await json<Image[]>(project, 'list')).map(({ name }) => name!);
}

test('an image is shared, accepted, rejected and shared no more', async () => {
  const id = (await good('owners', 'create gift --file disk.raw --quiet')).trim();
  assert.deepEqual(await answers('owners', 'share gift guests others'), [
    ['guests', 'pending'],
    ['others', 'pending'],
  ]);
  assert.deepEqual(await names('guests'), []);
  const accepted = await good('guests', `accept ${id}`);
  assert.match(accepted, /^PROJECT +STATUS +UPDATED\nguests +accepted +\d{4}-.*Z\n$/);
  assert.deepEqual(await names('guests'), ['gift']);
  // Who was given it sees no other.
  assert.deepEqual(await answers('guests', 'members gift'), [['guests', 'accepted']]);
  assert.deepEqual(await answers('owners', 'members gift'), [
    ['guests', 'accepted'],
    ['others', 'pending'],
  ]);
  assert.deepEqual(await answers('guests', `reject ${id}`), [['guests', 'rejected']]);
  assert.deepEqual(await names('guests'), []);
  assert.deepEqual(await answers('owners', 'unshare gift guests'), [['others', 'pending']]);
  assert.equal((await run('guests', `show ${id}`)).code, 3);
  assert.equal(await good('owners', 'members gift --quiet'), 'others\n');
  await good('owners', 'unshare gift others');
});

test('what cannot be is told', async () => {
  const { id } = await json<Image>('owners', 'create kept --private');
  const shared = await run('owners', 'share kept guests');
  assert.equal(shared.code, 4, shared.stderr);
  const { id: open } = await json<Image>('owners', 'create open');
  const nobody = await run('owners', `accept ${open}`);
  assert.equal(nobody.code, 2);
  assert.match(nobody.stderr, /is shared with nobody/);
  await good('owners', 'share open guests others');
  const several = await run('owners', `accept ${open}`);
  assert.equal(several.code, 2);
  assert.match(several.stderr, /is shared with 2 projects: say which one answers with --project/);
  // The owner cannot answer for others.
  assert.equal((await run('owners', `accept ${open} --project guests`)).code, 4);
  assert.equal((await run('guests', `accept ${id}`)).code, 3);
  assert.equal((await run('owners', `unshare open ${randomUUID()}`)).code, 3);
  assert.deepEqual(await answers('guests', `accept ${open} --project guests`), [['guests', 'accepted']]);
});

test('the data of a deactivated image is for nobody until it is reactivated', async () => {
  await good('owners', 'create resting --file disk.raw');
  assert.match(await good('owners', 'deactivate resting'), /^status +deactivated$/m);
  const refused = await run('owners', 'download resting');
  assert.equal(refused.code, 4, refused.stderr);
  assert.match(refused.stderr, /is deactivated/);
  assert.equal((await json<Image>('owners', 'reactivate resting')).status, 'active');
  assert.equal((await good('owners', 'download resting')).length, 1000);
});
