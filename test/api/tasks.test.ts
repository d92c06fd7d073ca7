/** /v2/tasks: the work on all images, for administrators (API section 8). */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { differs, needs, openTarget, type Target } from '../support/target.ts';
import { refused } from './answer.ts';
import { bytes } from './bytes.ts';
import { Client, type Json } from './client.ts';
import { importBy, importEnd, stagedImage } from './import-client.ts';

let target: Target;
let client: Client;
let admin: Client;
const ids: string[] = [];

before(async () => {
  target = await openTarget();
  client = new Client(target);
  if (needs('admin') !== false) return;
  admin = new Client(target, 'admin');
  for (const [index, format] of ['raw', 'vmdk', 'raw'].entries()) {
    const image = await stagedImage(client, bytes(1000 + index), { disk_format: format });
    await importBy(client, image, 'glance-direct');
    ids.push((await importEnd(client, image)).task.id);
  }
});
after(() => target.close());

const skip = needs('admin');

async function list(query: string): Promise<Json> {
  const answer = await admin.get(`/v2/tasks${query}`);
  assert.equal(answer.status, 200, answer.body.toString());
  return answer.json;
}

test('the newest come first, without what they were given and gave', { skip }, async () => {
  const { tasks, first, schema } = await list('?limit=3');
  assert.deepEqual(
    tasks.map(({ id }: Json) => id),
    ids.toReversed(),
  );
  assert.equal(first, '/v2/tasks?limit=3');
  assert.equal(schema, '/v2/schemas/tasks');
  for (const task of tasks) {
    assert.deepEqual(Object.keys(task).sort(), [
      'created_at',
      'expires_at',
      'id',
      'owner',
      'schema',
      'self',
      'status',
      'type',
      'updated_at',
    ]);
    assert.equal(task.self, `/v2/tasks/${task.id}`);
    assert.equal(task.type, 'api_image_import');
    assert.notEqual(task.expires_at, null);
  }
});

test('pages follow each other, in any order that can be asked for', { skip }, async () => {
  const others = ['&sort_key=updated_at&sort_dir=asc', '&sort_key=expires_at', '&sort_key=status'];
  const losesTies = differs('Paging by what several tasks have in common, or lack, loses tasks.');
  for (const sort of ['', ...(losesTies === false ? others : [])]) {
    const all = (await list(`?limit=100${sort}`)).tasks.map(({ id }: Json) => id);
    const walked: string[] = [];
    let path: string | undefined = `?limit=1${sort}`;
    while (path !== undefined) {
      const page: Json = await list(path);
      walked.push(...page.tasks.map(({ id }: Json) => id));
      path = page.next?.replace('/v2/tasks', '');
    }
    assert.deepEqual(walked, all, sort);
  }
});

const noInspection = differs('Data are not held to the declared format.');

test('they are found by status', { skip: skip || noInspection }, async () => {
  const failed = (await list('?status=failure')).tasks.map(({ id }: Json) => id);
  assert.ok(failed.includes(ids[1]) && !failed.includes(ids[0]));
  assert.ok((await list('?status=pending')).tasks.every(({ status }: Json) => status === 'pending'));
});

test('one is shown whole', { skip: skip || noInspection }, async () => {
  const answer = await admin.get(`/v2/tasks/${ids[1]}`);
  assert.equal(answer.status, 200);
  const task = answer.json;
  assert.deepEqual([task.status, task.type], ['failure', 'api_image_import']);
  assert.equal(task.result.error.code, 'format_mismatch');
  assert.equal(task.schema, '/v2/schemas/task');
});

test('what makes no sense is refused', { skip }, async () => {
  for (const query of ['?status=done', '?type=export', '?limit=-1', '?sort_key=input', '?sort_dir=up'])
    refused(await admin.get(`/v2/tasks${query}`), 'invalid_query');
  for (const marker of [randomUUID(), 'x'])
    refused(await admin.get(`/v2/tasks?marker=${marker}`), 'invalid_marker');
  for (const id of [randomUUID(), 'x', '%00']) refused(await admin.get(`/v2/tasks/${id}`), 'task_not_found');
});

test('nobody else sees them, and nobody deletes them', { skip: needs('member', 'admin') }, async () => {
  const member = new Client(target, 'member');
  refused(await member.get('/v2/tasks'), 'forbidden');
  refused(await member.get(`/v2/tasks/${ids[0]}`), 'forbidden');
  const answer = await admin.delete(`/v2/tasks/${ids[0]}`);
  refused(answer, 'method_not_allowed');
  assert.equal(answer.headers.allow, 'GET');
});
