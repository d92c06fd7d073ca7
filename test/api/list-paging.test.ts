/** GET /v2/images page by page: order, ties, nulls, links, limits (API section 3). */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { differs, needsOwnServer, openTarget, type Target } from '../support/target.ts';
import { bytes } from './bytes.ts';
import { Client, type Json } from './client.ts';

let target: Target;
let client: Client;
const mark = `paging-${randomUUID()}`;
/** As shown; many have equal names, formats, sizes, statuses and seconds, or none. */
let images: Json[];

const keys = ['name', 'status', 'container_format', 'disk_format', 'size', 'id', 'created_at', 'updated_at'];

before(async () => {
  target = await openTarget();
  client = new Client(target);
  const names = ['b', null, 'a', 'B', '', null, 'a', 'ä', 'b'];
  const ids: string[] = [];
  for (let i = 0; i < 27; i += 1) {
    const fields = {
      name: names[i % names.length],
      disk_format: i % 3 === 0 ? null : 'raw',
      container_format: i % 3 === 0 ? null : i % 3 === 1 ? 'bare' : 'ova',
      tags: [mark, 'second tag'],
    };
    ids.push((await client.create(fields)).id);
  }
  for (const id of ids.filter((_, i) => i % 9 === 1))
    await client.upload(id, bytes(100 + ids.indexOf(id) * 5));
  for (const id of ids.filter((_, i) => i % 9 === 4)) await client.upload(id, bytes(100));
  images = await Promise.all(ids.map(async (id) => (await client.show(id)).json));
});
after(() => target.close());

/** Every image on the way from the first page through all `next` links. */
async function walk(first: string): Promise<Json[]> {
  const seen: Json[] = [];
  let path: string | undefined = first;
  while (path !== undefined) {
    const { status, json }: Json = await client.get(path);
    assert.equal(status, 200, path);
    assert.equal(json.schema, '/v2/schemas/images');
    seen.push(...json.images);
    assert.ok(seen.length <= 100, 'the walk ends');
    path = json.next;
  }
  return seen;
}

