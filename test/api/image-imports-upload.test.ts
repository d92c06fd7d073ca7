/** /v2/image-imports with upload: data that its owner sends, and of which an image comes to be, or nothing. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ActionRecord } from '@tintype/contract';
import Value from 'typebox/value';
import { until } from '../support/process.ts';
import { needs, needsOwnServer, openTarget, type Target } from '../support/target.ts';
import { type Answer, refused } from './answer.ts';
import { bytes, digest } from './bytes.ts';
import { Client, type Json } from './client.ts';
import { SlowUpload } from './slow-upload.ts';

const data = bytes(300_000);
let target: Target;
let client: Client;
let other: Client;

before(async () => {
  target = await openTarget();
  client = new Client(target, 'member');
  other = new Client(target, 'other');
});
after(() => target.close());

async function show(id: string): Promise<Json> {
  const record = (await client.get(`/v2/image-imports/${id}`)).json;
  const [error] = Value.Errors(ActionRecord, record);
  assert.equal(error, undefined, `${error?.instancePath} ${error?.message}`);
  return record;
}

async function begin(more: object = {}): Promise<Json> {
  const answer = await client.post('/v2/image-imports', {
    upload: true,
    image_properties: { name: 'sent', disk_format: 'raw' },
    ...more,
  });
  assert.equal(answer.status, 201, answer.body.toString());
  assert.equal(answer.json.file, `${answer.json.self}/file`);
  return await show(answer.json.id);
}

function put(path: string, body = data, headers = {}, as = client): Promise<Answer> {
  return as.call('PUT', path, { body, headers: { 'Content-Type': 'application/octet-stream', ...headers } });
}

const stateOf = (id: string, status: string) =>
  until(`status ${status}`, async () => {
    const record = await show(id);
    return record.status === status && record;
  });

const filesIn = async (...folder: string[]) =>
  (
    await readdir(join(target.server!.config.dataDir, ...folder), { recursive: true, withFileTypes: true })
  ).filter((one) => one.isFile());

describe('an import whose data is sent', { skip: needsOwnServer || needs('member', 'other') }, () => {
  test('waits for it, and becomes an image with it', async () => {
    const begun = await begin({ expected: { algorithm: 'sha256', value: digest('sha256', data) } });
    assert.deepEqual(
      [begun.status, begun.message, begun.location],
      ['waiting', 'Waiting for its data', undefined],
    );
    assert.ok(Date.parse(begun['expires-by']) > Date.now());
    refused(await put(begun.file, data, {}, other), 'action_not_found');
    refused(await put(begun.file, data, { 'Content-Type': 'text/plain' }), 'unsupported_media_type');
    assert.equal((await put(begun.file)).status, 204);
    const { image_ref, file } = await stateOf(begun.id, 'success');
    assert.equal(file, undefined);
    const image = (await client.get(image_ref)).json;
    assert.deepEqual(
      [image.status, image.name, image.os_hash_value],
      ['active', 'sent', digest('sha512', data)],
    );
    assert.deepEqual((await client.download(image.id)).body, data);
    refused(await put(begun.file), 'status_conflict');
  });

  test('of what is cut or wrong nothing is left, and it may be sent again', async () => {
    const { id, file } = await begin();
    const cut = new SlowUpload(target, 'member', file);
    await cut.write(data.subarray(0, 1000));
    await stateOf(id, 'uploading');
    refused(await put(file), 'status_conflict');
    cut.cut();
    await stateOf(id, 'waiting');
    refused(await put(file, data, { 'X-OpenStack-Image-Size': '5' }), 'size_mismatch');
    refused(
      await put(file, data, { 'X-Tintype-Expected-Digest': `md5=${'0'.repeat(32)}` }),
      'digest_mismatch',
    );
    await until('an empty staging area', async () => (await filesIn('staging')).length === 0);
    assert.equal((await put(file)).status, 204);
    await stateOf(id, 'success');
  });

  test('other data than the import was to have is not taken, and what is right may be sent', async () => {
    const value = digest('sha256', data).toUpperCase();
    const { id, file } = await begin({ size: data.length, expected: { algorithm: 'sha256', value } });
    refused(await put(file, data.subarray(1)), 'size_mismatch', /announced for the import/);
    refused(await put(file, Buffer.alloc(data.length)), 'digest_mismatch');
    const other = { 'X-Tintype-Expected-Digest': `sha256=${'0'.repeat(64)}` };
    refused(await put(file, data, other), 'digest_mismatch', /expected for the import/);
    await stateOf(id, 'waiting');
    await until('an empty staging area', async () => (await filesIn('staging')).length === 0);
    assert.equal((await put(file)).status, 204);
    await stateOf(id, 'success');
  });

  test('data that is no image is refused when it is there', async () => {
    const { id, file } = await begin({ image_properties: { disk_format: 'qcow2' } });
    assert.equal((await put(file)).status, 204);
    const { error } = await stateOf(id, 'failure');
    assert.deepEqual([error.code, error.step, error.retryable], ['format_mismatch', 'verify', false]);
    await until('an empty staging area', async () => (await filesIn('staging')).length === 0);
    refused(await put(file), 'status_conflict');
  });

  test('forgotten or cancelled, it takes no more data', async () => {
    for (const [method, path] of [
      ['DELETE', ''],
      ['POST', '/cancel'],
    ] as const) {
      const { id, file, self } = await begin();
      const slow = new SlowUpload(target, 'member', file);
      await slow.write(data.subarray(0, 1000));
      await stateOf(id, 'uploading');
      assert.ok((await client.call(method, `${self}${path}`)).status < 300);
      refused(await slow.answer, 'image_deleted');
      if (method === 'DELETE') refused(await put(file), 'action_not_found');
      else {
        assert.equal((await show(id)).status, 'cancelled');
        refused(await put(file), 'status_conflict');
      }
    }
    await until('an empty staging area', async () => (await filesIn('staging')).length === 0);
  });
});
