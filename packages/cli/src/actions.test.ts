/** Imports, exports and what one does with them, through the command, against a real server and a real source. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { Image, ImageAction } from '@tintype/client';
import { type OtherServer, startOther } from '../../../test/support/other-server.ts';
import { until } from '../../../test/support/process.ts';
import { startServer, type TestServer } from '../../../test/support/server.ts';
import {
  loopbackPlaces,
  loopbackRules,
  serve,
  startWebSource,
  take,
  type WebSource,
} from '../../../test/support/web-source.ts';
import { type Outcome, tintype } from './testing/tintype.ts';

const data = randomBytes(2_000_000);
let source: WebSource;
let server: TestServer;
let faraway: OtherServer;
/** Whether `/late` is there already. */
let isThere = false;
/** What was sent to `/place`. */
const sent: (Buffer | null)[] = [];

before(async () => {
  source = await startWebSource((request, response) => {
    if (request.url === '/data' || (request.url === '/late' && isThere))
      serve(request, response, { bytes: data });
    else if (request.method === 'PUT' && request.url?.startsWith('/place?'))
      void take(request, response).then((body) => sent.push(body));
    else if (request.url === '/slow') response.writeHead(200).write(data.subarray(0, 1000));
    else request.resume().on('end', () => response.writeHead(404).end());
  });
  faraway = await startOther({ identity: { mode: 'none' } });
  const regions = [{ name: 'Faraway', endpoint: faraway.url }];
  server = await startServer({
    identity: { mode: 'tokens' },
    import: { ...loopbackRules, regions },
    export: loopbackPlaces,
  });
});
after(async () => {
  await server?.close();
  await faraway?.close();
  await source?.close();
});

async function run(args: string): Promise<Outcome> {
  const env = { TINTYPE_ENDPOINT: server.url, TINTYPE_TOKEN_FILE: server.tokenFile! };
  return await tintype(args.split(' '), { env });
}

async function json<T>(args: string): Promise<T> {
  const { code, stdout, stderr } = await run(`${args} --json`);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as T;
}

test('an import is waited for, and shows its image', async () => {
  const digest = `sha256=${createHash('sha256').update(data).digest('hex')}`;
  const order = `image import fetched --location ${source.url}/data --digest ${digest} --size ${data.length}`;
  const done = await run(`${order} --wait --property os_distro=debian --tag x`);
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stdout, /^status +active$/m);
  assert.match(done.stdout, /^disk_format +raw$/m);
  const image = await json<Image>('image show fetched');
  assert.deepEqual([image.size, image.os_distro, image.tags], [data.length, 'debian', ['x']]);

  const [action] = await json<ImageAction[]>('action list --type import --status success');
  assert.equal(action?.image_ref, `/v2/images/${image.id}`);
  assert.match(
    (await run('action list')).stdout,
    new RegExp(`^${action?.id} +import +success +${image.id}`, 'm'),
  );
  assert.equal((await run('action list --quiet')).stdout, `${action?.id}\n`);
  const tooLate = await run(`action cancel ${action?.id}`);
  assert.equal(tooLate.code, 5);
  assert.match(tooLate.stderr, /nothing to cancel/);
});

test('of one that fails the reason is told, and how to go on', async () => {
  const failed = await run(`image import late --location ${source.url}/late --wait`);
  assert.equal(failed.code, 1);
  assert.match(failed.stderr, /Could not retrieve image. Received 404 response/);
  const [, id] = /tintype action retry (\S+)/.exec(failed.stderr) ?? [];
  assert.ok(id);
  assert.match(
    (await run(`action show ${id}`)).stdout,
    /^failure +source_refused at fetch: can be retried$/m,
  );
  isThere = true;
  assert.equal((await run(`action retry ${id}`)).code, 0);
  await until('its image', async () => (await json<ImageAction>(`action show ${id}`)).status === 'success');
  assert.equal((await json<Image>('image show late')).status, 'active');

  const mismatch = `image import other --location ${source.url}/data --digest md5=${'0'.repeat(32)} --wait`;
  assert.equal((await run(mismatch)).code, 7);
});

test('an export is waited for, and tells what was sent', async () => {
  const image = await json<Image>(`image import out --location ${source.url}/data --wait`);
  const done = await run(`image export out ${source.url}/place?signature=s3cret --wait`);
  assert.equal(done.code, 0, done.stderr);
  assert.ok(sent.at(-1)?.equals(data));
  assert.match(done.stdout, new RegExp(`^image +${image.id}$`, 'm'));
  assert.match(done.stdout, new RegExp(`^location +${source.url}/place\\?`, 'm'));
  assert.match(done.stdout, new RegExp(`^os_hash_value +${image.os_hash_value}$`, 'm'));
  assert.doesNotMatch(done.stdout + done.stderr, /s3cret/);
  const [action] = await json<ImageAction[]>('action list --type export');
  assert.deepEqual([action?.status, action?.size], ['success', data.length]);

  const refused = await run(`image export ${image.id} ${source.url}/nowhere --wait`);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /Could not send the image. Received 404 response.*tintype action retry/s);
  assert.equal((await run(`image export nothing ${source.url}/place`)).code, 3);
});

test('one under way shows how far it is, and can be cancelled', async () => {
  const begun = await json<ImageAction>(`image import slow --location ${source.url}/slow`);
  const step = async () => (await run(`action show ${begun.id}`)).stdout;
  await until('its first step', async () => /^step +fetch \(attempt 1\)$/m.test(await step()));
  assert.equal((await run(`action cancel ${begun.id}`)).code, 0);
  await until('its end', async () => /^status +cancelled$/m.test(await step()));
  assert.equal((await run('image show slow')).code, 3);
  assert.equal((await run(`action show ${begun.id}0`)).code, 3);
});

test('a clone is waited for, and says what it is there', async () => {
  assert.equal((await run(`image import original --location ${source.url}/data --wait`)).code, 0);
  const done = await run(
    'image clone original faraway --name copied --tag far --property os_distro=arch --wait',
  );
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stdout, /^region +faraway$/m);
  const [, id] = /^image there +(\S+)$/m.exec(done.stdout) ?? [];
  const [there] = await faraway.images();
  assert.deepEqual(
    [there?.id, there?.name, there?.tags, there?.os_distro, there?.size],
    [id, 'copied', ['far'], 'arch', data.length],
  );
  const [action] = await json<ImageAction[]>('action list --type clone');
  assert.equal(action?.target?.image_ref, `/v2/images/${id}`);
  const begun = await json<ImageAction>('image clone original faraway');
  assert.equal(begun.action_type, 'clone');
  const unknown = await run('image clone original nowhere');
  assert.equal(unknown.code, 1, unknown.stderr);
  assert.match(unknown.stderr, /region 'nowhere'/);
});
