/** OVF, the description of an appliance: read tag by tag, without definitions and entities of its own. */
import { detached, latin1, shown } from '../bytes.ts';
import { atEnd, claim, type Format, RefusalError, readSome } from '../examination.ts';
import type { Refusal } from '../inspection.ts';
import { isPlainName } from './names.ts';
import { attributesOf, visitTags } from './xml-tags.ts';

/** Of an appliance: what has more is refused; of any other archive no more are looked into. */
export const mostFiles = 256;
export const longestDescriptor = 512 * 1024;

export interface OvfDescriptor {
  /** Names of the files that it refers to. */
  readonly files: readonly string[];
  /** Bytes of all its disks, or null when it does not say. */
  readonly capacity: number | null;
}

export const ovf: Format = {
  name: 'ovf',
  title: 'an OVF descriptor',
  role: 'other',
  memory: 3 * longestDescriptor,
  recognise(head) {
    if (!/^(\xef\xbb\xbf)?\s*</.test(latin1(head, 0, 512))) return false;
    return /<([\w.-]{1,64}:)?Envelope\s/.test(latin1(head)) && /\/ovf\/|\/schema\/ovf/.test(latin1(head));
  },
  *examine() {
    const text = yield* readSome(0, longestDescriptor + 1);
    if (text.length > longestDescriptor) throw new RefusalError('unfit', 'its OVF descriptor is too long');
    const descriptor = readOvf(latin1(text));
    if ('kind' in descriptor) throw new RefusalError(descriptor.kind, descriptor.reason);
    yield* atEnd();
    const { capacity, files } = descriptor;
    const virtualSize = capacity === null ? null : yield* claim(capacity, 'OVF descriptor');
    return { virtualSize, facts: { files: files.length } };
  },
};

/** Whether a file of an appliance is read as text, and not inspected as a disk. */
export function isDescriptorName(name: string): boolean {
  return /^[^/]{1,251}\.(ovf|mf)$/i.test(name);
}

/** One character a byte, since names are compared byte by byte. */
export function readOvf(text: string): OvfDescriptor | Refusal {
  const files: string[] = [];
  let capacity: number | null = null;
  let problem: string | null = null;
  const fault = visitTags(text, (name, tag) => {
    if (name === 'File') {
      const href = attributesOf(tag).get('href') ?? '';
      if (!isPlainName(href) || href.length > 255 || isDescriptorName(href))
        problem ??= `refers to '${shown(href)}', which is no plain name of a disk`;
      if (files.length === mostFiles) problem ??= `refers to more than ${mostFiles} files`;
      else files.push(detached(href));
    } else if (name === 'Disk') {
      const bytes = capacityOf(attributesOf(tag));
      if (bytes !== null) capacity = (capacity ?? 0) + bytes;
    }
  });
  const refused = fault ?? problem;
  return refused === null ? { files, capacity } : { kind: 'unsafe', reason: `its OVF descriptor ${refused}` };
}

/** Of one disk; the units are products of powers, such as `byte * 2^30`. */
function capacityOf(attributes: ReadonlyMap<string, string>): number | null {
  const count = Number(attributes.get('capacity') ?? Number.NaN);
  const units = attributes.get('capacityAllocationUnits') ?? 'byte';
  const [, base, power] = /^byte(?: ?\* ?(\d{1,4})\^(\d{1,2}))?$/.exec(units) ?? [];
  const named: Readonly<Record<string, number>> = {
    KiloBytes: 1024,
    MegaBytes: 1024 ** 2,
    GigaBytes: 1024 ** 3,
  };
  const unit =
    base !== undefined
      ? Number(base) ** Number(power)
      : (named[units] ?? (units === 'byte' ? 1 : Number.NaN));
  const bytes = count * unit;
  return Number.isFinite(bytes) && bytes >= 0 ? Math.floor(bytes) : null;
}
