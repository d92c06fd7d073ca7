/** Lets one process at a time install into a repository, however the others end. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const pollMilliseconds = 100;

/** When a process began, so that a reused number is not taken for it; '' where that cannot be read, undefined once it is dead. @param {number} pid @returns {string | undefined} */
function startOf(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    try {
      process.kill(pid, 0);
      return '';
    } catch (error) {
      return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM' ? '' : undefined;
    }
  }
}

/** @param {string} identity `pid.start` @returns {boolean} */
function isAlive(identity) {
  const [pid = '', start = ''] = identity.split('.');
  const actual = startOf(Number(pid));
  return actual !== undefined && (actual === '' || start === '' || actual === start);
}

/** @param {number} pid @returns {string} */
function identify(pid) {
  return `${pid}.${startOf(pid) ?? ''}`;
}

/** A ticket is dead when both its process and the installer it started are. @param {string} folder @param {string} name @returns {boolean} */
function isTicketAlive(folder, name) {
  if (isAlive(name.slice(name.indexOf('.') + 1))) return true;
  try {
    const child = readFileSync(join(folder, name), 'utf8');
    return child !== '' && isAlive(child);
  } catch {
    return false;
  }
}

/** The tickets of the living; those of the dead are removed, which is safe as no process returns under an old name. @param {string} folder */
function liveTickets(folder) {
  return readdirSync(folder).filter((name) => {
    if (isTicketAlive(folder, name)) return true;
    rmSync(join(folder, name), { force: true });
    return false;
  });
}

/** @param {string} folder @param {string} name @returns {void} */
function writeTicket(folder, name) {
  for (;;) {
    // Not recursive: that says ENOENT where the file system is read-only.
    unless('EEXIST', () => mkdirSync(folder));
    if (unless('ENOENT', () => writeFileSync(join(folder, name), ''))) return;
  }
}

/** Whether `work` succeeded; false when it failed with `code`. @param {string} code @param {() => void} work @returns {boolean} */
function unless(code, work) {
  try {
    work();
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === code) return false;
    throw error;
  }
}

/** @param {string} name */
function numberOf(name) {
  return Number(name.slice(0, name.indexOf('.')));
}

/**
 * Lamport's bakery on files named `number.pid.start`: nobody ever removes a living process's file, so a dead
 * holder can be passed over without the race of taking its lock away. Number 0 means "still choosing".
 * @param {string} folder of the tickets; gone again when nobody waits
 * @param {(pid: string) => void} onWait told once, when another process holds the lock
 */
export async function takeInstallLock(folder, onWait) {
  const me = identify(process.pid);
  writeTicket(folder, `0.${me}`);
  const number = 1 + Math.max(...liveTickets(folder).map(numberOf));
  const mine = join(folder, `${number}.${me}`);
  renameSync(join(folder, `0.${me}`), mine);
  let told = false;
  for (;;) {
    const ahead = liveTickets(folder).find((name) => isAhead(name, `${number}.${me}`));
    if (ahead === undefined) break;
    if (!told && numberOf(ahead) !== 0) {
      onWait(ahead.split('.')[1] ?? '');
      told = true;
    }
    await new Promise((resolve) => setTimeout(resolve, pollMilliseconds));
  }
  return {
    /** The lock stays taken while this process lives, even if ours is killed. @param {number} pid */
    extendTo(pid) {
      writeFileSync(mine, identify(pid));
    },
    release() {
      rmSync(mine, { force: true });
      try {
        rmdirSync(folder);
      } catch {
        // Others still hold tickets in it.
      }
    },
  };
}

/** @param {string} other @param {string} mine @returns {boolean} */
function isAhead(other, mine) {
  if (other === mine) return false;
  const difference = numberOf(other) - numberOf(mine);
  return difference < 0 || (difference === 0 && other < mine);
}
