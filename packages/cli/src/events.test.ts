/** `tintype events` against a real server. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { until } from '../../../test/support/process.ts';
import { startServer, type TestServer } from '../../../test/support/server.ts';
import { startTintype, tintype } from './testing/tintype.ts';

let server: TestServer;
let env: Record<string, string>;

before(async () => {
  server = await startServer({ identity: { mode: 'tokens' } });
  env = { TINTYPE_ENDPOINT: server.url, TINTYPE_TOKEN_FILE: server.tokenFile! };
});
after(() => server.close());

async function run(...args: string[]) {
  const outcome = await tintype(args, { env });
  assert.equal(outcome.code, 0, outcome.stderr);
  return outcome.stdout;
}

test('events are listed, chosen and followed until a signal', async () => {
  await run('image', 'create', 'first');
  await run('image', 'create', 'second');
  await run('image', 'delete', 'first');
  const all = ['events', '--all-projects'];
  const lines = (await run(...all)).trim().split('\n');
  assert.equal(lines.length, 3);
  assert.match(lines[0]!, /^\d+ {2}\S+Z {2}image\.create {2}[0-9a-f-]{36} {2}first {2}queued$/);
  assert.match(lines[2]!, /image\.delete/);
  const events = (await run(...all, '--json', '--type', 'image.create', '--image', 'second'))
    .trim()
    .split('\n');
  const [event] = events.map((line) => JSON.parse(line));
  assert.deepEqual([events.length, event.type, event.payload.name], [1, 'image.create', 'second']);
  const position = lines[1]!.split(' ')[0]!;
  assert.equal((await run(...all, '--quiet', '--after', position)).trim().split('\n').length, 1);

  const following = startTintype([...all, '--follow', '--after', position, '--json'], { env });
  await until('the deletion', () => following.stdout.includes('image.delete'));
  await run('image', 'create', 'third');
  await until('the new image', () => following.stdout.includes('"third"'));
  following.child.kill('SIGINT');
  assert.equal((await following.outcome).code, 130);
});
