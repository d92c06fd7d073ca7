/** Image records over the API, as a client makes them. */
import type { Served } from '../measure/served.ts';

async function call(served: Served, method: string, path: string, body?: unknown): Promise<unknown> {
  const answer = await fetch(`${served.url}${path}`, {
    method,
    headers: { 'X-Auth-Token': served.adminToken, 'Content-Type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path} was answered with ${answer.status}: ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}

/** Ids of so many new images that wait for their data. */
export async function createImages(served: Served, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const image = { name: `benchmark-${index}`, disk_format: 'raw', container_format: 'bare' };
    ids.push(((await call(served, 'POST', '/v2/images', image)) as { id: string }).id);
  }
  return ids;
}

export async function deleteImages(served: Served, ids: readonly string[]): Promise<void> {
  for (const id of ids) await call(served, 'DELETE', `/v2/images/${id}`);
}
