/** GET /v2/images by time: every operator, offsets, and times between seconds (API section 3). */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { differs, openTarget, type Target } from '../support/target.ts';
import { Client, type Json } from './client.ts';

let target: Target;
let client: Client;
const mark = `times-${randomUUID()}`;
/** Three images of three different seconds, oldest first. */
const images: Json[] = [];

before(async () => {
  target = await openTarget();
  client = new Client(target);
  for (const name of ['first', 'second', 'third']) {
    // The records tell whole seconds.
    await delay(1000 - (Date.now() % 1000) + 20);
    images.push(await client.create({ name, tags: [mark] }));
  }
});
after(() => target.close());

async function found(query: Record<string, string>): Promise<string[]> {
  const answer = await client.get(
    `/v2/images?${new URLSearchParams({ tag: mark, sort: 'created_at:asc', ...query })}`,
  );
  assert.equal(answer.status, 200, answer.body.toString());
  return answer.json.images.map(({ name }: Json) => name);
}

/** `2026-01-02T03:04:05Z` plus `ms`, in the form that `write` gives. */
function shifted(time: string, ms: number, write = (date: Date) => date.toISOString()): string {
  return write(new Date(Date.parse(time) + ms));
}

const hiddenFractions = differs('Times are compared with fractions of seconds that records do not show.');

test('every operator compares with the time that the record shows', { skip: hiddenFractions }, async () => {
  const time = images[1].created_at;
  for (const [operator, expected] of Object.entries({
    'gt:': ['third'],
    'gte:': ['second', 'third'],
    'lt:': ['first'],
    'lte:': ['first', 'second'],
    'eq:': ['second'],
    'neq:': ['first', 'third'],
    '': ['second'],
  }))
    for (const name of ['created_at', 'updated_at'])
      assert.deepEqual(await found({ [name]: operator + time }), expected, `${name}=${operator}`);
});

test('a time between two seconds lies between their images', async () => {
  const between = shifted(images[1].created_at, 500);
  for (const [operator, expected] of Object.entries({
    'gt:': ['third'],
    'gte:': ['third'],
    'lt:': ['first', 'second'],
    'lte:': ['first', 'second'],
    'eq:': [],
    'neq:': ['first', 'second', 'third'],
  }))
    assert.deepEqual(await found({ created_at: operator + between }), expected, operator);
});

test('the same instant is the same in every form', { skip: hiddenFractions }, async () => {
  const time: string = images[1].created_at;
  const compact = time.replaceAll(/[-:]/g, '');
  const forms = [
    time,
    time.replace('Z', '+00:00'),
    time.replace('Z', '-00:00'),
    time.replace('Z', '.000Z'),
    time.replace('Z', '.000000+00:00'),
    time.replace('T', ' '),
    compact,
    shifted(time, 2 * 3600_000, (date) => date.toISOString().replace(/\..*/, '+02:00')),
    shifted(time, -5.5 * 3600_000, (date) => date.toISOString().replace(/\..*/, '-05:30')),
    shifted(time, 3600_000, (date) => date.toISOString().replace(/\..*/, '+0100')),
    shifted(time, 3600_000, (date) => date.toISOString().replace(/\..*/, '+01')),
    time.replace('Z', ''),
  ];
  for (const form of forms) assert.deepEqual(await found({ created_at: `eq:${form}` }), ['second'], form);
});

test('a plus that nobody encoded is a plus', {
  skip: differs('A plus in the time of a query is a blank.'),
}, async () => {
  const time = images[1].created_at.replace('Z', '+00:00');
  assert.deepEqual(await client.ids(`tag=${mark}&created_at=eq:${time}`), [images[1].id]);
});

test('far times are times', {
  skip: differs('Times at the ends of the calendar are 500.'),
}, async () => {
  for (const [query, expected] of [
    ['gt:0001-01-01T00:00:00Z', 3],
    ['lt:9999-12-31T23:59:59Z', 3],
    ['gt:9999-12-31T23:59:59-12:00', 0],
    ['lt:1970-01-01T00:00:00Z', 0],
  ] as const)
    assert.equal((await found({ updated_at: query })).length, expected, query);
});

test('a day alone is its midnight', async () => {
  const tomorrow = shifted(images[0].created_at, 86_400_000, (date) => date.toISOString().slice(0, 10));
  assert.equal((await found({ created_at: `lt:${tomorrow}` })).length, 3);
  assert.equal((await found({ created_at: `gte:${tomorrow}` })).length, 0);
});

test('both times together are a span', async () => {
  const query = { created_at: `gte:${images[1].created_at}`, updated_at: `lt:${images[2].created_at}` };
  assert.deepEqual(await found(query), ['second']);
});

test('a change moves updated_at and not created_at', async () => {
  await delay(1000 - (Date.now() % 1000) + 20);
  const [first] = images;
  const changed = (await client.patch(first.id, [{ op: 'add', path: '/changed', value: 'yes' }])).json;
  assert.equal(changed.created_at, first.created_at);
  assert.ok(changed.updated_at > images[2].updated_at);
  assert.deepEqual(await found({ updated_at: `gte:${changed.updated_at}` }), ['first']);
});
