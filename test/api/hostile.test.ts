/** Hostile input to every route: never a 5xx, never a hang, always the one error shape. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Route, routes } from '@tintype/contract';
import fc from 'fast-check';
import { differs, openTarget, type Target } from '../support/target.ts';
import { bytes } from './bytes.ts';
import { type Answer, type Call, Client, raw } from './client.ts';
import {
  hostileDocument as document,
  hostileNumber as number,
  hostileStrings as strings,
  hostileText as text,
} from './hostile-values.ts';
import { exchange, head } from './raw-socket.ts';

const skip = differs('Some hostile input is 500.');
const table = Object.values(routes) as Route[];
let target: Target;
let client: Client;
let image: string;

before(async () => {
  target = await openTarget();
  client = new Client(target);
  image = (await client.createActive(bytes(1000), { tags: ['there'], os_distro: 'debian' })).id;
});
after(async () => {
  const failures = (target.server?.log ?? [])
    .map((line) => JSON.parse(line))
    .filter(({ level }) => level >= 50);
  await target.close();
  assert.deepEqual(failures, [], 'no request made the server fail');
});

/** Milliseconds an answer may take, on a machine that does other things too. */
const patienceMs = 15_000;

/** Whatever was sent: an answer of the contract, in time, that is not the server's fault. */
async function survive(method: string, path: string, call: Call = {}): Promise<Answer> {
  const signal = AbortSignal.timeout(patienceMs);
  const answer = await client.call(method, path, { ...call, signal });
  assert.ok(answer.status < 500 || answer.status === 501, `${method} ${path}: ${answer.status}`);
  if (answer.status === 201) await client.delete(`/v2/images/${answer.json.id}`);
  return answer;
}

const baseNames = [
  'name',
  'id',
  'visibility',
  'protected',
  'os_hidden',
  'owner',
  'disk_format',
  'container_format',
];
const moreNames = [
  'min_disk',
  'min_ram',
  'tags',
  'status',
  'size',
  'locations',
  'kernel_id',
  'os_glance_x',
  'self',
];
const attribute = fc.oneof(fc.constantFrom(...baseNames, ...moreNames), text);
const record = fc.dictionary(attribute, document.value, { maxKeys: 5 });
const operation = fc.record(
  {
    op: fc.oneof(fc.constantFrom('add', 'remove', 'replace', 'test'), document.value),
    path: fc.oneof(
      attribute.map((name) => `/${name}`),
      document.value,
    ),
    value: document.value,
  },
  { requiredKeys: [] },
);

/** Times the usual number of runs. */
const factor = Number(process.env.TINTYPE_TEST_RUNS ?? 1);

/** A failure tells the seed to repeat it with. */
async function often<T>(runs: number, property: fc.IAsyncProperty<T>): Promise<void> {
  await fc.assert(property, { numRuns: Math.ceil(runs * factor), endOnFailure: true, verbose: 1 });
}

test('documents of any content, to create', { skip }, async () => {
  await often(
    100,
    fc.asyncProperty(fc.oneof(record, document.value), async (json) => {
      await survive('POST', '/v2/images', { json });
    }),
  );
});

test('patches of any content, in both forms', { skip }, async () => {
  await often(
    100,
    fc.asyncProperty(
      fc.oneof(fc.array(operation, { maxLength: 4 }), document.value),
      fc.constantFrom('v2.0', 'v2.1'),
      async (json, form) => {
        const headers = { 'Content-Type': `application/openstack-images-${form}-json-patch` };
        await survive('PATCH', `/v2/images/${image}`, { json, headers });
      },
    ),
  );
});

test('bytes of any kind where a document belongs', { skip }, async () => {
  const seeds = ['{"name":"x"}', '[{"op":"add","path":"/a","value":"b"}]', '{"tags":["a","b"]}'];
  const mangled = fc
    .tuple(fc.constantFrom(...seeds), fc.nat(40), fc.uint8Array({ maxLength: 6 }), fc.nat(3))
    .map(([seed, at, inserted, removed]) => {
      const source = Buffer.from(seed);
      return Buffer.concat([source.subarray(0, at), inserted, source.subarray(at + removed)]);
    });
  await often(
    80,
    fc.asyncProperty(
      fc.oneof(
        mangled,
        fc.uint8Array({ maxLength: 60 }).map((body) => Buffer.from(body)),
      ),
      fc.constantFrom('POST', 'PATCH'),
      fc.boolean(),
      async (body, method, chunked) => {
        const path = method === 'POST' ? '/v2/images' : `/v2/images/${image}`;
        const headers = { 'Content-Type': 'application/openstack-images-v2.1-json-patch' };
        await survive(method, path, { body, chunked, headers });
      },
    ),
  );
});

