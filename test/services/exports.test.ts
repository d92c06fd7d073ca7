/** Exports to URLs that Ceph's S3 and Swift have signed for a PUT, with what those say of it. */
import assert from 'node:assert/strict';
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { slice } from '../../packages/server/src/stores/contract/bytes.ts';
import { Client, type Json } from '../api/client.ts';
import { until } from '../support/process.ts';
import { openTarget, type Target } from '../support/target.ts';
import { loopbackPlaces } from '../support/web-source.ts';
import { type StoreServer, startStoreServer } from './store-server.ts';

const data = slice(11, 0, 20 * 1024 * 1024 + 11);

let s3: StoreServer;
let swift: StoreServer;
let target: Target;
let client: Client;
let image: Json;
/** Sent as a whole before anybody can refuse it: of the refusal of more, what closes the connection may be all that comes. */
let small: Json;

before(async () => {
  s3 = await startStoreServer('s3');
  swift = await startStoreServer('swift');
  target = await openTarget({ export: loopbackPlaces });
  client = new Client(target);
  image = await client.createActive(data);
  small = await client.createActive(data.subarray(0, 1000));
});
after(async () => {
  await target?.close();
  await swift?.close();
  await s3?.close();
});

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

/** Good for ten minutes (AWS signature version 4, in the query). */
function signedByS3(method: string, name: string, secret = s3.fact('S3_SECRET_KEY')): string {
  const url = new URL(`${s3.fact('S3_ENDPOINT')}/${s3.fact('S3_BUCKET')}/${name}`);
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const scope = [time.slice(0, 8), s3.fact('S3_REGION'), 's3', 'aws4_request'];
  url.search = new URLSearchParams({
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': [s3.fact('S3_ACCESS_KEY'), ...scope].join('/'),
    'X-Amz-Date': time,
    'X-Amz-Expires': '600',
    'X-Amz-SignedHeaders': 'host',
  }).toString();
  const head = `host:${url.host}\n`;
  const asked = [method, url.pathname, url.search.slice(1), head, 'host', 'UNSIGNED-PAYLOAD'].join('\n');
  const digest = createHash('sha256').update(asked).digest('hex');
  const key = scope.reduce<string | Buffer>(hmac, `AWS4${secret}`);
  const text = ['AWS4-HMAC-SHA256', time, scope.join('/'), digest].join('\n');
  url.searchParams.set('X-Amz-Signature', hmac(key, text).toString('hex'));
  return url.href;
}

/** Good for ten minutes (TempURL). */
function signedForSwift(method: string, name: string, secret = swift.fact('SWIFT_TEMP_URL_KEY')): string {
  const url = new URL(`${swift.fact('SWIFT_STORAGE_URL')}/${swift.fact('SWIFT_CONTAINER')}/${name}`);
  const expires = Math.floor(Date.now() / 1000) + 600;
  const signature = hmac(secret, `${method}\n${expires}\n${url.pathname}`).toString('hex');
  return `${url.href}?temp_url_sig=${signature}&temp_url_expires=${expires}`;
}

async function ended({ id }: Json, location: string): Promise<Json> {
  const { json, status, body } = await client.post('/v2/image-exports', { image_ref: id, location });
  assert.equal(status, 201, body.toString());
  return await until('the end of an export', async () => {
    const record = (await client.get(json.self)).json;
    return ['success', 'failure'].includes(record.status) && record;
  });
}

for (const [kind, signed] of [
  ['S3', signedByS3],
  ['Swift', signedForSwift],
] as const) {
  test(`what ${kind} has signed for takes the image, and what it has not is told`, async () => {
    const name = `export-${randomBytes(6).toString('hex')}`;
    const location = signed('PUT', name);
    const done = await ended(image, location);
    assert.equal(done.status, 'success', done.message);
    assert.equal(done.location, `${location.slice(0, location.indexOf('?'))}?…`);
    assert.equal(done.os_hash_value, image.os_hash_value);
    const there = await fetch(signed('GET', name));
    assert.ok(Buffer.from(await there.arrayBuffer()).equals(data));

    for (const wrong of [signed('GET', name), signed('PUT', name, 'another secret')]) {
      const refused = await ended(small, wrong);
      assert.equal(refused.error?.code, 'target_refused', refused.message);
      assert.match(refused.message, /^Could not send the image. Received 40[13] response/);
    }
    const said = target.server!.log.join('\n');
    for (const secret of [...location.matchAll(/(?:sig|X-Amz-Signature)=(\w+)/g)].map(([, one]) => one!))
      assert.ok(!said.includes(secret), 'no line of the log has the signature');
  });
}
