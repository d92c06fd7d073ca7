/** Runs `npm ci` through the npm that called us and says in a sentence why it failed. */
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { findStale, installRecord } from './staleness.mjs';

/** node_modules as installed, with room for what npm unpacks on the way. */
const bytesNeeded = 700 * 1024 ** 2;
/** With less left over, something did not fit. */
const bytesToSpare = 4 * 1024 ** 2;

const networkCodes =
  /^(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENETDOWN|EPIPE|FETCH_ERROR|ERR_SOCKET_TIMEOUT|ENOTCACHED|CERT_.*|UNABLE_TO_.*|SELF_SIGNED_.*|DEPTH_ZERO_.*)$/;

/** @param {string} code npm's own, '' if it gave none @param {string} root @returns {string} */
function explain(code, root) {
  if (code === 'ENOSPC' || code === 'EDQUOT' || (code === '' && freeBytes(root) < bytesNeeded)) {
    return `The disk is full: Tintype's dependencies need about ${bytesNeeded / 1024 ** 2} MiB in ${root}. Make room and run the same command again.`;
  }
  if (networkCodes.test(code)) {
    return `npm could not reach its package registry (${code}): check the network, a proxy, and \`npm config get registry\`, then run the same command again.`;
  }
  if (['EACCES', 'EPERM', 'EROFS'].includes(code)) return explainNotWritable(root, code);
  if (code === 'EINTEGRITY') {
    return 'A downloaded package is not the one package-lock.json names and was not installed. Run `npm cache verify`, then the same command again; if it stays, the registry serves altered packages.';
  }
  if (['E401', 'E403', 'E404', 'ETARGET', 'ENOVERSIONS'].includes(code)) {
    return `The package registry does not hand out a package that package-lock.json names (${code}): see \`npm config get registry\`.`;
  }
  if (code === 'EUSAGE')
    return 'package.json and package-lock.json do not agree: restore both, or run `npm install`.';
  return `\`npm ci\` failed${code === '' ? '' : ` (${code})`}: its own lines are above. Run the same command again once that is solved.`;
}

/** @param {string} root @param {string} code @returns {string} */
export function explainNotWritable(root, code) {
  return `Tintype has to install its dependencies, but may not write to ${root} (${code}). Run this as the folder's owner once, or use a copy of your own.`;
}

/** @param {string} folder @returns {number} */
function freeBytes(folder) {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** The error code in npm's own log, which unlike its output can be read while npm draws on the terminal. @param {string} logs @returns {string} */
function readErrorCode(logs) {
  try {
    const text = readdirSync(logs)
      .map((name) => readFileSync(join(logs, name), 'utf8'))
      .join('\n');
    return text.match(/^\d+ error code (\S+)$/m)?.[1] ?? '';
  } catch {
    return '';
  }
}

/** @param {string[]} args @param {string} root */
function spawnNpm(args, root) {
  const { npm_execpath: script = '', npm_node_execpath: node = process.execPath } = process.env;
  /** @type {import('node:child_process').SpawnOptions} */
  const options = { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] };
  // yarn and pnpm set npm_execpath too, and only npm itself can follow package-lock.json.
  if (basename(script) === 'npm-cli.js' && existsSync(script)) {
    return spawn(existsSync(node) ? node : process.execPath, [script, ...args], options);
  }
  const windows = process.platform === 'win32';
  return spawn(windows ? 'npm.cmd' : 'npm', args, { ...options, shell: windows });
}

/** @param {import('node:child_process').ChildProcess} child @returns {Promise<{ status: number, error?: Error, signalled: boolean }>} */
function whenDone(child) {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ status: 1, error, signalled: false }));
    child.once('exit', (code, signal) => {
      const status = signal === null ? (code ?? 1) : 128 + constants.signals[signal];
      resolve({ status, signalled: signal !== null });
    });
  });
}

/** @param {import('node:child_process').ChildProcess} child @returns {() => void} ends the forwarding */
function forwardSignals(child) {
  const signals = /** @type {NodeJS.Signals[]} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
  const forward = (/** @type {NodeJS.Signals} */ signal) => child.kill(signal);
  for (const signal of signals) process.on(signal, forward);
  return () => {
    for (const signal of signals) process.off(signal, forward);
  };
}

/**
 * Makes node_modules what package-lock.json says.
 * @param {string} root @param {(pid: number) => void} onStart told npm's process id
 * @returns {Promise<{ status: number, sentence?: string }>} status 0, or npm's exit status with the reason
 */
export async function installDependencies(root, onStart) {
  const logs = mkdtempSync(join(tmpdir(), 'tintype-npm-'));
  const quiet = ['--no-fund', '--no-audit', '--loglevel=error', `--logs-dir=${logs}`];
  // Whatever NODE_ENV or the person's npm settings leave out, the tests and the packaged Node need.
  const child = spawnNpm(['ci', '--include=dev', '--include=optional', '--ignore-scripts', ...quiet], root);
  if (child.pid !== undefined) onStart(child.pid);
  const stopForwarding = forwardSignals(child);
  const { status, error, signalled } = await whenDone(child);
  stopForwarding();
  if (error !== undefined) {
    return {
      status,
      sentence: `npm itself could not be started (${error.message}): install npm 11 or newer.`,
    };
  }
  if (status !== 0) {
    return {
      status,
      sentence: signalled ? 'The installation was interrupted.' : explain(readErrorCode(logs), root),
    };
  }
  const trouble = recordUnavailable(root);
  if (trouble !== '') return { status: 1, sentence: explain(trouble, root) };
  rmSync(logs, { recursive: true, force: true });
  return { status };
}

/**
 * npm reports success on a full disk: with packages missing, or with less in them than there should be.
 * @param {string} root @returns {string} the error code, '' when all is well
 */
function recordUnavailable(root) {
  const unavailable = findStale(root);
  if (freeBytes(root) < (unavailable.length > 0 ? bytesNeeded : bytesToSpare)) {
    rmSync(join(root, 'node_modules/.package-lock.json'), { force: true });
    return 'ENOSPC';
  }
  try {
    writeFileSync(join(root, installRecord), JSON.stringify({ unavailable }));
    return '';
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code ?? 'unknown';
  }
}
