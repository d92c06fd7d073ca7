/** Runs the seeding command beside the server. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Served } from '../measure/served.ts';

const program = path.join(import.meta.dirname, '../seed.ts');

export async function seedImages({ config }: Served, count: number): Promise<void> {
  await promisify(execFile)(process.execPath, [program, '--config', config, '--images', String(count)]);
}
