/** `tintype inspect`: what a file is, how large its disk is and whether it is safe, without a server. */
import type { Inspection, Member } from '@tintype/inspector';
import type { Command } from 'commander';
import { formatBytes } from '../amounts.ts';
import { exitCodes } from '../exit-codes.ts';
import { type Inspected, inspectData } from '../inspected-data.ts';
import { watchForSignals } from '../interruption.ts';
import { printFields, printJson, printLine } from '../output.ts';
import { readSettings } from '../settings.ts';

export function addInspect(parent: Command): void {
  parent
    .command('inspect')
    .description('say what a disk image is and whether it is safe, as the server would; needs no server')
    .argument('<file>', 'file, http or https address, or - for standard input')
    .action(inspect);
}

async function inspect(place: string, _: object, command: Command): Promise<void> {
  const { json, quiet } = readSettings(command);
  using watch = watchForSignals();
  const inspected = await inspectData(place, watch.signal);
  const verdict = inspected.inspection.refusal?.kind ?? 'safe';
  if (json) printJson({ source: inspected.name, verdict, ...inspected.inspection });
  else if (quiet) printLine(verdict);
  else printFields(fieldsOf(inspected));
  if (verdict !== 'safe') process.exitCode = exitCodes.unsafe;
}

function fieldsOf({ name, inspection }: Inspected): [string, string][] {
  const { format, also, looksLike, size, virtualSize, refusal, encryption } = inspection;
  const others = also.length > 0 ? `, also ${also.join(', ')}` : '';
  return [
    ['source', name],
    ['verdict', refusal === null ? 'safe' : `${refusal.kind}: ${refusal.reason}`],
    ['format', `${format}${others} (${looksLike})`],
    ['size', bytes(size)],
    ['virtual size', virtualSize === null ? 'not known' : bytes(virtualSize)],
    ...(encryption === null ? [] : [['encryption', encryption] as [string, string]]),
    ...factFields(inspection),
    ...inspection.warnings.map((warning): [string, string] => ['warning', warning]),
    ...inspection.members.map((member): [string, string] => ['contains', describe(member)]),
  ];
}

/** `clusterSize` becomes `cluster size`. */
function factFields({ facts }: Inspection): [string, string][] {
  return Object.entries(facts)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => [name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`), String(value)]);
}

function describe({ name, format, size, refusal }: Member): string {
  const verdict = refusal === null ? 'safe' : `${refusal.kind}: ${refusal.reason}`;
  return `${name}: ${format}, ${formatBytes(size)}, ${verdict}`;
}

function bytes(count: number): string {
  return count < 1024 ? `${count}` : `${count} (${formatBytes(count)})`;
}