const parameters = [
  ...['limit', 'marker', 'sort', 'sort_key', 'sort_dir', 'visibility', 'member_status', 'owner', 'os_hidden'],
  ...['protected', 'tag', 'size_min', 'size_max', 'created_at', 'updated_at', 'name', 'id', 'status', 'size'],
  ...[
    'min_ram',
    'min_disk',
    'checksum',
    'os_hash_value',
    'virtual_size',
    'disk_format',
    'foo_min',
    'locations',
  ],
  ...['changes-since', 'os_distro', '__proto__', 'constructor', 'prefer'],
];
const operatorText = fc
  .tuple(fc.constantFrom('in:', 'gt:', 'gte:', 'lt:', 'neq:', 'eq:', '-', '"', ''), text)
  .map(([operator, rest]) => operator + rest);

test('queries of any content', { skip }, async () => {
  const pair = fc.tuple(
    fc.oneof(fc.constantFrom(...parameters), text),
    fc.oneof(text, operatorText, number.map(String)),
  );
  await often(
    150,
    fc.asyncProperty(fc.array(pair, { maxLength: 5 }), fc.boolean(), async (pairs, encoded) => {
      const query = encoded
        ? new URLSearchParams(
            pairs.map(([name, value]): [string, string] => [name.toWellFormed(), value.toWellFormed()]),
          ).toString()
        : encodeURI(
            pairs
              .map((one) => one.join('='))
              .join('&')
              .toWellFormed(),
          ).slice(0, 20_000);
      const answer = await survive('GET', `/v2/images?${query}`);
      if (answer.status === 200 && answer.json.next !== undefined) await survive('GET', answer.json.next);
    }),
  );
});

test('paths of any content, with every method', { skip }, async () => {
  const segment = fc.oneof(
    text.map((one) => encodeURIComponent(one.toWellFormed())),
    fc.constantFrom(
      'v2',
      'v2.5',
      'images',
      'file',
      'tags',
      'tasks',
      'schemas',
      'image',
      '..',
      '.',
      '%2e%2e',
      '%2F',
      '%00',
    ),
    fc.constantFrom('%c0%af', '%', '%zz', ';', 'a;b', '*', '~', '%5c', '%u0041', 'x'.repeat(3000)),
    fc.constant('IMAGE'),
  );
  await often(
    150,
    fc.asyncProperty(
      fc.constantFrom('GET', 'PUT', 'POST', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'PROPFIND'),
      fc.constantFrom(
        '/',
        '/v2/',
        '/v2/images/',
        '/v2/images/IMAGE/tags/',
        '/v2/images/IMAGE/',
        '/v2/schemas/',
      ),
      fc.array(segment, { maxLength: 4 }),
      async (method, start, segments) => {
        const path = (start + segments.join('/')).replaceAll('IMAGE', method === 'DELETE' ? 'other' : image);
        if (method === 'DELETE' && path === `/v2/images/${image}`) return;
        await survive(method, path);
      },
    ),
  );
});

/** Values that can stand in a header at all. */
const headerText = fc.oneof(
  fc.constantFrom(...strings.filter((one) => /^[\t\x20-\x7e\x80-\xff]*$/.test(one))),
  fc.string({ unit: 'grapheme-ascii', maxLength: 30 }).filter((one) => /^[\x20-\x7e]*$/.test(one)),
);
const headerNames = [
  ...[
    'Range',
    'If-Range',
    'If-Match',
    'If-None-Match',
    'Content-Range',
    'Accept',
    'Content-Type',
    'Accept-Encoding',
  ],
  ...['X-OpenStack-Image-Size', 'X-Image-Meta-Store', 'X-Tintype-Expected-Digest', 'X-Openstack-Request-Id'],
  ...['Content-Encoding', 'Origin', 'Upgrade', 'TE', 'X-Forwarded-For', 'X-Forwarded-Host', 'Via', 'Cookie'],
  ...[
    'X-Auth-Token',
    'X-Service-Token',
    'Authorization',
    'Accept-Version',
    'Content-Length-X',
    'X-HTTP-Method-Override',
  ],
];

/** What happens from now on is told for ever. */
function endOf({ path }: { readonly path: string }): string {
  return path === '/v2/events' ? '?follow=false' : '';
}

