/** What Linux says about processes: processor time, memory, and what the rest of the machine was doing. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';

/** Clock ticks a second: the unit of /proc on every Linux that Node.js runs on. */
const ticks = 100;

interface Stat {
  readonly parent: number;
  /** Seconds of the process itself. */
  readonly own: number;
  /** Seconds of its children that have ended. */
  readonly ended: number;
}

function readStat(pid: number): Stat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [own, ended] = [fields[11]! + fields[12]!, fields[13]! + fields[14]!];
    return { parent: fields[1]!, own: own / ticks, ended: ended / ticks };
  } catch {
    return null;
  }
}

/** Seconds of processor time that the process has used; 0 when it is gone. */
export function processorSeconds(pid: number): number {
  return readStat(pid)?.own ?? 0;
}

/** As `processorSeconds`, with its children, running or ended: a postmaster and its backends. */
export function familySeconds(pid: number): number {
  const root = readStat(pid);
  if (root === null) return 0;
  let sum = root.own + root.ended;
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? readStat(Number(name)) : null;
    if (stat?.parent === pid) sum += stat.own;
  }
  return sum;
}

/** Seconds that all processors together have been busy since the machine started. */
export function machineSeconds(): number {
  const [, user, nice, system, , , irq, softirq, steal] = readFileSync('/proc/stat', 'latin1')
    .split('\n')[0]!
    .split(/ +/)
    .map(Number);
  return (user! + nice! + system! + irq! + softirq! + steal!) / ticks;
}

/** Begins a new peak. */
export function forgetPeakMemory(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** Most bytes of memory that the process has had at a time. */
export function peakMemory(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

/** Processes that ran or waited to, on average over the last minute. */
export function load(): number {
  return loadavg()[0]!;
}
