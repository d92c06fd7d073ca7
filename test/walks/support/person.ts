/** Who walks: the user that runs the tests or, when that is root, also an ordinary one. */
import { spawnSync } from 'node:child_process';
import { chmod, chown, cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { endWorkersIn } from './processes.ts';

export interface Person {
  readonly name: string;
  /** The root of the project as this person reaches it. */
  readonly project: string;
  /** The Node that came with the project. */
  readonly node: string;
  /** A folder of their own for everything the walk makes. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  /** A new folder of theirs inside their own. */
  makeFolder(name: string): Promise<string>;
  /** The command that runs `command` as this person. */
  words(command: readonly string[]): string[];
  /** Ends what still works in the folder and removes it. */
  leave(): Promise<void>;
}

/** `nobody` of every Debian. */
const ordinaryId = 65534;
const project = path.resolve(import.meta.dirname, '../../..');
const parts = ['package.json', 'package-lock.json', '.npmrc', 'scripts', 'packages', 'node_modules'];

export const isRoot = process.getuid?.() === 0;

/** One that others may pass through: as root, PostgreSQL runs as another user. */
async function newFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'walk-'));
  await chmod(folder, 0o711);
  return folder;
}

async function makeOwned(folder: string, owner: number | null): Promise<string> {
  await mkdir(folder);
  if (owner !== null) await chown(folder, owner, owner);
  return folder;
}

async function removeFolder(folder: string): Promise<void> {
  await endWorkersIn(folder);
  await rm(folder, { recursive: true, force: true, maxRetries: 10 });
}

/** The user that runs the tests. */
export async function ourselves(): Promise<Person> {
  const folder = await newFolder();
  return {
    name: isRoot ? 'root' : 'an ordinary user',
    project,
    node: process.execPath,
    folder,
    env: { TMPDIR: await makeOwned(path.join(folder, 'tmp'), null) },
    makeFolder: (name) => makeOwned(path.join(folder, name), null),
    words: (command) => [...command],
    leave: () => removeFolder(folder),
  };
}

function asOrdinary(command: readonly string[]): string[] {
  return ['setpriv', `--reuid=${ordinaryId}`, `--regid=${ordinaryId}`, '--clear-groups', ...command];
}

function canRead(folder: string): boolean {
  const [program, ...args] = asOrdinary(['test', '-r', path.join(folder, 'package.json')]);
  return spawnSync(program!, args).status === 0;
}

/** A user without rights, with a home of their own; the project is copied where they cannot reach ours. Root only. */
export async function ordinary(): Promise<Person> {
  const folder = await newFolder();
  await chown(folder, ordinaryId, ordinaryId);
  const home = await makeOwned(path.join(folder, 'home'), ordinaryId);
  let reachable = project;
  if (!canRead(project)) {
    reachable = path.join(folder, 'project');
    for (const part of parts)
      await cp(path.join(project, part), path.join(reachable, part), {
        recursive: true,
        verbatimSymlinks: true,
      });
  }
  return {
    name: 'an ordinary user',
    project: reachable,
    node: path.join(reachable, 'node_modules/.bin/node'),
    folder,
    env: { HOME: home, TMPDIR: await makeOwned(path.join(folder, 'tmp'), ordinaryId) },
    makeFolder: (name) => makeOwned(path.join(folder, name), ordinaryId),
    words: asOrdinary,
    leave: () => removeFolder(folder),
  };
}
