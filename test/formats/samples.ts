/** Image files of every format, valid, broken and malicious, with what is to be said of each. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DigestName } from '@tintype/inspector';

/** As the generator's manifest has it. */
export interface Sample {
  readonly file: string;
  readonly format: string;
  readonly disk_format: string;
  readonly container_format: string;
  readonly size: number;
  readonly virtual_size: number | null;
  readonly safe: boolean;
  /** Where an unsafe one must be refused at the latest. */
  readonly stage?: 'upload' | 'unpack' | 'convert';
  readonly companion?: true;
}

const generator = join(import.meta.dirname, '../fixtures/make-images');
const tools = ['python3', 'qemu-img', 'genisoimage', 'xorriso', 'cryptsetup', 'sgdisk', 'zstd', 'unshare'];

export class Samples {
  readonly folder = mkdtempSync(join(tmpdir(), 'tintype-samples-'));
  /** Without the files that belong to others. */
  readonly all: readonly Sample[];
  /** Why there are none, or false. */
  readonly skip: string | false;

  /** As root the generator installs the tools that it needs. */
  constructor() {
    const made = spawnSync('python3', [generator, this.folder], { encoding: 'utf8' });
    const missing = made.status === 0 ? [] : tools.filter((tool) => !isInstalled(tool));
    if (made.status !== 0 && missing.length === 0)
      throw new Error(`the generator failed: ${made.stdout}${made.stderr}`);
    this.skip = made.status === 0 ? false : `these tools are missing: ${missing.join(', ')}`;
    const { images } = this.skip ? { images: [] } : JSON.parse(this.readText('manifest.json'));
    this.all = (images as Sample[]).filter(({ companion }) => companion !== true);
  }

  read({ file }: Sample): Buffer {
    return readFileSync(join(this.folder, file));
  }

  readText(file: string): string {
    return readFileSync(join(this.folder, file), 'utf8');
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function isInstalled(tool: string): boolean {
  try {
    execFileSync('sh', ['-c', 'command -v "$1"', 'sh', tool], {
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
    });
    return true;
  } catch {
    return false;
  }
}

/** The last `size` is as long as the data. With `size` under 512, only at both ends, where headers and footers are. */
export function* chunksOf(data: Uint8Array, size: number): Generator<Uint8Array> {
  const end = 64 * 1024 + 1000;
  for (let at = 0; at < data.length; ) {
    const isMiddle = size < 512 && at >= end && at < data.length - end;
    const next = isMiddle ? data.length - end : Math.min(data.length, at + size);
    yield data.subarray(at, next);
    at = next;
  }
}

export function createDigest(name: DigestName) {
  const hash = createHash(name);
  return { update: (bytes: Uint8Array) => hash.update(bytes), digest: () => hash.digest('hex') };
}
