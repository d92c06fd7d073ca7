/** A server is ready while its default store answers; how the others are is told. */
import assert from 'node:assert/strict';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startServer } from '../../../../test/support/server.ts';

const folder = await mkdtemp(join(tmpdir(), 'tintype-readiness-'));
after(() => rm(folder, { recursive: true, force: true }));

test('the default store has to answer, the others need not', async () => {
  const stores = ['one', 'two'].map((id) => ({ id, type: 'file' as const, path: join(folder, id) }));
  const server = await startServer({ stores, defaultStore: 'two' });
  const readiness = async () => {
    const answer = await fetch(`${server.url}/readyz`);
    const { ready, checks } = (await answer.json()) as { ready: boolean; checks: Record<string, string> };
    assert.equal(answer.status, ready ? 200 : 503);
    assert.deepEqual([checks.server, checks.database, checks.session], ['ok', 'ok', 'ok']);
    return [ready, checks['store one'], checks['store two']];
  };
  const away = (id: string) => rename(join(folder, id), join(folder, `${id}-away`));
  const back = (id: string) => rename(join(folder, `${id}-away`), join(folder, id));
  assert.deepEqual(await readiness(), [true, 'ok', 'ok']);
  await away('one');
  assert.deepEqual(await readiness(), [true, 'fails', 'ok']);
  await away('two');
  assert.deepEqual(await readiness(), [false, 'fails', 'fails']);
  await back('one');
  assert.deepEqual(await readiness(), [false, 'ok', 'fails']);
  await back('two');
  assert.deepEqual(await readiness(), [true, 'ok', 'ok']);
  await server.close();
});
