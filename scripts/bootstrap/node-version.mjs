/** Makes sure that the `node` which npm scripts find next is new enough and runs on this machine. */
import { spawnSync } from 'node:child_process';
import { existsSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const oldestMajor = 24;

/** @param {string} version `24.21.0` @returns {boolean} */
function isNewEnough(version) {
  return Number.parseInt(version, 10) >= oldestMajor;
}

/** @param {string} root @returns {string} */
function packagedNode(root) {
  return join(root, 'node_modules/.bin', process.platform === 'win32' ? 'node.cmd' : 'node');
}

/** @param {string} path @returns {boolean} */
function isRunningUs(path) {
  try {
    return realpathSync(path) === realpathSync(process.execPath);
  } catch {
    return false;
  }
}

/** @param {string} path @returns {string | undefined} its version, or undefined when it does not run */
function askVersion(path) {
  const asked = spawnSync(path, ['--version'], { encoding: 'utf8', shell: process.platform === 'win32' });
  return asked.status === 0 ? asked.stdout.trim().replace(/^v/, '') : undefined;
}

/**
 * npm scripts find node_modules/.bin first, so a packaged Node that cannot run here (another C library) would hide
 * a good one and is unlinked.
 * @param {string} root
 * @returns {string | undefined} what the person has to do, or undefined when all is well
 */
export function checkNode(root) {
  const packaged = packagedNode(root);
  const installed = existsSync(packaged);
  if (installed && !isRunningUs(packaged)) {
    const version = askVersion(packaged);
    if (version !== undefined && isNewEnough(version)) return undefined;
    try {
      rmSync(packaged, { force: true });
    } catch {
      return `${packaged} does not run on this machine and may not be removed by this user: remove it.`;
    }
  }
  const own = process.versions.node;
  if (isNewEnough(own)) return undefined;
  const why = installed
    ? `the packaged Node does not run on this machine`
    : `there is no packaged Node for ${process.platform}-${process.arch}`;
  return `Tintype needs Node ${oldestMajor} or newer. Here is Node ${own}, and ${why}: install Node ${oldestMajor} and run the same command again.`;
}
