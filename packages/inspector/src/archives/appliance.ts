/** What makes an appliance (ova) of a tar archive, and what an honest one does not have. */
import { latin1, shown } from '../bytes.ts';
import type { Findings } from '../examination.ts';
import type { Digest, DigestName, Inspection, InspectOptions, Member, Refusal } from '../inspection.ts';
import { type Manifest, readManifest } from './manifest.ts';
import { reachesOut } from './names.ts';
import { longestDescriptor, mostFiles, type OvfDescriptor, readOvf } from './ovf.ts';
import type { TarHeader } from './tar-header.ts';

interface Descriptor extends OvfDescriptor {
  readonly name: string;
  /** Of its text. */
  readonly digests: ReadonlyMap<DigestName, string>;
}

export class Appliance {
  readonly members: Member[] = [];
  readonly #options: InspectOptions;
  readonly #names = new Set<string>();
  readonly #warnings: string[] = [];
  /** What each file adds to the disks that a guest sees. */
  readonly #virtualSizes = new Map<string, number>();
  /** The first thing that an honest appliance does not have. It counts once this turns out to be one. */
  #problem: Refusal | null = null;
  #descriptor: Descriptor | null = null;
  #manifest: Manifest | null = null;

  constructor(options: InspectOptions) {
    this.#options = options;
  }

  get isOne(): boolean {
    return this.#descriptor !== null;
  }

  /** Every member, in order. */
  meet(name: string, { kind, type }: TarHeader, changesSize: boolean): void {
    const what = `the file ${shown(name)} in it`;
    if (reachesOut(name)) this.#object(`${what} has a name that reaches outside`);
    if (kind === 'link' || kind === 'device') this.#object(`${what} is a ${kind}`);
    if (kind === 'other') this.#object(`${what} is of the unknown type ${shown(type)}`);
    if (changesSize) this.#object(`${what} has two sizes`);
    if (name.length > 255) this.#object(`${what} has too long a name`);
    if (kind === 'folder' || name.length > 255) return;
    if (this.#names.has(name)) this.#object(`${what} is there twice`);
    if (this.#names.size < mostFiles) this.#names.add(name);
    else this.#object(`it holds more than ${mostFiles} files`);
  }

  /** `text` is cut at `longestDescriptor`. */
  read(name: string, text: Uint8Array, size: number): void {
    if (size > longestDescriptor) this.#object(`the file ${shown(name)} in it is too long`);
    if (/\.mf$/i.test(name)) this.#readManifest(text);
    else this.#readDescriptor(name, text);
    this.#checkDescriptorDigest();
  }

  digestFor(name: string): Digest | null {
    const entry = this.#manifest?.get(name);
    return entry === undefined ? null : (this.#options.createDigest?.(entry.algorithm) ?? null);
  }

  add(name: string, inspection: Inspection, digest: Digest | null): void {
    const { format, size, virtualSize, refusal } = inspection;
    const named = shown(name);
    this.members.push({ name: named, format, size, virtualSize, refusal });
    if (virtualSize !== null) this.#virtualSizes.set(name, virtualSize);
    if (refusal !== null)
      this.#refuse({ kind: refusal.kind, reason: `the file ${named} in it: ${refusal.reason}` });
    if (digest !== null && digest.digest() !== this.#manifest?.get(name)?.hex)
      this.#refuse(wrongDigest(name));
  }

  findings(): Findings {
    const files = this.#descriptor?.files ?? [];
    const missing = files.find((file) => !this.#names.has(file));
    if (missing !== undefined)
      this.#object(`its descriptor names the file ${shown(missing)}, which is not there`);
    if (this.#manifest !== null && this.#options.createDigest === undefined)
      this.#warnings.push('the digests of its manifest were not checked');
    const disks = files.filter((file) => this.#virtualSizes.has(file));
    return {
      format: 'ova',
      title: 'an OVF appliance (ova)',
      refusal: this.#problem,
      virtualSize: disks.length === 0 ? null : this.#sum(new Set(disks)),
      warnings: this.#warnings,
      facts: { disks: disks.length },
      members: this.members,
    };
  }

  #sum(files: ReadonlySet<string>): number {
    return [...files].reduce((sum, file) => sum + this.#virtualSizes.get(file)!, 0);
  }

  #readDescriptor(name: string, text: Uint8Array): void {
    if (this.#descriptor !== null) this.#object('it has two descriptors');
    const digests = new Map<DigestName, string>();
    for (const algorithm of ['sha1', 'sha256', 'sha512'] as const) {
      const digest = this.#options.createDigest?.(algorithm);
      digest?.update(text);
      if (digest !== undefined) digests.set(algorithm, digest.digest());
    }
    const read = readOvf(latin1(text));
    if ('kind' in read) this.#refuse(read);
    this.#descriptor ??= { name, digests, ...('kind' in read ? { files: [], capacity: null } : read) };
  }

  #readManifest(text: Uint8Array): void {
    if (this.#manifest !== null) this.#object('it has two manifests');
    this.#manifest ??= readManifest(latin1(text));
    if (this.members.length > 0)
      this.#warnings.push(
        'its manifest stands behind files that it describes: their digests were not checked',
      );
  }

  #checkDescriptorDigest(): void {
    if (this.#descriptor === null) return;
    const { name, digests } = this.#descriptor;
    const entry = this.#manifest?.get(name);
    const found = entry === undefined ? undefined : digests.get(entry.algorithm);
    if (found !== undefined && found !== entry!.hex) this.#refuse(wrongDigest(name));
  }

  #object(reason: string): void {
    this.#refuse({ kind: 'unsafe', reason });
  }

  #refuse(refusal: Refusal): void {
    this.#problem ??= refusal;
  }
}

function wrongDigest(name: string): Refusal {
  return {
    kind: 'damaged',
    reason: `the file ${shown(name)} in it has another digest than its manifest says`,
  };
}
