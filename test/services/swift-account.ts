/** The account that tests use of a Swift with tempauth: its quotas, and what is in it. */
import assert from 'node:assert/strict';
import type { StoreServer } from './store-server.ts';

/** In bytes. */
export async function limitContainer(swift: StoreServer, container: string, bytes: number): Promise<void> {
  const headers = { 'X-Container-Meta-Quota-Bytes': String(bytes) };
  await ask(swift, 'POST', `/${container}`, { headers });
}

/** In bytes, by the reseller, who alone may. null: no quota. */
export async function limitAccount(swift: StoreServer, bytes: number | null): Promise<void> {
  const headers = { 'X-Account-Meta-Quota-Bytes': bytes === null ? '' : String(bytes) };
  await ask(swift, 'POST', '', { headers, user: 'admin:admin' });
}

/** Those of all objects in all containers, segments too. */
export async function namesInAccount(swift: StoreServer): Promise<string[]> {
  const listed = async (path: string) =>
    (await ask(swift, 'GET', path)).split('\n').filter((name) => name !== '');
  const all: string[] = [];
  for (const container of await listed('')) all.push(...(await listed(`/${encodeURIComponent(container)}`)));
  return all;
}

async function ask(
  swift: StoreServer,
  method: string,
  path: string,
  { headers = {}, user = swift.fact('SWIFT_USER') }: { headers?: Record<string, string>; user?: string } = {},
): Promise<string> {
  const login = { 'X-Auth-User': user, 'X-Auth-Key': swift.fact('SWIFT_KEY') };
  const { headers: told } = await fetch(swift.fact('SWIFT_AUTH_URL'), { headers: login });
  const answer = await fetch(`${swift.fact('SWIFT_STORAGE_URL')}${path}`, {
    method,
    headers: { 'X-Auth-Token': told.get('x-auth-token')!, ...headers },
  });
  assert.ok(answer.ok, `${answer.status} to ${method}`);
  return await answer.text();
}
