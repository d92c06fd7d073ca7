/** The lock of the data directory: among processes, after kills, and in a crowd. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type DataLock, lockDataDirectory } from './data-lock.ts';
import { startOf } from './processes.ts';

let scratch: string;
const listen = '127.0.0.1:9292';

before(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'tintype-lock-'));
});
after(() => rm(scratch, { recursive: true }));

/** A process that holds the lock, or says why not. */
async function holdElsewhere(dataDir: string) {
  const source = `
    const { lockDataDirectory } = await import(${JSON.stringify(import.meta.resolve('./data-lock.ts'))});
    await lockDataDirectory(${JSON.stringify(dataDir)}, { listen: 'elsewhere:1' }).then(
      () => console.log('held'), (error) => console.log(error.message));
    process.stdin.resume();`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [output] = await once(child.stdout, 'data');
  return { child, said: String(output).trim() };
}

/** Rewrites what the lock says. */
async function forge(dataDir: string, change: Record<string, unknown>): Promise<void> {
  const folder = join(dataDir, 'lock');
  const [name] = await readdir(folder);
  const path = join(folder, name!);
  const holder = JSON.parse(await readFile(path, 'utf8'));
  await writeFile(path, JSON.stringify({ ...holder, ...change }));
}

test('a second server is refused with a sentence that names the first', async () => {
  const dataDir = join(scratch, 'second');
  const { child, said } = await holdElsewhere(dataDir);
  assert.equal(said, 'held');
  await assert.rejects(lockDataDirectory(dataDir, { listen }), (error: Error & { code: string }) => {
    assert.equal(error.code, 'unavailable');
    assert.match(
      error.message,
      new RegExp(`process id ${child.pid}, listening on elsewhere:1 since 20\\d\\d-`),
    );
    assert.ok(error.message.includes(dataDir));
    return true;
  });
  child.kill('SIGKILL');
  await once(child, 'exit');
  const lock = await lockDataDirectory(dataDir, { listen });
  const next = await holdElsewhere(dataDir);
  next.child.kill('SIGKILL');
  assert.ok(next.said.includes(listen), next.said);
  await lock.release();
});

test('released, it is free at once', async () => {
  const dataDir = join(scratch, 'released');
  for (let round = 0; round < 3; round += 1) {
    const lock = await lockDataDirectory(dataDir, { listen });
    await lock.release();
    await lock.release();
  }
  assert.deepEqual(await readdir(join(dataDir, 'lock')), ['3']);
});

test('a process that got the number of a dead server does not hold its lock', async () => {
  const dataDir = join(scratch, 'reused');
  await lockDataDirectory(dataDir, { listen });
  await forge(dataDir, { start: String(Number(startOf(process.pid)) - 1) });
  await (await lockDataDirectory(dataDir, { listen })).release();
});

test('a lock file emptied by a power failure is free', async () => {
  const dataDir = join(scratch, 'empty');
  await mkdir(join(dataDir, 'lock'), { recursive: true });
  await writeFile(join(dataDir, 'lock', '7'), '');
  await (await lockDataDirectory(dataDir, { listen })).release();
});

test('a server that we cannot see holds its lock as long as it touches it', async () => {
  const dataDir = join(scratch, 'unseen');
  await lockDataDirectory(dataDir, { listen });
  await forge(dataDir, { space: 'another machine', host: 'far-away' });
  await assert.rejects(lockDataDirectory(dataDir, { listen }), { message: /on far-away, listening/ });
});

test('a lock left behind in another container is taken over', async () => {
  const dataDir = join(scratch, 'left');
  await (await lockDataDirectory(dataDir, { listen })).release();
  await forge(dataDir, { space: 'another machine', released: false });
  await (await lockDataDirectory(dataDir, { listen })).release();
});

test('of many at once one gets it, again and again', async () => {
  const dataDir = join(scratch, 'crowd');
  for (let round = 0; round < 30; round += 1) {
    const attempts = Array.from({ length: 12 }, () => lockDataDirectory(dataDir, { listen }));
    const results = await Promise.allSettled(attempts);
    const held = results.filter((result) => result.status === 'fulfilled');
    assert.equal(held.length, 1, `round ${round}`);
    const lock: DataLock = held[0]!.value;
    // Every other round it is left as by a killed process.
    if (round % 2 === 0) await lock.release();
    else await forge(dataDir, { start: '1' });
  }
});

test('of many processes at once one gets it', async () => {
  const dataDir = join(scratch, 'processes');
  const { child } = await holdElsewhere(dataDir);
  child.kill('SIGKILL');
  await once(child, 'exit');
  const contenders = await Promise.all(Array.from({ length: 4 }, () => holdElsewhere(dataDir)));
  assert.equal(contenders.filter(({ said }) => said === 'held').length, 1);
  assert.equal(contenders.filter(({ said }) => said.includes('is in use by the server')).length, 3);
  for (const contender of contenders) contender.child.kill('SIGKILL');
});

test('a data directory that cannot be written is a sentence', async () => {
  const file = join(scratch, 'file');
  await writeFile(file, '');
  await assert.rejects(lockDataDirectory(join(file, 'below'), { listen }), {
    code: 'unavailable',
    message: /cannot be used: a part of the path is not a folder/,
  });
});
