/** Image records over the API, as a client makes them. */
import type { Served } from '../measure/served.ts';

/** Whoever asks. */
export interface Client {
  readonly url: string;
  readonly token: string;
}

export function administrator({ url, adminToken }: Served): Client {
  return { url, token: adminToken };
}

export async function call(client: Client, method: string, path: string, body?: unknown): Promise<unknown> {
  const answer = await fetch(`${client.url}${path}`, {
    method,
    headers: { 'X-Auth-Token': client.token, 'Content-Type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path} was answered with ${answer.status}: ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}

/** Ids of so many new images that wait for their data. */
export async function createImages(client: Client, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const image = { name: `benchmark-${index}`, disk_format: 'raw', container_format: 'bare' };
    ids.push(((await call(client, 'POST', '/v2/images', image)) as { id: string }).id);
  }
  return ids;
}

export async function deleteImages(client: Client, ids: readonly string[]): Promise<void> {
  for (const id of ids) await call(client, 'DELETE', `/v2/images/${id}`);
}
