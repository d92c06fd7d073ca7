/** Runs before every npm script, on any Node from 18 up: installs what is missing and checks that Node is new enough. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkNode } from './bootstrap/node-version.mjs';
import { findStale } from './bootstrap/staleness.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** @param {string} line */
function say(line) {
  process.stderr.write(`tintype: ${line}\n`);
}

/** A server runs without the development tools; everything else needs them. */
function stalePackages() {
  return findStale(root, { withDev: process.env.npm_lifecycle_event !== 'start' });
}

/** @param {string[]} stale @returns {string} */
function summarize(stale) {
  const names = stale.slice(0, 3).map((path) => path.replace(/^.*node_modules\//, ''));
  return names.join(', ') + (stale.length > names.length ? ` and ${stale.length - names.length} more` : '');
}

/** @returns {Promise<number>} the exit status */
async function install() {
  const { takeInstallLock } = await import('./bootstrap/install-lock.mjs');
  const { installDependencies, explainNotWritable } = await import('./bootstrap/install.mjs');
  let lock;
  try {
    lock = await takeInstallLock(join(root, '.install-lock'), (pid) =>
      say(`process ${pid} is installing the dependencies; waiting for it`),
    );
  } catch (error) {
    say(explainNotWritable(root, /** @type {NodeJS.ErrnoException} */ (error).code ?? String(error)));
    return 1;
  }
  try {
    const stale = stalePackages();
    if (stale.length === 0) return 0;
    say(`installing what is missing (${summarize(stale)}); about 500 MB, once`);
    const started = Date.now();
    const { status, sentence } = await installDependencies(root, lock.extendTo);
    say(sentence ?? `installed in ${Math.round((Date.now() - started) / 1000)} s`);
    return status;
  } finally {
    lock.release();
  }
}

if (stalePackages().length > 0) process.exitCode = await install();
if (!process.exitCode) {
  const advice = checkNode(root);
  if (advice !== undefined) {
    say(advice);
    process.exitCode = 1;
  }
}
