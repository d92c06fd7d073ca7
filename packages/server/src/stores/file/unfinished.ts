/** Names of files being written: they tell which process writes them, so that leftovers of dead ones can go. */
import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

interface Writer {
  /** Where its process id means something: the host and its process namespace. */
  readonly place: string;
  readonly boot: string;
  readonly pid: number;
  /** Clock ticks after boot, as in /proc: a process id alone is used again. */
  readonly started: string;
}

const nameForm = /^([0-9a-f]{12})\.([0-9a-f]{8})\.(\d+)\.(\d+)\.\d+$/;

const self: Writer = {
  place: createHash('sha256').update(`${hostname()} ${processNamespace()}`).digest('hex').slice(0, 12),
  boot: createHash('sha256').update(readOr('/proc/sys/kernel/random/boot_id')).digest('hex').slice(0, 8),
  pid: process.pid,
  started: startOf(process.pid) ?? '0',
};

let counter = 0;

/** A name that no other file has. */
export function unfinishedName(): string {
  counter += 1;
  return `${self.place}.${self.boot}.${self.pid}.${self.started}.${counter}`;
}

/** True or false when this host can tell whether the writer lives; null when it cannot. */
export function writerLives(name: string): boolean | null {
  const writer = parse(name);
  if (writer === null || writer.place !== self.place) return null;
  if (writer.boot !== self.boot) return false;
  if (process.platform !== 'linux') return answers(writer.pid);
  return startOf(writer.pid) === writer.started;
}

function parse(name: string): Writer | null {
  const match = nameForm.exec(name);
  if (match === null) return null;
  return { place: match[1]!, boot: match[2]!, pid: Number(match[3]), started: match[4]! };
}

/** Field 22 of /proc/PID/stat, counted after the command name, which may hold anything; null for the dead. */
function startOf(pid: number): string | null {
  const stat = readOr(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return null;
  return fields[19] ?? null;
}

function answers(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function processNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