/** Nulls are lowest; text goes by code point. */
function compare(a: Json, b: Json): number {
  if (a === b) return 0;
  if (a === null || b === null) return a === null ? -1 : 1;
  if (typeof a === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return a < b ? -1 : 1;
}

/** Fails unless the images stand in this order; ties that the record does not decide may stand either way. */
function checkOrder(seen: Json[], order: readonly (readonly [string, string])[]): void {
  for (const [index, image] of seen.slice(1).entries()) {
    const before = seen[index];
    for (const [key, direction] of order) {
      const compared = compare(before[key], image[key]) * (direction === 'asc' ? 1 : -1);
      assert.ok(compared <= 0, `${key}: ${before[key]} stands before ${image[key]}`);
      if (compared < 0 || key.endsWith('_at')) break;
    }
  }
}

function checkComplete(seen: Json[]): void {
  assert.deepEqual(seen.map(({ id }) => id).sort(), images.map(({ id }) => id).sort());
}

const losesNulls = differs('Paging by a key that some images lack loses images or never ends.');

for (const key of keys)
  for (const direction of ['asc', 'desc'])
    test(`by ${key} ${direction} every image comes once, in order, whatever the page size`, {
      skip: (key === 'name' || key === 'size') && losesNulls,
    }, async () => {
      const whole = await walk(`/v2/images?tag=${mark}&limit=1000&sort=${key}:${direction}`);
      checkComplete(whole);
      checkOrder(whole, [[key, direction]]);
      for (const limit of [1, 4, 27]) {
        const order = limit === 4 ? `sort_key=${key}&sort_dir=${direction}` : `sort=${key}:${direction}`;
        const paged = await walk(`/v2/images?tag=${mark}&limit=${limit}&${order}`);
        assert.deepEqual(
          paged.map(({ id }) => id),
          whole.map(({ id }) => id),
          `limit ${limit}`,
        );
      }
    });

test('several keys count one after the other', { skip: losesNulls }, async () => {
  const orders: [string, [string, string][]][] = [
    [
      'sort=name:asc,size:desc,id:asc',
      [
        ['name', 'asc'],
        ['size', 'desc'],
        ['id', 'asc'],
      ],
    ],
    [
      'sort=disk_format,name:asc',
      [
        ['disk_format', 'desc'],
        ['name', 'asc'],
      ],
    ],
    [
      'sort=status:desc,container_format:asc',
      [
        ['status', 'desc'],
        ['container_format', 'asc'],
      ],
    ],
    [
      'sort_key=name&sort_dir=asc&sort_key=id&sort_dir=desc',
      [
        ['name', 'asc'],
        ['id', 'desc'],
      ],
    ],
    [
      'sort_key=size&sort_key=name&sort_dir=asc',
      [
        ['size', 'asc'],
        ['name', 'asc'],
      ],
    ],
    [
      'sort_key=size&sort_key=id',
      [
        ['size', 'desc'],
        ['id', 'desc'],
      ],
    ],
    ['sort_dir=asc', [['created_at', 'asc']]],
    [
      'sort=name:asc,name:desc,id:asc',
      [
        ['name', 'asc'],
        ['id', 'asc'],
      ],
    ],
    [
      'sort=%20name%20:%20asc%20,%20id:asc',
      [
        ['name', 'asc'],
        ['id', 'asc'],
      ],
    ],
  ];
  for (const [query, order] of orders) {
    const seen = await walk(`/v2/images?tag=${mark}&limit=5&${query}`);
    checkComplete(seen);
    checkOrder(seen, order);
  }
});

test('ties go the way of a single direction, by creation and then id', async () => {
  for (const direction of ['asc', 'desc']) {
    const seen = await walk(`/v2/images?tag=${mark}&limit=6&sort=disk_format:${direction}`);
    checkOrder(seen, [
      ['disk_format', direction],
      ['created_at', direction],
    ]);
    const times = await walk(`/v2/images?tag=${mark}&limit=6&sort=created_at:${direction}`);
    const formatted = times.map(({ disk_format, id }) => [disk_format, id]);
    const expected = [null, 'raw'].flatMap((format) => formatted.filter(([own]) => own === format));
    if (direction === 'desc') expected.sort(([a], [b]) => compare(b, a));
    assert.deepEqual(
      seen.map(({ disk_format, id }) => [disk_format, id]),
      expected,
    );
  }
});

test('the newest comes first unless asked otherwise', async () => {
  const plain = await walk(`/v2/images?tag=${mark}&limit=7`);
  checkComplete(plain);
  const explicit = await walk(`/v2/images?tag=${mark}&limit=7&sort=created_at:desc,id:desc`);
  assert.deepEqual(plain, explicit);
  const [latest] = (await client.get(`/v2/images?tag=${mark}&sort=created_at:desc&limit=1`)).json.images;
  assert.equal(latest.id, images.at(-1).id);
});

test('a page has 25 images unless asked otherwise', async () => {
  const { images: page, next } = (await client.get(`/v2/images?tag=${mark}`)).json;
  assert.equal(page.length, 25);
  assert.equal(next, `/v2/images?tag=${mark}&marker=${page[24].id}`);
  assert.equal((await client.get(next)).json.images.length, 2);
});

test('default and greatest limit are configurable', { skip: needsOwnServer }, async () => {
  const own = await openTarget({ images: { limitDefault: 2, limitMax: 3 } });
  try {
    const other = new Client(own);
    for (let i = 0; i < 5; i += 1) await other.create();
    assert.equal((await other.ids('')).length, 2);
    assert.equal((await other.ids('limit=2')).length, 2);
    const { images: page, next } = (await other.get('/v2/images?limit=500')).json;
    assert.equal(page.length, 3);
    assert.equal(next, `/v2/images?limit=500&marker=${page[2].id}`, 'the limit is echoed as given');
  } finally {
    await own.close();
  }
});

test('limit 0 is an empty page, a huge limit the greatest one', async () => {
  const empty = (await client.get(`/v2/images?tag=${mark}&limit=0`)).json;
  assert.deepEqual(empty, {
    images: [],
    first: `/v2/images?tag=${mark}&limit=0`,
    schema: '/v2/schemas/images',
  });
  for (const limit of ['1001', '99999999999999999999999', '00027'])
    assert.equal((await client.ids(`tag=${mark}&limit=${limit}`)).length, 27);
});

test('next is there exactly when the page was full, and never null', async () => {
  for (const [limit, more] of [
    [26, true],
    [27, true],
    [28, false],
    [1000, false],
  ] as const) {
    const { json, body } = await client.get(`/v2/images?tag=${mark}&limit=${limit}`);
    assert.equal(Object.hasOwn(json, 'next'), more, `limit ${limit}`);
    assert.ok(!body.toString().includes('"next":null'));
  }
  const last = (await client.get(`/v2/images?tag=${mark}&limit=27`)).json;
  const beyond = (await client.get(last.next)).json;
  assert.deepEqual(beyond.images, []);
  assert.equal(beyond.next, undefined);
});

const losesRepeated = differs('Of a repeated parameter links carry the last alone.');

test('links begin with /v2 and carry every parameter, the marker replaced', async () => {
  const odd = 'ä &=+#%?/"';
  const pairs: [string, string][] = [
    ['limit', '3'],
    ['name', 'in:a,"b"'],
    ['sort_key', 'name'],
    ['sort_key', 'id'],
    ['sort_dir', 'asc'],
    ['sort_dir', 'desc'],
    ['tag', mark],
    ['tag', 'second tag'],
  ];
  const query = new URLSearchParams(pairs);
  const { first, next, images: page } = (await client.get(`/v2/images?${query}`)).json;
  for (const [link, marker] of [
    [first, []],
    [next, [['marker', page[2].id]]],
  ] as const) {
    assert.match(link, /^\/v2\/images\?/);
    const carried = [...new URL(link, target.url).searchParams];
    const expected = [...pairs, ...marker] as [string, string][];
    const last = (all: [string, string][]) => (losesRepeated === false ? all : [...new Map(all)]);
    assert.deepEqual(last(carried).sort(), last(expected).sort());
  }
  assert.match(next, /[?&]limit=3(&|$)/, 'clients edit that text');
  const again = (await client.get(next)).json;
  assert.equal(again.first, first);
  assert.ok(!again.first.includes('marker'));
  const strange = (await client.get(`/v2/images?${new URLSearchParams({ [odd]: odd })}`)).json;
  assert.deepEqual([...new URL(strange.first, target.url).searchParams], [[odd, odd]]);
});

test('tags survive the walk', { skip: losesRepeated }, async () => {
  const other = await client.create({ tags: [mark] });
  const seen = await walk(`/v2/images?tag=${mark}&tag=second%20tag&limit=10`);
  checkComplete(seen);
  await client.delete(`/v2/images/${other.id}`);
});

test('a walk goes on past changes made meanwhile', async () => {
  const extra = await Promise.all(
    Array.from({ length: 6 }, () => client.create({ tags: [`${mark}-moving`] })),
  );
  const page = (await client.get(`/v2/images?tag=${mark}-moving&limit=3&sort=id:asc`)).json;
  const rest = extra
    .map(({ id }) => id)
    .sort()
    .slice(3);
  await client.delete(`/v2/images/${page.images[0].id}`);
  await client.delete(`/v2/images/${rest[0]}`);
  const next = (await client.get(page.next)).json;
  assert.deepEqual(
    next.images.map(({ id }: Json) => id),
    rest.slice(1),
  );
});
