/** Every row of the route table, asked almost as it wants: never a 5xx, never a hang, always the one error shape. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { type Route, routes } from '@tintype/contract';
import fc from 'fast-check';
import { differs, openTarget, type Target } from '../support/target.ts';
import { bytes } from './bytes.ts';
import { type Call, Client, type Json, raw } from './client.ts';
import { hostileText } from './hostile-values.ts';
import { spoiledBodies } from './schema-values.ts';

const skip = differs('Some hostile input is 500.');
const table = Object.entries(routes) as [string, Route][];
const data = bytes(1000);
let target: Target;
let client: Client;
/** Nothing that is sent here is meant to change it. */
let bystander: Json;

before(async () => {
  target = await openTarget({
    stores: ['one', 'two'].map((id) => ({ id, type: 'file' as const })),
  });
  client = new Client(target, 'admin');
  if (skip !== false) return;
  bystander = await client.createActive(data, { tags: ['there'], os_distro: 'debian' });
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

/** Times the usual number of runs. */
const factor = Number(process.env.TINTYPE_TEST_RUNS ?? 1);

/** What paths name, by the name of the parameter. */
type Names = Readonly<Record<string, string>>;
/** Of a shared image to be changed, taken out of service, deleted; null: to be made. */
let victim: Names | null = null;
const space = {
  namespace: 'Space',
  objects: [{ name: 'there' }],
  properties: { there: { title: 'There', type: 'string' } },
  tags: [{ name: 'there' }],
  resource_type_associations: [{ name: 'there' }],
};

async function survive(route: Route, spoiled: string, call: Call): Promise<void> {
  const signal = AbortSignal.timeout(patienceMs);
  // What happens from now on would be told for ever.
  const path = route.path === '/v2/events' ? withFollow(spoiled) : spoiled;
  const answer = await client.call(route.method, path, { ...call, signal });
  const { status, body } = answer;
  assert.ok(status < 500 || status === 501, `${route.method} ${path}: ${status} ${body}`);
  if (status >= 400) assert.ok(body.length < 5000, 'a refusal does not repeat the request');
  if (status === 201 && route.path === '/v2/images') await client.delete(`/v2/images/${answer.json.id}`);
  if (status === 201 && route.path === '/v2/metadefs/namespaces')
    await client.delete(`${route.path}/${encodeURIComponent(answer.json.namespace)}`);
  if (route.method === 'DELETE' && status < 300) victim = null;
}

function withFollow(path: string): string {
  const url = new URL(path, 'http://server');
  url.searchParams.set('follow', 'false');
  return `${url.pathname}${url.search}`;
}

/** Everything that the path can name is there, whatever earlier requests did. */
async function namesFor(route: Route): Promise<Names> {
  victim ??= await makeVictim();
  if (route.path.includes(':namespace')) await client.post('/v2/metadefs/namespaces', space);
  return victim;
}

async function makeVictim(): Promise<Names> {
  const { id } = await client.create({ ...raw, tags: ['there'] });
  await client.post(`/v2/images/${id}/members`, { member: 'there' });
  // Refused data leaves a task.
  await client.upload(id, data, { 'X-OpenStack-Image-Size': '1' });
  const [task] = await client.tasks(id);
  return {
    ':image_id': id,
    ':task_id': task?.id ?? 'none',
    ':namespace': space.namespace,
    ':store_id': 'one',
  };
}

const oddSegments = ['..', '%2e%2e%2f', '%00', '%ff', '%c0%af', '%', ';', randomUUID()];

/** A segment that the path wants, or anything that can stand in its place. */
const segment = fc.oneof(
  { weight: 3, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.constantFrom(...oddSegments) },
  { weight: 1, arbitrary: hostileText.map((text) => encodeURIComponent(text.toWellFormed())) },
);

function pathOf(route: Route, names: Names, segments: readonly (string | null)[]): string {
  let next = 0;
  return route.path.replaceAll(/:\w+/g, (name) => segments[next++] ?? names[name] ?? 'there');
}

/** Names that the route knows, with values that it may not. */
function queryOf(route: Route): fc.Arbitrary<string> {
  const known = Object.keys((route.query as { properties?: object } | undefined)?.properties ?? {});
  const name = fc.constantFrom('limit', 'marker', '__proto__', 'constructor', ...known);
  return fc
    .array(fc.tuple(name, hostileText), { maxLength: 3 })
    .map((pairs) =>
      new URLSearchParams(
        pairs.map(([key, value]): [string, string] => [key, value.toWellFormed()]),
      ).toString(),
    );
}

function typeOf(route: Route): string {
  return route.body === 'data' ? 'application/octet-stream' : (route.consumes?.[0] ?? 'application/json');
}

for (const [name, route] of table)
  test(`${name}: whatever stands in its path, its query and its body`, { skip }, async () => {
    const bodies =
      route.body === 'data'
        ? fc.uint8Array({ maxLength: 50 }).map((one) => Buffer.from(one))
        : spoiledBodies(route.request ?? {});
    const property = fc.asyncProperty(
      fc.array(segment, { maxLength: 3 }),
      queryOf(route),
      fc.option(bodies, { freq: route.body === 'none' ? 1 : 10 }),
      fc.boolean(),
      async (segments, query, body, chunked) => {
        const path = pathOf(route, await namesFor(route), segments);
        const headers = { 'Content-Type': typeOf(route) };
        await survive(route, query === '' ? path : `${path}?${query}`, {
          headers,
          chunked,
          ...(body === null ? {} : { body }),
        });
      },
    );
    await fc.assert(property, { numRuns: Math.ceil(25 * factor), endOnFailure: true, verbose: 1 });
  });

for (const [name, route] of table.filter(([, { path }]) => path.includes(':')))
  test(`${name}: odd segments in every place of its path`, { skip }, async () => {
    const headers = { 'Content-Type': typeOf(route) };
    const body = route.body === 'none' ? {} : { body: Buffer.from('{}') };
    for (const [place] of [...route.path.matchAll(/:\w+/g)].entries())
      for (const odd of oddSegments) {
        const segments = [...Array<null>(place).fill(null), odd];
        await survive(route, pathOf(route, await namesFor(route), segments), { headers, ...body });
      }
  });

/** A body in an encoding that nobody asked for. */
const encodings: Record<string, (body: Buffer) => Buffer> = {
  gzip: (body) => gzipSync(body),
  deflate: (body) => deflateSync(body),
  br: (body) => brotliCompressSync(body),
  'gzip, gzip': (body) => gzipSync(gzipSync(body)),
  identity: (body) => body,
  zstd: (body) => body,
  'x-nothing, ,': (body) => body,
};

for (const [name, route] of table)
  test(`${name}: whatever its headers say of its body`, { skip }, async () => {
    const document = Buffer.from(JSON.stringify({ name: 'x', namespace: 'x' }));
    const types = [
      'application/json; charset=utf-16',
      'multipart/form-data; boundary=x',
      'text/plain;;;=',
      'application/openstack-images-v2.1-json-patch',
      'x'.repeat(5000),
    ];
    const attempts = [
      ...Object.keys(encodings).map((encoding) => ({ encoding, type: typeOf(route) })),
      ...types.map((type) => ({ encoding: 'identity', type })),
    ];
    for (const { encoding, type } of attempts) {
      const path = pathOf(route, await namesFor(route), []);
      const headers = { 'Content-Type': type, 'Content-Encoding': encoding };
      await survive(route, path, { headers, body: encodings[encoding]!(document) });
    }
  });

/** Headers that some route reads, with values that it may not like. */
const headerNames = [
  ...['X-Image-Meta-Store', 'X-OpenStack-Image-Size', 'X-Tintype-Expected-Digest', 'X-Openstack-Append'],
  ...[
    'Range',
    'Content-Range',
    'If-Match',
    'If-None-Match',
    'If-Range',
    'Accept',
    'Accept-Encoding',
    'Origin',
  ],
  ...['X-Openstack-Request-Id', 'X-Auth-Token', 'X-Service-Token', 'X-Service-Roles', 'X-Project-Id'],
  ...['X-Forwarded-Proto', 'X-Forwarded-Host', 'X-Forwarded-Prefix', 'Access-Control-Request-Method'],
];
const headerValue = fc.oneof(
  fc.constantFrom('bytes=0-', 'bytes=9007199254740993-', 'bytes=5-1,3', 'one', 'md5=x', '"x"', '*', 'True'),
  // Node's client sends nothing else.
  hostileText.map((text) => text.replaceAll(/[^\x20-\x7e\xa0-\xff]/g, '')),
);
const methods = ['GET', 'PUT', 'POST', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND'];

for (const [name, route] of table)
  test(`${name}: whatever its headers and its method are`, { skip }, async () => {
    const headers = fc.dictionary(fc.constantFrom(...headerNames), headerValue, {
      maxKeys: 4,
      noNullPrototype: true,
    });
    const method = fc.option(fc.constantFrom(...methods), { freq: 2 });
    const property = fc.asyncProperty(headers, method, async (more, other) => {
      const path = pathOf(route, await namesFor(route), []);
      const body = route.body === 'none' ? {} : { body: Buffer.from('{}') };
      const call = { headers: { 'Content-Type': typeOf(route), ...more }, ...body };
      await survive({ ...route, method: (other ?? route.method) as Route['method'] }, path, call);
    });
    await fc.assert(property, { numRuns: Math.ceil(15 * factor), endOnFailure: true, verbose: 1 });
  });

test('what nobody named is as it was', { skip }, async () => {
  assert.deepEqual((await client.show(bystander.id)).json, bystander);
  assert.deepEqual((await client.download(bystander.id)).body, data);
  assert.equal(({} as { admin?: unknown }).admin, undefined);
  assert.equal((await client.get('/v2/images?limit=1')).status, 200);
});
