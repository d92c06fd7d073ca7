/** What runs in the sandbox sees what it is given and nothing else, is held to its limits, and ends when it is to end. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, describe, test } from 'node:test';
import { until } from '../../../../test/support/process.ts';
import { openSandbox } from './open-sandbox.ts';
import { ProgramFailed, Sandbox } from './sandbox.ts';
import { type Program, sandboxWords } from './sandbox-words.ts';

const folder = mkdtempSync(join(tmpdir(), 'tintype-sandbox-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const given = join(folder, 'given, with a comma.raw');
const other = join(folder, 'other.raw');
writeFileSync(given, 'what is given');
writeFileSync(other, 'what is not');
chmodSync(folder, 0o755);

const mebi = 1024 * 1024;
const limits = { memory: 1024 * mebi, cpuSeconds: 10, fileBytes: 64 * mebi };
const walls = new Sandbox('bubblewrap');
const skip = !existsSync('/usr/bin/bwrap') && 'bubblewrap is not installed';

/** A shell script; `$1` and so on are the paths of the files. */
function shell(script: string, more: Partial<Program> = {}): Program {
  const names = [...Object.keys(more.reads ?? {}), ...Object.keys(more.writes ?? {})];
  return { name: 'sh', words: (file) => ['-c', script, 'sh', ...names.map(file)], limits, ...more };
}

async function all(stream: AsyncIterable<Uint8Array>): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return chunks;
}

/** How long the processes live that tests look for: nobody else sleeps so long. */
let seconds = 1_000_000 + process.pid;
function isRunning(words: string): boolean {
  return spawnSync('pgrep', ['-f', words]).status === 0;
}

for (const mode of ['bubblewrap', 'none'] as const) {
  describe(`with ${mode}`, { skip: mode === 'bubblewrap' && skip }, () => {
    const sandbox = new Sandbox(mode);

    test('a program reads and writes the files that it is given', async () => {
      const result = join(folder, `result-${mode}`);
      writeFileSync(result, '');
      const said = await sandbox.run(
        shell('cat "$1"; cp "$1" "$2"', { reads: { source: given }, writes: { result } }),
      );
      assert.equal(said, 'what is given');
      assert.equal(readFileSync(result, 'utf8'), 'what is given');
    });

    test('input passes through in order, whatever its size', async () => {
      const pieces = Array.from({ length: 300 }, (_, index) => Buffer.alloc(10_000 + index, index));
      const out: Uint8Array[] = [];
      for await (const chunk of sandbox.stream(shell('cat'), Readable.from(pieces)))
        out.push(Buffer.from(chunk));
      assert.ok(Buffer.concat(out).equals(Buffer.concat(pieces)));
    });

    test('a program that fails is told, with its code and the end of what it said', async () => {
      const failing = sandbox.run(
        shell('head -c 100000 /dev/zero | tr "\\0" x >&2; echo because >&2; exit 7'),
      );
      const error = await failing.then(
        () => assert.fail('it ended well'),
        (reason: unknown) => reason,
      );
      assert.ok(error instanceof ProgramFailed);
      assert.equal(error.code, 7);
      assert.match(error.said, /because$/);
      assert.ok(error.said.length < 20_000);
    });

    test('of what a program says the end is kept', async () => {
      const said = await sandbox.run(shell('head -c 3000000 /dev/zero | tr "\\0" y; echo end'));
      assert.match(said, /y{1000}end\n$/);
      assert.ok(said.length < 20_000);
    });

    test('a program that complains has failed when it is to be silent', async () => {
      const noisy = shell('echo garbage behind the end >&2');
      await sandbox.run(noisy);
      await assert.rejects(sandbox.run(noisy, { isSilent: true }), ProgramFailed);
    });

    test('it ends with the signal, and so does what it started', async () => {
      seconds += 1;
      const controller = new AbortController();
      const running = sandbox.run(shell(`sleep ${seconds} & sleep ${seconds}`), {
        signal: controller.signal,
      });
      await until('both', () => isRunning(`sleep ${seconds}`));
      controller.abort(new Error('enough'));
      await assert.rejects(running, /enough/);
      await until('the end of all', () => !isRunning(`sleep ${seconds}`));
    });

    test('it ends when it stands still', async () => {
      await assert.rejects(sandbox.run(shell('sleep 1000'), { quietMs: 200 }), { code: 'step_stalled' });
    });

    test('it ends when nobody reads on', async () => {
      seconds += 1;
      const stream = sandbox.stream(shell(`echo first; exec sleep ${seconds}`), Readable.from([]));
      await stream.next();
      await stream.return();
      assert.equal(isRunning(`sleep ${seconds}`), false);
    });

    test('input that fails is why it failed', async () => {
      async function* broken() {
        yield Buffer.from('some');
        throw new Error('the source broke');
      }
      await assert.rejects(all(sandbox.stream(shell('cat'), broken())), /the source broke/);
    });

    test('a program that has seen enough need not take the rest', async () => {
      const endless = Readable.from(Array.from({ length: 500 }, () => Buffer.alloc(65_536)));
      const out = Buffer.concat(await all(sandbox.stream(shell('head -c 5'), endless)));
      assert.equal(out.length, 5);
    });

    test('memory, processor time and files have limits', async () => {
      const small = { ...limits, memory: 200 * mebi, cpuSeconds: 1, fileBytes: 1000 };
      await assert.rejects(
        sandbox.run(shell('head -c 500M /dev/zero | tail -c 400M', { limits: small })),
        ProgramFailed,
      );
      await assert.rejects(sandbox.run(shell('while :; do :; done', { limits: small })), ProgramFailed);
      const result = join(folder, `limited-${mode}`);
      writeFileSync(result, '');
      const writing = shell('head -c 100000 /dev/zero > "$1"', { writes: { result }, limits: small });
      await assert.rejects(sandbox.run(writing), ProgramFailed);
      assert.ok(statSync(result).size <= 1000);
    });

    test('it dies with the process that started it', async () => {
      seconds += 1;
      const words = sandboxWords(mode, shell(`echo up; exec sleep ${seconds}`));
      const source = `
        const { spawn } = require('node:child_process');
        const [command, ...words] = ${JSON.stringify(words)};
        spawn(command, words, { detached: true, stdio: ['ignore', 'pipe', 'ignore'] })
          .stdout.once('data', () => process.kill(process.pid, 'SIGKILL'));`;
      const { signal } = spawnSync(process.execPath, ['-e', source]);
      assert.equal(signal, 'SIGKILL');
      await until('its end', () => !isRunning(`sleep ${seconds}`));
    });
  });
}

