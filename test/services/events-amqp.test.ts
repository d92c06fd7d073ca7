/** Notifications through a real RabbitMQ, read by the library with which the reference's consumers read them. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { parseEnv } from 'node:util';
import { until } from '../support/process.ts';
import { as, startServer, type TestServer } from '../support/server.ts';

interface Notification {
  readonly priority: string;
  readonly publisher_id: string;
  readonly event_type: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the broker brings
  readonly payload: any;
  readonly metadata: { readonly message_id: string; readonly timestamp: string };
}

/** A broker on a machine that does much else takes its time. */
const patienceMs = 180_000;
const folder = mkdtempSync(join(tmpdir(), 'tintype-rabbitmq-'));
const script = (name: string) => join(import.meta.dirname, name);
const told: Notification[] = [];
let server: TestServer;
let listener: ChildProcess;
let env: Record<string, string>;

function startBroker(): void {
  execFileSync(script('rabbitmq-up'), [folder], { stdio: ['ignore', 'ignore', 'inherit'] });
  env = parseEnv(readFileSync(join(folder, 'rabbitmq.env'), 'utf8')) as Record<string, string>;
}

function startListener(): void {
  const url = new URL(env.AMQP_URL!);
  const rabbit = `rabbit://${url.username}:${env.AMQP_PASSWORD}@${url.host}${url.pathname}`;
  listener = spawn('/usr/bin/python3', [script('oslo-listener.py'), rabbit], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  createInterface({ input: listener.stdout! }).on('line', (line) => told.push(JSON.parse(line)));
}

before(async () => {
  startBroker();
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, `${env.AMQP_PASSWORD}\n`);
  server = await startServer({
    events: {
      amqp: {
        url: env.AMQP_URL!,
        passwordFile,
        publisherId: 'image.host1',
        disabled: ['image.member', 'task.run'],
      },
    },
  });
  startListener();
});

after(async () => {
  listener?.stdin?.end();
  if (listener?.exitCode === null) await once(listener, 'close');
  await server?.close();
  execFileSync(script('rabbitmq-down'), [folder]);
  rmSync(folder, { recursive: true, force: true });
});

async function call(method: string, path: string, body?: unknown): Promise<Response> {
  const isData = path.endsWith('/file');
  const answer = await fetch(`${server.url}${path}`, {
    method,
    headers: {
      ...as('project-one', 'member', 'reader'),
      'Content-Type': isData ? 'application/octet-stream' : 'application/json',
      ...(method === 'PATCH' ? { 'Content-Type': 'application/openstack-images-v2.1-json-patch' } : {}),
    },
    body: isData ? (body as Buffer<ArrayBuffer>) : body === undefined ? undefined : JSON.stringify(body),
  });
  return answer;
}

async function create(fields: object = {}): Promise<string> {
  const image = { disk_format: 'raw', container_format: 'bare', ...fields };
  return ((await (await call('POST', '/v2/images', image)).json()) as { id: string }).id;
}

const rename = (id: string, name: string) =>
  call('PATCH', `/v2/images/${id}`, [{ op: 'replace', path: '/name', value: name }]);

const of = (id: string) => told.filter(({ payload }) => (payload.image_id ?? payload.id) === id);

test('the life of an image comes to a consumer of the reference, in order and in its form', async () => {
  const id = await create({ name: 'told', visibility: 'shared', colour: 'red' });
  await call('POST', `/v2/images/${id}/members`, { member: 'project-two' });
  assert.equal((await call('PUT', `/v2/images/${id}/file`, Buffer.from('data'))).status, 204);
  await rename(id, 'renamed');
  assert.equal((await call('DELETE', `/v2/images/${id}`)).status, 204);
  await until('the deletion', () => of(id).some((one) => one.event_type === 'image.delete'), patienceMs);
  assert.deepEqual(
    of(id).map(({ event_type: type }) => type),
    ['image.create', 'image.prepare', 'image.upload', 'image.activate', 'image.update', 'image.delete'],
  );
  const [created, , uploaded, , renamed, deleted] = of(id);
  assert.deepEqual([created!.priority, created!.publisher_id], ['info', 'image.host1']);
  assert.match(created!.metadata.message_id, /^[0-9a-f-]{36}$/);
  assert.match(created!.metadata.timestamp, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$/);
  assert.deepEqual(created!.payload.properties, { colour: 'red' });
  assert.equal(created!.payload.is_public, false);
  assert.deepEqual([uploaded!.payload.size, uploaded!.payload.backend], [4, 'local']);
  assert.equal(renamed!.payload.name, 'renamed');
  assert.deepEqual([deleted!.payload.deleted, deleted!.payload.status], [true, 'deleted']);
});

test('an upload that fails comes as an error, with the reason as text', async () => {
  const id = await create({ disk_format: 'qcow2' });
  assert.equal((await call('PUT', `/v2/images/${id}/file`, Buffer.from('no qcow2'))).status, 415);
  const found = await until('the error', () => told.find(({ priority }) => priority === 'error'), patienceMs);
  assert.equal(found.event_type, 'image.upload');
  assert.match(found.payload, /qcow2/);
});

test('what happens while the broker is away is told when it is back', async () => {
  const id = await create();
  await until('the image', () => of(id).length === 1, patienceMs);
  execFileSync(script('rabbitmq-down'), [folder]);
  for (let count = 1; count <= 3; count += 1) assert.equal((await rename(id, `n${count}`)).status, 200);
  await until('an attempt', () => server.log.some((line) => line.includes('cannot be told now')), patienceMs);
  startBroker();
  await until('the last change', () => of(id).some(({ payload }) => payload.name === 'n3'), patienceMs);
  assert.deepEqual(
    of(id).map(({ payload }) => payload.name),
    [null, 'n1', 'n2', 'n3'],
  );
  assert.ok(!server.log.some((line) => line.includes(env.AMQP_PASSWORD!)));
});