test('headers of any content, on every route', { skip }, async () => {
  const { id: queued } = await client.create(raw);
  await often(
    200,
    fc.asyncProperty(
      fc.constantFrom(...table),
      fc.dictionary(fc.constantFrom(...headerNames), headerText, { maxKeys: 4 }),
      async (route, headers) => {
        const id = route.method === 'DELETE' || route.body === 'data' ? queued.slice(0, -1) : image;
        const path = route.path.replace(':image_id', id).replace(':tag', 'there') + endOf(route);
        const body = route.body === 'none' ? undefined : Buffer.from(route.body === 'json' ? '[]' : 'data');
        await survive(route.method, path, { headers, body });
      },
    ),
  );
});

test('uploads with announcements of any content', { skip }, async () => {
  const announcement = fc.oneof(
    headerText,
    fc.constantFrom('5', '05', '0', '4', '6', `md5=${'0'.repeat(32)}`, 'sha256=', 'md5=0,md5=1', 'sha512=é'),
  );
  const names = [
    'X-OpenStack-Image-Size',
    'X-Image-Meta-Store',
    'X-Tintype-Expected-Digest',
    'Content-Encoding',
  ];
  await often(
    40,
    fc.asyncProperty(
      fc.dictionary(fc.constantFrom(...names), announcement, { maxKeys: 2 }),
      fc.boolean(),
      fc.uint8Array({ maxLength: 600 }),
      async (headers, chunked, data) => {
        const { id } = await client.create(raw);
        const sent = { 'Content-Type': 'application/octet-stream', ...headers };
        const answer = await survive('PUT', `/v2/images/${id}/file`, {
          body: Buffer.from(data),
          chunked,
          headers: sent,
        });
        const record = (await client.show(id)).json;
        assert.equal(record.status, answer.status === 204 ? 'active' : 'queued');
        if (answer.status === 204) assert.deepEqual((await client.download(id)).body, Buffer.from(data));
        await client.delete(`/v2/images/${id}`);
      },
    ),
  );
});