describe('within the walls', { skip }, () => {
  test('there is no file but the program’s own', async () => {
    const script = `cat '${other}' /etc/passwd 2>&1; find / -path /usr -prune -o -type f -print`;
    const said = await walls.run(shell(script, { reads: { source: given } }));
    const [missing, passwords, ...files] = said.trim().split('\n');
    assert.match(missing!, /other.raw: No such file or directory$/);
    assert.match(passwords!, /passwd: No such file or directory$/);
    assert.deepEqual(
      files.filter((path) => !/^\/(etc|dev)\//.test(path)),
      ['/data/source'],
    );
  });

  test('what is to be read cannot be written, and nothing can be made', async () => {
    const script =
      'for f in "$1" /data/new /usr/new /new /dev/shm/../../root; do echo x > "$f" && echo made "$f"; done 2>/dev/null; true';
    assert.equal(await walls.run(shell(script, { reads: { source: given } })), '');
    assert.equal(readFileSync(given, 'utf8'), 'what is given');
  });

  test('there is no network, not even this machine’s own', async () => {
    let connections = 0;
    const server = createServer(() => {
      connections += 1;
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const dial: Program = { name: 'bash', words: () => ['-c', `: > /dev/tcp/127.0.0.1/${port}`], limits };
    await assert.rejects(walls.run(dial), /refused|unreachable/i);
    assert.equal(connections, 0);
    await new Sandbox('none').run(dial);
    server.close();
  });

  test('there are no other processes and no environment of ours', async () => {
    process.env.TINTYPE_TEST_SECRET = 'hidden';
    const said = await walls.run(shell('env; ls /proc 2>&1; true'));
    delete process.env.TINTYPE_TEST_SECRET;
    assert.match(said, /cannot access '\/proc'/);
    const names = [...said.matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name);
    assert.deepEqual(names.sort(), ['LC_ALL', 'MALLOC_ARENA_MAX', 'PATH', 'PWD']);
  });

  test('root has no rights over files of others', {
    skip: process.getuid?.() !== 0 && 'not root',
  }, async () => {
    const foreign = join(folder, 'foreign');
    writeFileSync(foreign, 'of somebody else');
    chmodSync(foreign, 0o600);
    chownSync(foreign, 65534, 65534);
    await assert.rejects(walls.run(shell('cat "$1"', { reads: { source: foreign } })), /Permission denied/);
  });

  test('an ordinary user has them, too', { skip: process.getuid?.() !== 0 && 'not root' }, () => {
    const words = sandboxWords('bubblewrap', shell('cat "$1"', { reads: { source: given } }));
    chmodSync(given, 0o644);
    const { stdout, stderr } = spawnSync('setpriv', [
      '--reuid=65534',
      '--regid=65534',
      '--clear-groups',
      ...words,
    ]);
    assert.equal(String(stdout), 'what is given', String(stderr));
  });
});

describe('at the start', () => {
  const lines: string[] = [];
  const log = {
    warn: (...given: unknown[]) => lines.push(String(given.at(-1))),
  } as unknown as Parameters<typeof openSandbox>[2];
  const both = { convert: true, unpack: true };

  test('a sandbox that works is opened without a word', { skip }, async () => {
    lines.length = 0;
    assert.equal(await openSandbox(walls, both, log), walls);
    assert.deepEqual(lines, []);
  });

  test('where nothing is needed nothing is looked for', async () => {
    lines.length = 0;
    assert.equal(
      await openSandbox(new Sandbox('bubblewrap', folder), { convert: false, unpack: false }, log),
      null,
    );
    assert.deepEqual(lines, []);
  });

  test('what is missing is told, with what to install', async () => {
    lines.length = 0;
    const empty = new Sandbox('bubblewrap', folder);
    assert.equal(await openSandbox(empty, both, log), null);
    assert.equal(await openSandbox(empty, { convert: false, unpack: true }, log), null);
    assert.match(lines[0]!, /install bubblewrap and qemu-utils/);
    assert.match(lines[1]!, /install bubblewrap; xz, bzip2 and lha are not unpacked/);
  });

  test('running without walls is told', async () => {
    lines.length = 0;
    assert.notEqual(await openSandbox(new Sandbox('none'), { convert: false, unpack: true }, log), null);
    assert.match(lines[0]!, /import.sandbox is none/);
  });
});
