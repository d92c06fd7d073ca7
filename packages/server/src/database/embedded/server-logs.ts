/** Keeps the log files of the embedded PostgreSQL few. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

const kept = 10;
const everyMillis = 600_000;

async function removeOld(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => /^postgres-\d{8}-\d{6}\.log$/.test(name)).sort();
  for (const name of names.slice(0, -kept)) await rm(join(folder, name), { force: true });
}

/** Now and every ten minutes: the newest ten stay, of 10 MB each. Stopped by clearing the timer. */
export function keepLogsSmall(folder: string): NodeJS.Timeout {
  const look = () => void removeOld(folder).catch(() => {});
  look();
  return setInterval(look, everyMillis).unref();
}
