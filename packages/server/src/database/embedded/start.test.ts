/** The embedded PostgreSQL from its first start to its stop. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { createLog } from '../../base/log.ts';
import type { Connection } from '../connect.ts';
import { unprivilegedAccount, weAreRoot } from './account.ts';
import { attachEmbedded } from './attach.ts';
import { startEmbedded } from './start.ts';

const log = createLog('silent');
let scratch: string;
let dataDir: string;

before(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'tintype-start-'));
  await chmod(scratch, 0o711);
  dataDir = join(scratch, 'data');
});
after(() => rm(scratch, { recursive: true }));

async function query(connection: Connection, statement: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(connection);
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

async function uidOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^Uid:\s+(\d+)/m.exec(status)?.[1]);
}

async function pidOf(folder: string): Promise<number> {
  return Number((await readFile(join(folder, 'postgres/data/postmaster.pid'), 'utf8')).split('\n')[0]);
}

test('the first start makes a database, the next finds it again', async () => {
  assert.equal(await attachEmbedded(dataDir), null);
  const first = await startEmbedded({ dataDir, log });
  await query(first.connection, 'CREATE TABLE kept AS SELECT 42 AS answer');
  assert.deepEqual(await attachEmbedded(dataDir), first.connection);
  await Promise.all([first.stop(), first.stop()]);
  assert.equal(await attachEmbedded(dataDir), null);
  await assert.rejects(query(first.connection, 'SELECT 1'));
  const second = await startEmbedded({ dataDir, log });
  assert.deepEqual(await query(second.connection, 'SELECT * FROM kept'), [{ answer: 42 }]);
  await second.stop();
});

test('it runs unprivileged, durable, in UTF-8 with checksums, on a private socket and no port', async () => {
  const embedded = await startEmbedded({ dataDir, log, settings: { work_mem: '5MB' } });
  const account = await unprivilegedAccount();
  const uid = account?.uid ?? process.getuid?.();
  assert.equal(await uidOf(await pidOf(dataDir)), uid);
  assert.equal(embedded.connection.host, join(dataDir, 'postgres/socket'));
  const socketFolder = await stat(embedded.connection.host);
  assert.deepEqual([socketFolder.uid, socketFolder.mode & 0o777], [uid, 0o700]);
  const wanted = {
    listen_addresses: '',
    server_encoding: 'UTF8',
    lc_collate: 'C',
    data_checksums: 'on',
    fsync: 'on',
    synchronous_commit: 'on',
    jit: 'off',
    TimeZone: 'UTC',
    shared_buffers: '256MB',
    max_connections: '100',
    dynamic_shared_memory_type: 'mmap',
    work_mem: '5MB',
  };
  for (const [name, value] of Object.entries(wanted)) {
    const statement =
      name === 'lc_collate'
        ? `SELECT datcollate AS v FROM pg_database WHERE datname = 'tintype'`
        : `SELECT current_setting('${name}') AS v`;
    assert.deepEqual(await query(embedded.connection, statement), [{ v: value }], name);
  }
  await embedded.stop();
  assert.ok((await readdir(join(dataDir, 'postgres/log'))).length > 0);
});

test('a creation cut short is begun again', async () => {
  const cut = join(scratch, 'cut');
  await mkdir(join(cut, 'postgres/data.new-1/base'), { recursive: true });
  await writeFile(join(cut, 'postgres/data.new-1/PG_VERSION'), '18\n');
  const embedded = await startEmbedded({ dataDir: cut, log });
  await query(embedded.connection, 'SELECT 1');
  await embedded.stop();
  assert.deepEqual((await readdir(join(cut, 'postgres'))).sort(), ['data', 'log', 'socket', 'start.log']);
});

test('a long path gets its socket in a private temporary folder', async () => {
  const long = join(scratch, 'a'.repeat(90));
  const embedded = await startEmbedded({ dataDir: long, log });
  const { host } = embedded.connection;
  assert.ok(Buffer.byteLength(host) < 80, host);
  assert.equal((await stat(host)).mode & 0o777, 0o700);
  assert.deepEqual(await attachEmbedded(long), embedded.connection);
  await embedded.stop();
  await rm(host, { recursive: true });
});

test('the database of another major version is left alone', async () => {
  const file = join(dataDir, 'postgres/data/PG_VERSION');
  await writeFile(file, '17\n');
  await assert.rejects(startEmbedded({ dataDir, log }), {
    code: 'unavailable',
    message: /was made by PostgreSQL 17, this Tintype brings PostgreSQL 18/,
  });
  await writeFile(file, '18\n');
});

test('what PostgreSQL complains about is in the sentence', async () => {
  await assert.rejects(startEmbedded({ dataDir, log, settings: { no_such_setting: '1' } }), {
    code: 'unavailable',
    message: /does not start: .*no_such_setting/,
  });
});

test('a data directory that cannot be made is a sentence', async () => {
  await writeFile(join(scratch, 'file'), '');
  await assert.rejects(startEmbedded({ dataDir: join(scratch, 'file/data'), log }), {
    code: 'unavailable',
    message: /cannot be used: a part of the path is not a folder/,
  });
});

/** Runs a program of ours as `nobody`; resolves with what it prints. */
async function runAsNobody(source: string): Promise<string> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    uid: 65534,
    gid: 65534,
    cwd: '/',
    env: { PATH: '/usr/bin:/bin' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  return output.trim();
}

const ordinary = `
  const { startEmbedded } = await import(${JSON.stringify(import.meta.resolve('./start.ts'))});
  const { createLog } = await import(${JSON.stringify(import.meta.resolve('../../base/log.ts'))});
  const { readFileSync } = await import('node:fs');`;

test('an ordinary user runs it as themselves; root then runs it as that user', async (t) => {
  if (!weAreRoot()) return t.skip('the other tests run as an ordinary user already');
  if ((await runAsNobody(`${ordinary} console.log('ok')`).catch(() => '')) !== 'ok') {
    return t.skip('nobody cannot read this checkout');
  }
  const home = join(scratch, 'home');
  await mkdir(home);
  await chown(home, 65534, 65534);
  await chmod(home, 0o700);
  const own = join(home, 'data');
  const printed = await runAsNobody(`${ordinary}
    const embedded = await startEmbedded({ dataDir: ${JSON.stringify(own)}, log: createLog('silent') });
    const pid = readFileSync(${JSON.stringify(own)} + '/postgres/data/postmaster.pid', 'utf8').split('\\n')[0];
    console.log(/^Uid:\\s+(\\d+)/m.exec(readFileSync('/proc/' + pid + '/status', 'utf8'))[1]);
    await embedded.stop();`);
  assert.equal(printed, '65534');
  const embedded = await startEmbedded({ dataDir: own, log });
  assert.equal(await uidOf(await pidOf(own)), 65534);
  await embedded.stop();
});

test("an ordinary user is told that the database is somebody else's", async (t) => {
  if (!weAreRoot()) return t.skip('needs two users');
  if ((await unprivilegedAccount())?.uid === 65534) return t.skip('there is no user "postgres"');
  if ((await runAsNobody(`${ordinary} console.log('ok')`).catch(() => '')) !== 'ok') {
    return t.skip('nobody cannot read this checkout');
  }
  const said = await runAsNobody(`${ordinary}
    await startEmbedded({ dataDir: ${JSON.stringify(dataDir)}, log: createLog('silent') }).catch(
      (error) => console.log(error.code, error.message));`);
  assert.match(
    said,
    /^unavailable The database in .* belongs to the user with the id \d+: start as that user/,
  );
});
