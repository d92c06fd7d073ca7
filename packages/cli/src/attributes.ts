/** From options of `image create`, `set` and `list` to attributes of the API. */
import type { ImageAttributes, ImageChanges } from '@tintype/client';
import { Argument, type Command, InvalidArgumentError, Option } from 'commander';

const diskFormats = ['ami', 'ari', 'aki', 'vhd', 'vhdx', 'vmdk', 'raw', 'qcow2', 'vdi', 'iso', 'ploop'];
const containerFormats = ['ami', 'ari', 'aki', 'bare', 'ovf', 'ova', 'docker', 'compressed'];
export const visibilities = ['public', 'private', 'shared', 'community'] as const;

export interface AttributeOptions {
  diskFormat?: string;
  containerFormat?: string;
  minDisk?: number;
  minRam?: number;
  owner?: string;
  property?: Record<string, string>;
  tag?: string[];
  public?: true;
  private?: true;
  shared?: true;
  community?: true;
  protected?: true;
  unprotected?: true;
  hidden?: true;
  unhidden?: true;
}

/** For options that take a value and may be repeated. */
export function collect(value: string, previous: string[] = []): string[] {
  return [...previous, value];
}

/** For `--property key=value`, repeated. */
export function collectProperty(text: string, previous: Record<string, string> = {}): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('write it as key=value.');
  return { ...previous, [text.slice(0, at)]: text.slice(at + 1) };
}

/** For whole numbers from 0 on. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('it must be a whole number.');
  return Number(text);
}

export const imageArgument = (name = '<image>') => new Argument(name, 'id or name of the image');

/** Names that servers may extend: completed, not enforced. */
export function formatOptions(): { disk: Option; container: Option } {
  return {
    disk: new Option('--disk-format <format>', `format of the disk: ${diskFormats.join(', ')}`),
    container: new Option(
      '--container-format <format>',
      `format around the disk: ${containerFormats.join(', ')}`,
    ),
  };
}

/** Candidates for completion by option. */
export const knownValues: Readonly<Record<string, readonly string[]>> = {
  '--disk-format': diskFormats,
  '--container-format': containerFormats,
  '--role': ['reader', 'member', 'admin'],
};

export function addAttributeOptions(command: Command): Command {
  const { disk, container } = formatOptions();
  command
    .addOption(disk)
    .addOption(container)
    .option('--min-disk <gib>', 'smallest disk to boot it on', wholeNumber)
    .option('--min-ram <mib>', 'smallest memory to boot it with', wholeNumber)
    .option('--owner <project>', 'project that owns it')
    .option('--property <key=value>', 'set a property (repeatable)', collectProperty)
    .option('--tag <tag>', 'add a tag (repeatable)', collect);
  for (const visibility of visibilities) {
    const others = visibilities.filter((other) => other !== visibility);
    command.addOption(new Option(`--${visibility}`, `make it ${visibility}`).conflicts(others));
  }
  return command
    .addOption(new Option('--protected', 'refuse to delete it').conflicts('unprotected'))
    .addOption(new Option('--unprotected', 'allow to delete it'))
    .addOption(new Option('--hidden', 'leave it out of lists').conflicts('unhidden'))
    .addOption(new Option('--unhidden', 'show it in lists'));
}

/** All but the tags. */
export function chosenAttributes(options: AttributeOptions): ImageChanges {
  const attributes: Record<string, ImageAttributes[string]> = {
    ...options.property,
    disk_format: options.diskFormat,
    container_format: options.containerFormat,
    min_disk: options.minDisk,
    min_ram: options.minRam,
    owner: options.owner,
    visibility: visibilities.find((visibility) => options[visibility]),
    protected: options.protected ?? (options.unprotected ? false : undefined),
    os_hidden: options.hidden ?? (options.unhidden ? false : undefined),
  };
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}
