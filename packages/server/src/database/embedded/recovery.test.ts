/** The embedded PostgreSQL after kills: of our process, of its own, with every kind of lock left behind. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import pg from 'pg';
import { createLog } from '../../base/log.ts';
import type { Connection } from '../connect.ts';
import { attachEmbedded } from './attach.ts';
import { pollUntil } from './poll.ts';
import { shutDown } from './postmaster.ts';
import { isAlive } from './processes.ts';
import { socketPath } from './socket.ts';
import { startEmbedded } from './start.ts';

const log = createLog('silent');
let dataDir: string;
let lockFile: string;

before(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'tintype-recovery-'));
  await chmod(dataDir, 0o711);
  lockFile = join(dataDir, 'postgres/data/postmaster.pid');
});
after(() => rm(dataDir, { recursive: true }));

async function query(connection: Connection, statement: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(connection);
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end().catch(() => {});
  }
}

const serverPid = async () => Number((await readFile(lockFile, 'utf8')).split('\n')[0]);

/** Another process of ours that runs the database. */
async function startElsewhere(settings: Record<string, string> = {}): Promise<ChildProcess> {
  const source = `
    const { startEmbedded } = await import(${JSON.stringify(import.meta.resolve('./start.ts'))});
    const { createLog } = await import(${JSON.stringify(import.meta.resolve('../../base/log.ts'))});
    await startEmbedded({ dataDir: ${JSON.stringify(dataDir)}, log: createLog('silent'),
      settings: ${JSON.stringify(settings)} });
    console.log('up');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout!, 'data');
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

/** A process that ended and that nobody reaps while `parent` lives. */
async function makeZombie(t: TestContext): Promise<{ pid: number; parent: ChildProcess }> {
  const parent = spawn('/bin/sh', ['-c', 'sleep 0.2 & echo $!; exec sleep 60'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => parent.kill('SIGKILL'));
  const [output] = await once(parent.stdout, 'data');
  const pid = Number(output);
  const isZombie = async () => /\) Z /.test(await readFile(`/proc/${pid}/stat`, 'utf8'));
  assert.ok(await pollUntil(isZombie, 5_000, 10));
  return { pid, parent };
}

test('a server orphaned by kill -9 is taken over with its data, watched, and stopped', async () => {
  const child = await startElsewhere();
  const orphan = await serverPid();
  const connection = await attachEmbedded(dataDir);
  await query(connection!, 'CREATE TABLE acknowledged AS SELECT 7 AS n');
  await kill(child);
  assert.ok(isAlive(orphan), 'the orphan is gone');
  const embedded = await startEmbedded({ dataDir, log });
  assert.equal(await serverPid(), orphan);
  assert.deepEqual(await query(embedded.connection, 'SELECT n FROM acknowledged'), [{ n: 7 }]);
  process.kill(orphan, 'SIGKILL');
  const isBack = () =>
    query(embedded.connection, 'SELECT n FROM acknowledged').then(
      () => true,
      () => false,
    );
  assert.ok(
    await pollUntil(async () => (await serverPid().catch(() => orphan)) !== orphan && isBack(), 20_000, 20),
  );
  const successor = await serverPid();
  await embedded.stop();
  assert.ok(!isAlive(successor));
});

test('an orphan is stopped with us when nothing happens in between', async () => {
  const child = await startElsewhere();
  const orphan = await serverPid();
  await kill(child);
  const embedded = await startEmbedded({ dataDir, log });
  assert.equal(await serverPid(), orphan);
  await embedded.stop();
  assert.ok(!isAlive(orphan));
});

test('an orphan with other settings is restarted', async () => {
  const child = await startElsewhere({ work_mem: '6MB' });
  const orphan = await serverPid();
  await kill(child);
  const embedded = await startEmbedded({ dataDir, log });
  assert.ok(!isAlive(orphan));
  assert.deepEqual(await query(embedded.connection, 'SHOW work_mem'), [{ work_mem: '4MB' }]);
  await embedded.stop();
});

test('the server and we killed together: what was committed is there', async () => {
  const child = await startElsewhere();
  const server = await serverPid();
  const connection = await attachEmbedded(dataDir);
  await query(connection!, 'INSERT INTO acknowledged VALUES (8)');
  process.kill(server, 'SIGKILL');
  await kill(child);
  const embedded = await startEmbedded({ dataDir, log });
  const rows = await query(embedded.connection, 'SELECT n FROM acknowledged ORDER BY n');
  assert.deepEqual(rows, [{ n: 7 }, { n: 8 }]);
  await embedded.stop();
});

test('a server that dies while we run is started again, again and again', async () => {
  const embedded = await startEmbedded({ dataDir, log });
  for (let round = 0; round < 3; round += 1) {
    const server = await serverPid();
    process.kill(server, 'SIGKILL');
    const isBack = async () => {
      if ((await serverPid().catch(() => server)) === server) return false;
      return await query(embedded.connection, 'SELECT 1').then(
        () => true,
        () => false,
      );
    };
    assert.ok(await pollUntil(isBack, 20_000, 20), `round ${round}`);
  }
  await embedded.stop();
});

test('stopping is not held up by a server that is dead and about to be restarted', async () => {
  const embedded = await startEmbedded({ dataDir, log });
  process.kill(await serverPid(), 'SIGKILL');
  await embedded.stop();
  assert.equal(await attachEmbedded(dataDir), null);
});

/** Leaves the lock files of a dead server behind that name `pid`. */
async function leaveLocks(pid: number | string): Promise<void> {
  const text = `${pid}\n${join(dataDir, 'postgres/data')}\n1700000000\n5432\n${join(dataDir, 'postgres/socket')}\n\n  1 99999999\nready   \n`;
  await writeFile(lockFile, text, { mode: 0o600 });
  const socket = socketPath(join(dataDir, 'postgres/socket'));
  await writeFile(`${socket}.lock`, text, { mode: 0o600 });
  await rm(socket, { force: true });
  await writeFile(socket, '');
}

async function startsOver(): Promise<void> {
  assert.equal(await attachEmbedded(dataDir), null);
  const embedded = await startEmbedded({ dataDir, log });
  await query(embedded.connection, 'SELECT n FROM acknowledged');
  await embedded.stop();
}

test('the lock of a zombie is cleared', async (t) => {
  const { pid } = await makeZombie(t);
  await leaveLocks(pid);
  await startsOver();
});

test('a lock whose number another program has by now is cleared', async () => {
  await leaveLocks(process.pid);
  await startsOver();
  assert.ok(isAlive(process.pid));
});

test('a lock of a process that is gone is cleared', async (t) => {
  const { pid, parent } = await makeZombie(t);
  await kill(parent);
  await pollUntil(() => !isAlive(pid), 5_000, 10);
  await leaveLocks(pid);
  await startsOver();
});

test('a lock file emptied by a power failure is cleared', async () => {
  await writeFile(lockFile, '');
  await startsOver();
});

test('a server deaf to the fast shutdown is ended at once', async () => {
  const child = spawn('/bin/sh', ['-c', "trap '' INT; echo; while :; do sleep 0.05; done"], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  const exited = once(child, 'exit');
  const ended = exited.then(() => 'ended');
  const postmaster = {
    pid: child.pid!,
    ended,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
  };
  await shutDown(postmaster, log, { fastMillis: 100, immediateMillis: 5_000 });
  assert.deepEqual(await exited, [null, 'SIGQUIT']);
});