const nested: Record<string, (depth: number) => string> = {
  lists: (depth) => '['.repeat(depth) + ']'.repeat(depth),
  objects: (depth) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`,
  'an operation': (depth) => `[{"op":${'['.repeat(depth)}${']'.repeat(depth)},"path":"/a"}]`,
  'a path': (depth) => `[{"op":"add","path":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)},"value":"x"}]`,
  'a value': (depth) => `[{"op":"add","path":"/a","value":${'['.repeat(depth)}${']'.repeat(depth)}}]`,
  'a property': (depth) => `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`,
  'half of lists': (depth) => '['.repeat(depth),
};

for (const [what, write] of Object.entries(nested))
  test(`${what}, nested deeply`, { skip }, async () => {
    for (const depth of [10, 1000, 2500, 3000, 3500, 5000, 20_000, 150_000]) {
      const body = Buffer.from(write(depth));
      const headers = { 'Content-Type': 'application/openstack-images-v2.1-json-patch' };
      for (const [method, path] of [
        ['POST', '/v2/images'],
        ['PATCH', `/v2/images/${image}`],
      ] as const) {
        const { status, body: refusal } = await survive(method, path, { body, headers });
        assert.ok(status === 400 || status === 413, `${status}`);
        assert.ok(refusal.length < 5000, 'a refusal does not repeat the request');
      }
    }
  });

const excesses: Record<string, () => Promise<unknown>> = {
  'a thousand keys': () =>
    survive('POST', '/v2/images', {
      json: Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`k${i}`, 'v'])),
    }),
  'a key of a mebibyte': () => survive('POST', '/v2/images', { json: { ['k'.repeat(1 << 20)]: 'v' } }),
  'a reserved key of half a mebibyte': () =>
    survive('POST', '/v2/images', { json: { [`os_glance${'k'.repeat(1 << 19)}`]: 'v' } }),
  'a value of a mebibyte': () => survive('POST', '/v2/images', { json: { k: 'v'.repeat((1 << 20) - 20) } }),
  'a hundred thousand tags': () =>
    survive('POST', '/v2/images', { json: { tags: Array.from({ length: 100_000 }, (_, i) => `${i}`) } }),
  'a hundred thousand wrong tags': () =>
    survive('POST', '/v2/images', { json: { tags: Array(100_000).fill(5) } }),
  'digits without end': () =>
    survive('POST', '/v2/images', { body: Buffer.from(`{"min_disk":${'9'.repeat(100_000)}}`) }),
  'an exponent without end': () =>
    survive('POST', '/v2/images', { body: Buffer.from(`{"min_disk":1e${'9'.repeat(1000)}}`) }),
  'thousands of filters': () =>
    survive('GET', `/v2/images?${Array.from({ length: 5000 }, (_, i) => `${i.toString(36)}=`).join('&')}`),
  'thousands of tags to filter by': () =>
    survive(
      'GET',
      `/v2/images?visibility=all&${Array.from({ length: 3500 }, (_, i) => `tag=${i}`).join('&')}`,
    ),
  'thousands of values to choose from': () => survive('GET', `/v2/images?id=in:${','.repeat(30_000)}`),
  'thousands of quotes': () => survive('GET', `/v2/images?name=in:${'"'.repeat(30_000)}`),
  'thousands of sort keys': () => survive('GET', `/v2/images?sort=${'name,'.repeat(6000)}id`),
  'thousands of repeated sort keys': () => survive('GET', `/v2/images?${'sort_key=id&'.repeat(2500)}`),
  'a limit beyond all bounds': () => survive('GET', `/v2/images?limit=${'9'.repeat(20_000)}`),
  'thousands of ranges': () =>
    survive('GET', `/v2/images/${image}/file`, { headers: { Range: `bytes=${'0-1,'.repeat(7000)}` } }),
  'a range of digits without end': () =>
    survive('GET', `/v2/images/${image}/file`, { headers: { Range: `bytes=${'9'.repeat(30_000)}-` } }),
  'a range of blanks': () =>
    survive('GET', `/v2/images/${image}/file`, { headers: { Range: `bytes=${' '.repeat(30_000)}x` } }),
  'thousands of ETags': () =>
    survive('GET', `/v2/images/${image}`, { headers: { 'If-None-Match': '"x",'.repeat(7000) } }),
  'quotes without end in ETags': () =>
    survive('GET', `/v2/images/${image}`, { headers: { 'If-Match': '"'.repeat(30_001) } }),
  'thousands of digests': () =>
    survive('PUT', `/v2/images/${image}/file`, {
      body: Buffer.alloc(1),
      headers: {
        'Content-Type': 'application/octet-stream',
        'X-Tintype-Expected-Digest': 'md5=0,'.repeat(5000),
      },
    }),
  'a time of digits without end': () => survive('GET', `/v2/images?created_at=gt:${'2'.repeat(20_000)}`),
  'a time of blanks': () => survive('GET', `/v2/images?created_at=2026-01-01T00:00${'%20'.repeat(9000)}x`),
  'a path without end': () => survive('GET', `/v2/images/${'a/'.repeat(14_000)}`),
  'a media type without end': () =>
    survive('PATCH', `/v2/images/${image}`, {
      json: [],
      headers: { 'Content-Type': `application/openstack-images-v2.1-json-patch;${' '.repeat(30_000)}` },
    }),
  'an Accept without end': () =>
    survive('GET', '/images', { headers: { Accept: 'application/vnd.openstack.images-v'.repeat(900) } }),
};

for (const [what, attempt] of Object.entries(excesses))
  test(`${what}`, { skip }, async () => {
    const started = performance.now();
    await attempt();
    assert.ok(performance.now() - started < 10_000, 'it keeps nobody waiting');
  });

test('attacks at the same time do not stop the service', { skip }, async () => {
  const attacks = Object.values(excesses).slice(0, 16);
  const running = Promise.all(attacks.map((attempt) => attempt()));
  const fair = new Client(await Promise.resolve(target));
  assert.equal((await fair.show(image)).status, 200);
  await running;
});

test('escapes from the store are no image ids', { skip }, async () => {
  for (const id of [
    '..',
    '../',
    '..%2f',
    '%2e%2e/%2e%2e/etc/passwd',
    '....//',
    '%2e%2e%5c',
    `${'..%2f'.repeat(20)}etc%2fpasswd`,
    `${image}%00`,
    `${image}%2f..`,
    `${image}.`,
    `%20${image}`,
  ])
    for (const end of ['', '/file', '/tasks', '/tags/x']) {
      const answer = await exchange(target, head(target, 'caller', `GET /v2/images/${id}${end}`));
      assert.ok([404, 405].includes(answer.status), `${id}${end}: ${answer.status}`);
      assert.ok(!answer.body.includes('root:'));
    }
});

test('nothing was changed by all this', { skip }, async () => {
  // Among the calls were well-formed ones that take an image out of service and put it back.
  assert.equal((await client.call('POST', `/v2/images/${image}/actions/reactivate`)).status, 204);
  assert.equal(await client.status(image), 'active');
  assert.deepEqual((await client.download(image)).body, bytes(1000));
  assert.equal(({} as { polluted?: string }).polluted, undefined);
});
