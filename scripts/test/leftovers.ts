/** Finds the processes that a test file started and did not end. */
import { readdirSync, readFileSync } from 'node:fs';

export const markerName = 'TINTYPE_TEST_FILE';

export interface Leftover {
  readonly pid: number;
  readonly command: string;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

/** Running processes whose environment holds the marker; none where /proc does not exist. */
export function findLeftovers(marker: string): Leftover[] {
  const entry = `${markerName}=${marker}`;
  let pids: string[];
  try {
    pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
  return pids
    .filter((pid) => read(`/proc/${pid}/environ`).split('\0').includes(entry))
    .map((pid) => ({
      pid: Number(pid),
      command: read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim(),
    }));
}
