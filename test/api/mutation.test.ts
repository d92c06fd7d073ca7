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
  target = await openTarget();
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

/** An image to be changed, taken out of service, deleted; null: to be made. */
let victim: { readonly id: string } | null = null;

async function survive(route: Route, path: string, call: Call): Promise<void> {
  const signal = AbortSignal.timeout(patienceMs);
  const answer = await client.call(route.method, path, { ...call, signal });
  const { status, body } = answer;
  assert.ok(status < 500 || status === 501, `${route.method} ${path}: ${status} ${body}`);
  if (status >= 400) assert.ok(body.length < 5000, 'a refusal does not repeat the request');
  if (status === 201 && route.path === '/v2/images') await client.delete(`/v2/images/${answer.json.id}`);
  if (route.method === 'DELETE' && status < 300) victim = null;
}

async function takeVictim(): Promise<string> {
  const { id } = victim ?? (await client.create({ ...raw, tags: ['there'] }));
  victim = { id };
  return id;
}

/** A segment that the path wants, or anything that can stand in its place. */
const segment = fc.oneof(
  { weight: 3, arbitrary: fc.constant(null) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('..', '%2e%2e%2f', '%00', '%ff', '%c0%af', '%', ';', randomUUID()),
  },
  { weight: 1, arbitrary: hostileText.map((text) => encodeURIComponent(text.toWellFormed())) },
);

function pathOf(route: Route, image: string, segments: readonly (string | null)[]): string {
  let next = 0;
  return route.path.replaceAll(/:\w+/g, (name) => {
    const wanted = name === ':image_id' ? image : name === ':namespace' ? 'Space' : 'there';
    return segments[next++] ?? wanted;
  });
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
        const path = pathOf(route, await takeVictim(), segments);
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
      const path = pathOf(route, await takeVictim(), []);
      const headers = { 'Content-Type': type, 'Content-Encoding': encoding };
      await survive(route, path, { headers, body: encodings[encoding]!(document) });
    }
  });

test('what nobody named is as it was', { skip }, async () => {
  assert.deepEqual((await client.show(bystander.id)).json, bystander);
  assert.deepEqual((await client.download(bystander.id)).body, data);
  assert.equal(({} as { admin?: unknown }).admin, undefined);
  assert.equal((await client.get('/v2/images?limit=1')).status, 200);
});
