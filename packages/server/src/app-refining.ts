/** What the server does to the data of imports, as far as it can: opened from the configuration. */
import type { ImportMethod } from './actions/parts.ts';
import type { Refining } from './actions/refinement.ts';
import type { Log } from './base/log.ts';
import type { Config } from './config/schema.ts';
import { openSandbox } from './inspection/open-sandbox.ts';
import type { TargetFormat } from './inspection/qemu-img.ts';
import { Sandbox } from './inspection/sandbox.ts';

export interface OpenRefining {
  readonly refining: Refining;
  /** Methods of import that keep what the configuration promises of their data. */
  readonly methods: readonly ImportMethod[];
  /** As in `ActionParts`. */
  readonly converter: () => Promise<Sandbox | null>;
}

/** `isWorker`: what runs here is done here; otherwise the workers are trusted to be able to. */
export async function openRefining(
  { import: settings, stores }: Pick<Config, 'import' | 'stores'>,
  isWorker: boolean,
  log: Log,
  walls = new Sandbox(settings.sandbox),
): Promise<OpenRefining> {
  const { decompress, convertTo, stripSnapshots } = settings;
  const keptFormats = formatsOf(stores);
  const convert = isWorker && (convertTo !== null || keptFormats.size > 0 || stripSnapshots);
  const sandbox = await openSandbox(walls, { convert, unpack: isWorker && decompress }, log);
  let opened: Sandbox | null = null;
  const converter = async () => {
    opened ??= await openSandbox(walls, { convert: true, unpack: false }, log);
    return opened;
  };
  const { methods } = settings;
  const areOff = convert && sandbox === null;
  if (areOff) log.warn('imports are not offered: what they bring could not be converted');
  return {
    refining: { ...settings, keptFormats, sandbox },
    methods: areOff ? methods.filter((method) => method === 'copy-image') : methods,
    converter,
  };
}

function formatsOf(stores: Config['stores']): Map<string, TargetFormat> {
  return new Map(
    stores.flatMap((store) =>
      'convertTo' in store && store.convertTo !== null ? [[store.id, store.convertTo]] : [],
    ),
  );
}
