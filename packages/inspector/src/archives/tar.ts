/** Tar, member by member: each file in it is inspected as it passes. With an OVF descriptor it is an appliance. */
import { isZero, textAt } from '../bytes.ts';
import {
  atEnd,
  damaged,
  type Examination,
  type Findings,
  type Format,
  inspectMember,
  readSome,
} from '../examination.ts';
import type { Inspection, InspectOptions } from '../inspection.ts';
import { Appliance } from './appliance.ts';
import { bareName } from './names.ts';
import { isDescriptorName, longestDescriptor, mostFiles } from './ovf.ts';
import { applyExtension, noOverrides, type Overrides } from './tar-extensions.ts';
import { blockBytes, isTarHeader, readTarHeader, type TarHeader } from './tar-header.ts';

export const tar: Format = {
  name: 'tar',
  title: 'a tar archive',
  role: 'archive',
  memory: 3 * longestDescriptor,
  recognise: (head) => textAt(head, 257, 'ustar') && isTarHeader(head),
  *examine(options) {
    return yield* new TarWalk(options).run();
  },
};

class TarWalk {
  readonly #appliance: Appliance;
  #at = 0;
  #overrides: Overrides = noOverrides;
  #isDocker = false;
  #cut: string | null = null;
  #inspected = 0;
  #isLeftOut = false;

  constructor(options: InspectOptions) {
    this.#appliance = new Appliance(options);
  }

  *run(): Examination {
    for (;;) {
      const block = yield* readSome(this.#at, blockBytes);
      if (block.length < blockBytes) {
        this.#cut = this.#at === 0 || block.length > 0 ? 'it ends inside a header of its tar archive' : null;
        break;
      }
      if (isZero(block)) break;
      if (!isTarHeader(block)) throw damaged('a header of its tar archive is broken');
      this.#at += blockBytes;
      if (!(yield* this.#member(readTarHeader(block)))) break;
    }
    yield* atEnd();
    const cut = this.#cut === null ? null : ({ kind: 'damaged', reason: this.#cut } as const);
    const findings = this.#appliance.isOne ? this.#appliance.findings() : this.#plainFindings();
    return { ...findings, refusal: findings.refusal ?? cut };
  }

  /** False when the data ends inside. */
  *#member(header: TarHeader): Examination<boolean> {
    const at = this.#at;
    if (header.isExtension) {
      this.#overrides = yield* applyExtension(header, at, this.#overrides);
      this.#at = at + padded(header.size);
      return true;
    }
    const { changesSize, name = header.name, size = header.size } = this.#overrides;
    this.#overrides = noOverrides;
    const bare = bareName(name);
    if (['manifest.json', 'oci-layout', 'repositories'].includes(bare)) this.#isDocker = true;
    this.#appliance.meet(bare, header, changesSize);
    this.#at = at + (header.kind === 'link' || header.kind === 'device' ? 0 : padded(size));
    if (header.kind !== 'file' || size === 0) return true;
    return yield* this.#content(bare, at, size);
  }

  *#content(name: string, offset: number, length: number): Examination<boolean> {
    if (isDescriptorName(name)) {
      const text = yield* readSome(offset, Math.min(length, longestDescriptor));
      this.#appliance.read(name, text, length);
      if (text.length === Math.min(length, longestDescriptor)) return true;
      this.#cut = 'it ends inside a file of its tar archive';
      return false;
    }
    this.#isLeftOut = this.#inspected === mostFiles;
    if (this.#isLeftOut) return true;
    this.#inspected += 1;
    const digest = this.#appliance.digestFor(name);
    const inspection: Inspection = yield* inspectMember({ offset, length, digest });
    this.#appliance.add(name, inspection, digest);
    if (inspection.size === length) return true;
    this.#cut = 'it ends inside a file of its tar archive';
    return false;
  }

  #plainFindings(): Findings {
    const { members } = this.#appliance;
    const warnings = members.flatMap(({ name, refusal }) =>
      refusal?.kind === 'unsafe' ? [`the file ${name} in it is unsafe: ${refusal.reason}`] : [],
    );
    if (this.#isLeftOut) warnings.push(`only its first ${mostFiles} files were looked into`);
    return { format: this.#isDocker ? 'docker' : 'tar', virtualSize: null, warnings, members };
  }
}

function padded(size: number): number {
  return Math.ceil(size / blockBytes) * blockBytes;
}
