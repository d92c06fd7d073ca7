/** Staging and importing as the black-box suite does them. */
import assert from 'node:assert/strict';
import type { Readable } from 'node:stream';
import { until } from '../support/process.ts';
import { type Answer, type Call, type Client, type Json, raw } from './client.ts';

export function stage(
  client: Client,
  id: string,
  body: Buffer | Readable,
  headers?: Call['headers'],
): Promise<Answer> {
  return client.call('PUT', `/v2/images/${id}/stage`, {
    body,
    headers: { 'Content-Type': 'application/octet-stream', ...headers },
  });
}

export function importBy(client: Client, id: string, method: string, more: object = {}): Promise<Answer> {
  return client.post(`/v2/images/${id}/import`, { method: { name: method }, ...more });
}

/** An image whose data is staged. */
export async function stagedImage(client: Client, body: Buffer, fields: object = {}): Promise<string> {
  const { id } = await client.create({ ...raw, ...fields });
  const answer = await stage(client, id, body);
  assert.equal(answer.status, 204, answer.body.toString());
  return id;
}

/** The newest import of an image, once it has ended and let go of the image, which the reference does a moment later; and the image as it is then. */
export async function importEnd(
  client: Client,
  id: string,
  limitMs?: number,
): Promise<{ image: Json; task: Json }> {
  const ended = async () => {
    const [newest] = (await client.tasks(id)).filter(({ type }) => type === 'api_image_import');
    return (newest?.status === 'success' || newest?.status === 'failure') && newest;
  };
  const task = await until(`the end of the import of ${id}`, ended, limitMs);
  const free = async () => {
    const { json } = await client.show(id);
    return json.os_glance_import_task !== task.id && json;
  };
  return { image: await until(`image ${id} to be let go`, free, limitMs), task };
}
