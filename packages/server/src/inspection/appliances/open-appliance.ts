/** Finds the disk of an OVF appliance (ova), once everything in it is what its manifest says. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { inspectSource, readManifest, type Source, type TarFile, tarFiles } from '@tintype/inspector';
import { Failure } from '../../base/failure.ts';
import { readAt } from '../inspect-file.ts';
import { requireSound } from '../sound.ts';
import { readDescriptor } from './descriptor.ts';

export interface ApplianceOptions {
  /** Names of elements of its descriptor that become properties. */
  readonly wanted: readonly string[];
  readonly signal: AbortSignal;
  /** Bytes looked at so far. */
  readonly tell: (done: number) => void;
}

export interface Appliance {
  /** Where the disk is in the archive. */
  readonly disk: TarFile;
  /** The disk's format, by its name in the API. */
  readonly format: string;
  readonly properties: Readonly<Record<string, string>>;
}

/** What disks in appliances are; what else a file is found to be is a raw disk. */
const layered = ['qcow2', 'vmdk', 'vhd', 'vhdx', 'vdi', 'ploop', 'iso'];
const packed = ['gzip', 'xz', 'zstd', 'bzip2', 'lha', 'zip', 'tar', 'ova'];

/** Fails with unsafe_image, or format_mismatch when it is no appliance of one disk, or not what its manifest says. */
export async function openAppliance(path: string, options: ApplianceOptions): Promise<Appliance> {
  const { format } = await requireSound(path);
  if (format !== 'ova') throw unfit('it is no OVF appliance');
  await using file = await open(path);
  const { size } = await file.stat();
  const source = { size, read: (offset: number, length: number) => readAt(file, offset, length) };
  const files: TarFile[] = [];
  for await (const one of tarFiles(source)) files.push(one);
  const descriptor = files.find(({ name }) => /\.ovf$/i.test(name));
  if (descriptor === undefined) throw unfit('it has no OVF descriptor');
  const { disk: name, properties } = readDescriptor(await textOf(source, descriptor), options.wanted);
  const disk = files.find((one) => one.name === name);
  if (disk === undefined) throw unfit(`its disk ${name.slice(0, 100)} is not in it`);
  const manifest = files.find((one) => /\.mf$/i.test(one.name));
  if (manifest !== undefined) await requireDigests(path, files, await textOf(source, manifest), options);
  return { disk, format: await formatOf(source, disk), properties };
}

async function textOf(source: Source, { offset, size }: TarFile): Promise<string> {
  return Buffer.from(await source.read(offset, size)).toString('utf8');
}

async function requireDigests(
  path: string,
  files: readonly TarFile[],
  manifest: string,
  { signal, tell }: ApplianceOptions,
): Promise<void> {
  let done = 0;
  for (const [name, { algorithm, hex }] of readManifest(manifest)) {
    const file = files.find((one) => one.name === name);
    if (file === undefined) throw unfit(`its manifest names ${name.slice(0, 100)}, which is not in it`);
    const hash = createHash(algorithm);
    for await (const chunk of bytesOf(path, file, signal)) {
      hash.update(chunk);
      done += chunk.length;
      tell(done);
    }
    if (hash.digest('hex') !== hex)
      throw unfit(`its file ${name.slice(0, 100)} has another digest than its manifest says`);
  }
}

/** The bytes of a file of the archive. */
export async function* bytesOf(
  path: string,
  { offset, size }: TarFile,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  if (size === 0) return;
  yield* createReadStream(path, { start: offset, end: offset + size - 1, signal, highWaterMark: 256 * 1024 });
}

async function formatOf(source: Source, { offset, size }: TarFile): Promise<string> {
  const { format, looksLike } = await inspectSource({
    size,
    read: (at, length) => source.read(offset + at, Math.max(0, Math.min(length, size - at))),
  });
  if (packed.includes(format)) throw unfit(`its disk is ${looksLike}`);
  return layered.includes(format) ? format : 'raw';
}

function unfit(what: string): Failure {
  return new Failure('format_mismatch', `The data cannot be used: ${what}.`);
}
