/** Finds out at the start whether programs can be run on what users send: by running them. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../base/log.ts';
import type { Sandbox } from './sandbox.ts';
import type { Program } from './sandbox-words.ts';

/** Of what a server is to do with the data of images. */
export interface Needs {
  readonly convert: boolean;
  readonly unpack: boolean;
}

/** What unpacking needs besides the server itself, by the format's name. */
const unpackers = { xz: 'xz', bzip2: 'bzip2', lha: 'lhasa' } as const;

const limits = { memory: 1024 ** 3, cpuSeconds: 10, fileBytes: 0 };
const probeMs = 20_000;

/** The sandbox, or null when what is needed does not work here, which the log says, with what to install. */
export async function openSandbox(sandbox: Sandbox, needs: Needs, log: Log): Promise<Sandbox | null> {
  if (!needs.convert && !needs.unpack) return null;
  if (sandbox.mode === 'none')
    log.warn('import.sandbox is none: programs open what users send with no more than limits');
  const name = needs.convert ? 'qemu-img' : 'true';
  const trouble = await probe(sandbox, { name, words: () => ['--version'], limits });
  if (trouble !== null) {
    const err = trouble instanceof Error ? trouble : new Error(String(trouble));
    if (needs.convert) log.warn({ err }, 'disks cannot be converted here: install bubblewrap and qemu-utils');
    else log.warn({ err }, 'no sandbox works here: install bubblewrap; xz, bzip2 and lha are not unpacked');
    return null;
  }
  const missing = Object.entries(unpackers).filter(
    ([, program]) => !existsSync(join(sandbox.folder, program)),
  );
  if (needs.unpack && missing.length > 0)
    log.warn(`not unpacked here, for lack of the programs: ${missing.map(([format]) => format).join(', ')}`);
  return sandbox;
}

async function probe(sandbox: Sandbox, program: Program): Promise<unknown> {
  try {
    await sandbox.run(program, { quietMs: probeMs });
    return null;
  } catch (error) {
    return error;
  }
}
