/** That a server which tells a secret fails its test, wherever and however it is told, and no other does. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { stringify } from 'yaml';
import { SecretWatch, secretsOf } from './secrets.ts';
import { as, startServer, type TestServer } from './server.ts';

const secret = 'hidden-away-0123456789-0123456789';
const setting = 'events.webhooks.0.secretFile';

let folder: string;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tintype-secrets-'));
  await writeFile(path.join(folder, 'secret'), `${secret}\n`);
});
after(() => rm(folder, { recursive: true }));

/** Its secret is one that needs nobody who takes it. */
const open = async (description: string | null = null): Promise<TestServer> =>
  await startServer({
    stores: [
      { id: 'disk', type: 'file', description },
      { id: 'other', type: 'file' },
    ],
    events: {
      webhooks: [{ id: 'hook', url: 'https://hooks.invalid/', secretFile: path.join(folder, 'secret') }],
    },
  });

async function call(server: TestServer, method: string, url: string, body?: Buffer | object) {
  const isData = Buffer.isBuffer(body);
  const type = isData ? 'application/octet-stream' : 'application/json';
  const answer = await fetch(`${server.url}${url}`, {
    method,
    headers: { ...as('mine', 'member', 'reader'), 'Content-Type': type },
    ...(body === undefined ? {} : { body: isData ? new Uint8Array(body) : JSON.stringify(body) }),
  });
  return Buffer.from(await answer.arrayBuffer());
}

const told = (where: string) => ({
  code: 'ERR_ASSERTION',
  message: new RegExp(`told: .*${setting} ${where}`),
});

test('what is not told is no leak', async () => {
  const server = await open('hidden away');
  assert.match((await call(server, 'GET', '/v2/info/stores')).toString(), /hidden away/);
  await server.close();
});

test('a secret in a document fails the test', async () => {
  const server = await open(`with ${secret}`);
  await call(server, 'GET', '/v2/info/stores');
  await assert.rejects(server.close(), told('in an answer'));
});

test('a secret in a header fails the test, and so does one in the log', async () => {
  const server = await open();
  const id = { 'X-Openstack-Request-Id': `req-${secret}` };
  const answer = await fetch(`${server.url}/v2/images`, { headers: { ...as('mine', 'reader'), ...id } });
  assert.equal(answer.headers.get('x-openstack-request-id'), `req-${secret}`);
  await answer.text();
  await assert.rejects(server.close(), told('in an answer.* in the log'));
  const other = await open();
  await fetch(`${other.url}/v2/images/${secret}`, { method: 'HEAD', headers: as('mine', 'reader') });
  assert.ok(other.log.some((line) => line.includes(secret)));
  await assert.rejects(other.close(), told('in the log'));
});

test('a secret among image data is found, in however many pieces it is sent', async () => {
  const server = await open();
  const record = await call(server, 'POST', '/v2/images', { disk_format: 'raw', container_format: 'bare' });
  const { id } = JSON.parse(record.toString());
  const data = Buffer.concat([Buffer.alloc(1024 * 1024 - 7), Buffer.from(secret), Buffer.alloc(100_000)]);
  await call(server, 'PUT', `/v2/images/${id}/file`, data);
  assert.ok((await call(server, 'GET', `/v2/images/${id}/file`)).equals(data));
  await assert.rejects(server.close(), told('in an answer'));
});

test('every kind of secret is looked for: settings, those in files, the password of the database', async () => {
  const keys = path.join(folder, 'keys');
  await writeFile(
    keys,
    '[default]\naws_access_key_id = key-of-a-file\naws_secret_access_key = secret-of-a-file\n',
  );
  const word = path.join(folder, 'word');
  await writeFile(word, 'secret-of-a-webhook-0123\n');
  const file = path.join(folder, 'config.yaml');
  const keystone = { authUrl: 'http://127.0.0.1:9/v3', password: 'secret-of-keystone' };
  const settings = {
    database: { url: 'postgresql://me:secret%2Fword@db/images' },
    identity: { mode: 'keystone', keystone },
    stores: [
      { id: 'one', type: 's3', bucket: 'images', credentialsFile: keys },
      { id: 'two', type: 'swift', authUrl: 'https://keys/v3', user: 'images', key: 'secret-of-swift' },
    ],
    events: { webhooks: [{ id: 'hook', url: 'https://hooks/', secretFile: word }] },
  };
  await writeFile(file, stringify(settings));
  assert.deepEqual(
    (await secretsOf(file)).map(({ setting, value }) => `${setting} ${value}`),
    [
      'database.url secret/word',
      'identity.keystone.password secret-of-keystone',
      'stores.0.credentialsFile key-of-a-file',
      'stores.0.credentialsFile secret-of-a-file',
      'stores.1.key secret-of-swift',
      'events.webhooks.0.secretFile secret-of-a-webhook-0123',
    ],
  );
});

test('it is found wherever a stream is cut', () => {
  const text = `${'x'.repeat(150)}quoted-and-more${'y'.repeat(150)}`;
  for (const size of [1, 2, 7, 14, 15, 64, 151, 160, 165, 300]) {
    const watch = new SecretWatch();
    watch.add({ setting: 'key', value: 'quoted-and-more' });
    const look = watch.follow('here');
    for (let at = 0; at < text.length; at += size) look(Buffer.from(text.slice(at, at + size)));
    assert.deepEqual([...watch.leaks], ['key here'], `in pieces of ${size}`);
    const other = watch.follow('there');
    for (const piece of ['X-Amz-Cred', 'ential=', 'quoted-and-more']) other(Buffer.from(piece));
    assert.deepEqual([...watch.leaks], ['key here']);
  }
});

test('it is found as URLs, JSON and basic authentication have it, and a signed URL may name a key', () => {
  const watch = new SecretWatch();
  watch.add({ setting: 'key', value: 'quoted" & more' });
  watch.look('here', Buffer.from('nothing of it; X-Amz-Credential=quoted" & more%2F'));
  assert.deepEqual([...watch.leaks], []);
  for (const form of [
    'x quoted" & more',
    'quoted%22%20%26%20more',
    'quoted\\" & more',
    'cXVvdGVkIiAmIG1vcmU=',
  ]) {
    watch.look(form, Buffer.from(`it is ${form}.`));
    assert.ok(watch.leaks.delete(`key ${form}`), form);
  }
});

test('it is heard in what another process answers, whoever asks', async (t) => {
  const program = `const server = require('node:http').createServer((_, response) => {
    response.writeHead(200, { 'x-told': 'word-in-a-header' });
    response.end('word-in-a-body');
  }).listen(0, '127.0.0.1', () => console.log(server.address().port));`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill());
  const port = Number(String((await once(child.stdout, 'data'))[0]));
  const askers = {
    fetch: async () => await (await fetch(`http://127.0.0.1:${port}`)).text(),
    request: async () => {
      const [answer] = await once(get({ port, agent: false }), 'response');
      for await (const _ of answer);
    },
  };
  for (const [name, ask] of Object.entries(askers)) {
    const watch = new SecretWatch();
    watch.add({ setting: 'header', value: 'word-in-a-header' });
    watch.add({ setting: 'body', value: 'word-in-a-body' });
    const end = watch.hear(port);
    await ask();
    end();
    assert.deepEqual([...watch.leaks].toSorted(), ['body in an answer', 'header in an answer'], name);
  }
});
