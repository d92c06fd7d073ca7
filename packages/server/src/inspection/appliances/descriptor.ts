/** Reads what an OVF descriptor says of its disk and of the processors that it wants; no definitions, no entities. */
import { SaxesParser, type SaxesTagNS } from 'saxes';
import { Failure } from '../../base/failure.ts';

/** Namespaces whose elements become properties, and what their names begin with: the reference knows this one. */
const namespaces: Readonly<Record<string, string>> = {
  'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ProcessorAllocationSettingData': 'cim_pasd_',
};

/** Characters of a property's value at most. */
const longestValue = 255;

export interface Descriptor {
  /** Name of the file that has the disk. */
  readonly disk: string;
  readonly properties: Readonly<Record<string, string>>;
}

/** `wanted`: names of elements that become properties. Fails with format_mismatch, or unsafe_image when it defines a document type. */
export function readDescriptor(text: string, wanted: readonly string[]): Descriptor {
  const reader = new DescriptorReader(wanted);
  const parser = new SaxesParser({ xmlns: true });
  parser.on('doctype', () => {
    throw new Failure('unsafe_image', 'The image is refused: its OVF descriptor has a document type.');
  });
  parser.on('error', (error) => {
    throw unfit(`is no sound XML (${error.message.slice(0, 100)})`);
  });
  parser.on('opentag', (tag) => reader.open(tag));
  parser.on('text', (content) => reader.text(content));
  parser.on('closetag', () => reader.close());
  parser.write(text).close();
  return reader.result();
}

class DescriptorReader {
  readonly #wanted: readonly string[];
  /** By id. */
  readonly #files = new Map<string, string>();
  readonly #disks: string[] = [];
  readonly #properties: Record<string, string> = {};
  #property: string | null = null;
  #value = '';

  constructor(wanted: readonly string[]) {
    this.#wanted = wanted;
  }

  open({ local, uri, attributes }: SaxesTagNS): void {
    const values = Object.values(attributes);
    const of = (name: string) => values.find((attribute) => attribute.local === name)?.value;
    if (local === 'File') this.#files.set(of('id') ?? '', of('href') ?? '');
    if (local === 'Disk') this.#disks.push(of('fileRef') ?? '');
    const prefix = this.#wanted.includes(local) ? namespaces[uri] : undefined;
    this.#property = prefix === undefined ? null : prefix + local;
    this.#value = '';
  }

  text(content: string): void {
    if (this.#property !== null && this.#value.length <= longestValue) this.#value += content;
  }

  close(): void {
    if (this.#property !== null) this.#properties[this.#property] = this.#value.trim().slice(0, longestValue);
    this.#property = null;
  }

  result(): Descriptor {
    if (this.#disks.length !== 1) throw unfit(`has ${this.#disks.length} disks, and an image is one`);
    const disk = this.#files.get(this.#disks[0]!);
    if (disk === undefined) throw unfit('does not say which file its disk is');
    return { disk, properties: this.#properties };
  }
}

function unfit(what: string): Failure {
  return new Failure('format_mismatch', `The data cannot be used: the OVF descriptor ${what}.`);
}
