/** The command line under which a program runs that opens what users sent: what it may see, and how much it may use. */
import { lstatSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** `none`: only the limits hold. For operators whose servers are sandboxes already. */
export type SandboxMode = 'bubblewrap' | 'none';

export interface ProgramLimits {
  /** Bytes of address space. */
  readonly memory: number;
  /** Seconds of processor time. */
  readonly cpuSeconds: number;
  /** Bytes of the largest file that it may write. */
  readonly fileBytes: number;
}

export interface Program {
  readonly name: string;
  /** Name → path on this machine. */
  readonly reads?: Readonly<Record<string, string>>;
  /** As `reads`; the files are there already. */
  readonly writes?: Readonly<Record<string, string>>;
  /** `file` gives the path that the program knows a file of this name by: an absolute one. */
  readonly words: (file: (name: string) => string) => readonly string[];
  readonly limits: ProgramLimits;
}

const inside = (name: string) => `/data/${name}`;

/** Program first, those of `folder`. What it runs dies with the process that started it. */
export function sandboxWords(mode: SandboxMode, program: Program, folder = '/usr/bin'): string[] {
  const { name, reads = {}, writes = {}, words, limits } = program;
  const limited = [join(folder, 'prlimit'), ...limitWords(limits)];
  if (mode === 'none') {
    const files = { ...reads, ...writes };
    return [
      join(folder, 'setpriv'),
      '--pdeathsig',
      'KILL',
      ...limited,
      join(folder, name),
      ...words((one) => files[one]!),
    ];
  }
  const bindings = [
    ...Object.entries(reads).flatMap(([one, path]) => ['--ro-bind', path, inside(one)]),
    ...Object.entries(writes).flatMap(([one, path]) => ['--bind', path, inside(one)]),
  ];
  return [
    ...limited,
    join(folder, 'bwrap'),
    ...walls(),
    ...bindings,
    '--remount-ro',
    '/',
    '--',
    join(folder, name),
    ...words(inside),
  ];
}

function limitWords({ memory, cpuSeconds, fileBytes }: ProgramLimits): string[] {
  return [
    `--as=${memory}`,
    `--cpu=${Math.ceil(cpuSeconds)}`,
    `--fsize=${Math.ceil(fileBytes)}`,
    '--core=0',
    '--nofile=256',
    '--',
  ];
}

/** No network, no other processes, no rights, no environment, and of the file system only what programs are made of. */
function walls(): string[] {
  return [
    '--unshare-all',
    '--die-with-parent',
    '--new-session',
    ...['--cap-drop', 'ALL'],
    '--clearenv',
    ...['--setenv', 'PATH', '/usr/bin'],
    ...['--setenv', 'LC_ALL', 'C'],
    // Each thread would set aside address space of its own, which is limited.
    ...['--setenv', 'MALLOC_ARENA_MAX', '1'],
    ...['--ro-bind', '/usr', '/usr'],
    ...['/lib', '/lib64', '/lib32', '/bin'].flatMap(rootPiece),
    ...['--ro-bind-try', '/etc/ld.so.cache', '/etc/ld.so.cache'],
    ...['--ro-bind-try', '/etc/alternatives', '/etc/alternatives'],
    ...['--dev', '/dev'],
    ...['--size', '1048576', '--tmpfs', '/tmp'],
    ...['--chdir', '/'],
  ];
}

/** A folder of the root, or the link into /usr that it is on most systems. */
function rootPiece(path: string): string[] {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return [];
  return found.isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path];
}
