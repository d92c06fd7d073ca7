/** The three commands of qemu-img that are used, in the sandbox, each format named. */
import { Failure } from '../base/failure.ts';
import { ProgramFailed, type Sandbox } from './sandbox.ts';
import type { Program } from './sandbox-words.ts';

/** Formats that a disk can be converted from, by their names in the API; the driver that reads each. */
const drivers: Readonly<Record<string, string>> = {
  raw: 'driver=raw',
  qcow2: 'driver=qcow2',
  vmdk: 'driver=vmdk',
  // By itself it goes by the geometry in the footer, which is not what the footer says the size is.
  vhd: 'driver=vpc,force_size_calc=current_size',
  vhdx: 'driver=vhdx',
  vdi: 'driver=vdi',
  ploop: 'driver=parallels',
};

const outputs = {
  raw: ['-O', 'raw'],
  qcow2: ['-O', 'qcow2'],
  vmdk: ['-O', 'vmdk', '-o', 'subformat=streamOptimized'],
  vhd: ['-O', 'vpc', '-o', 'subformat=dynamic,force_size=on'],
} as const;

export type TargetFormat = keyof typeof outputs;

export function canBeRead(format: string): boolean {
  return Object.hasOwn(drivers, format);
}

export function canBeMade(format: string): format is TargetFormat {
  return Object.hasOwn(outputs, format);
}

/** A file that inspection has passed as this format. */
export interface Disk {
  readonly path: string;
  readonly format: string;
}

export interface QemuWork {
  /** Bytes that a guest sees: what it takes of time and room goes by them. */
  readonly virtualSize: number;
  readonly signal: AbortSignal;
  /** Per cent done. */
  readonly tell: (percent: number) => void;
}

/** Address space that suffices whatever the image; bytes. */
const memory = 2 * 1024 ** 3;

/** `to.path` is there and empty. Fails with conversion_failed, store_full or step_stalled. */
export async function qemuConvert(
  sandbox: Sandbox,
  from: Disk,
  to: Disk & { readonly format: TargetFormat },
  compress: boolean,
  work: QemuWork,
): Promise<void> {
  const isPacked = compress && to.format === 'qcow2';
  await qemu(sandbox, `The image could not be converted from ${from.format} to ${to.format}`, work, {
    reads: { source: from.path },
    writes: { result: to.path },
    words: (file) => [
      ...['convert', '-p', '--image-opts', ...(isPacked ? ['-c'] : []), ...outputs[to.format]],
      ...[optionsOf(from.format, file('source')), file('result')],
    ],
  });
}

/** Exit codes of a check that found nothing lost: none, space that nothing uses, a format that has no check. */
const harmless: readonly (number | null)[] = [0, 3, 63];
/** Milliseconds it may take without a word: it tells no progress. */
const checkMs = 10 * 60_000;

/** Fails with conversion_failed when data is missing, which reading does not tell: it gives zeros there. */
export async function qemuCheck(sandbox: Sandbox, one: Disk, work: QemuWork): Promise<void> {
  const program = {
    reads: { one: one.path },
    words: (file: (name: string) => string) => ['check', '--image-opts', optionsOf(one.format, file('one'))],
  };
  const { signal, virtualSize } = work;
  const limits = limitsFor(virtualSize);
  try {
    await sandbox.run({ name: 'qemu-img', ...program, limits }, { signal, quietMs: checkMs });
  } catch (error) {
    if (!(error instanceof ProgramFailed)) throw error;
    if (harmless.includes(error.code)) return;
    throw failureOf(error, `The ${one.format} image is damaged or cut`);
  }
}

/** Fails with conversion_failed unless a guest sees the same on both. */
export async function qemuCompare(sandbox: Sandbox, one: Disk, other: Disk, work: QemuWork): Promise<void> {
  await qemu(sandbox, `What a guest sees was changed by converting ${one.format} to ${other.format}`, work, {
    reads: { one: one.path, other: other.path },
    words: (file) => [
      ...['compare', '-p', '--image-opts'],
      ...[optionsOf(one.format, file('one')), optionsOf(other.format, file('other'))],
    ],
  });
}

function optionsOf(format: string, path: string): string {
  return `${drivers[format]!},file.driver=file,file.filename=${path.replaceAll(',', ',,')}`;
}

async function qemu(
  sandbox: Sandbox,
  trouble: string,
  { virtualSize, signal, tell }: QemuWork,
  program: Pick<Program, 'reads' | 'writes' | 'words'>,
): Promise<void> {
  const limits = limitsFor(virtualSize);
  const heard = (text: string) => {
    const percent = /\((\d+\.\d+)\/100%\)[^(]*$/.exec(text)?.[1];
    if (percent !== undefined) tell(Number(percent));
  };
  try {
    await sandbox.run({ name: 'qemu-img', ...program, limits }, { signal, heard });
  } catch (error) {
    if (!(error instanceof ProgramFailed)) throw error;
    throw failureOf(error, trouble);
  }
}

function limitsFor(virtualSize: number) {
  return {
    memory,
    cpuSeconds: 120 + virtualSize / (4 * 1024 ** 2),
    fileBytes: virtualSize * 1.1 + 64 * 1024 ** 2,
  };
}

function failureOf(error: ProgramFailed, trouble: string): Failure {
  if (error.said.includes('No space left on device'))
    return new Failure('store_full', 'There is no room to convert the image.', { cause: error });
  const isKilled = error.signal !== null || (error.code ?? 0) > 128;
  const last = error.said
    .split('\n')
    .at(-1)!
    .replace(/^qemu-img: /, '');
  // Paths are nobody's business but the operator's, who has them in the log.
  const said = last.replace(/(?:json:\{.*\}|\/[^\s'":,]+)/g, 'the image').slice(0, 200);
  const why = isKilled ? 'it takes more memory, time or room than it may' : said;
  return new Failure('conversion_failed', why === '' ? `${trouble}.` : `${trouble}: ${why}.`, {
    cause: error,
  });
}
