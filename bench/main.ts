/** `npm run bench [-- name…]`: every claim about speed and memory, measured beside the limits of this machine. */
import { writeFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { cache } from './items/cache.ts';
import { convert } from './items/convert.ts';
import { copy } from './items/copy.ts';
import { download } from './items/download.ts';
import { identity } from './items/identity.ts';
import { imports } from './items/imports.ts';
import { inspect } from './items/inspect.ts';
import { lists } from './items/lists.ts';
import { memory } from './items/memory.ts';
import { fullScale, type Item, quickScale } from './items/parts.ts';
import { policy } from './items/policy.ts';
import { rbd, s3, swift } from './items/stores.ts';
import { upload } from './items/upload.ts';
import { type Figure, formatFigure, type ItemResult, isMet } from './measure/figures.ts';
import { familySeconds, load, machineSeconds } from './measure/process-figures.ts';
import { startServed } from './measure/served.ts';

const items: Readonly<Record<string, Item>> = {
  upload,
  inspect,
  convert,
  download,
  cache,
  copy,
  s3,
  swift,
  rbd,
  memory,
  lists,
  imports,
  identity,
  policy,
};

const usage = `Usage: npm run bench -- [--quick] [--json FILE] [--profile FOLDER] [name…]
  names      ${Object.keys(items).join(', ')}; all unless given
  --quick    smaller sizes, fewer repetitions
  --json     writes the figures to FILE as well
  --profile  has the server write a processor profile of each item to FOLDER
`;

const options = {
  quick: { type: 'boolean', default: false },
  json: { type: 'string' },
  profile: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const;

interface Wishes {
  readonly names: string[];
  readonly quick: boolean;
  readonly json?: string;
  readonly profile?: string;
}

function readWishes(): Wishes | null {
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  if (values.help || positionals.some((name) => !Object.hasOwn(items, name))) return null;
  return { ...values, names: positionals.length === 0 ? Object.keys(items) : positionals };
}

/** One item on a server of its own; figures are printed as they come. */
async function runItem(name: string, { quick, profile }: Wishes): Promise<ItemResult> {
  const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  await using served = await startServed(profiling);
  const figures: Figure[] = [];
  const ours = () => familySeconds(process.pid) + familySeconds(served.postmaster);
  const before = { time: performance.now(), machine: machineSeconds(), ours: ours() };
  process.stdout.write(`\n${name} (load average before: ${load().toFixed(2)})\n`);
  await items[name]!({
    served,
    scale: quick ? quickScale : fullScale,
    report(figure) {
      figures.push(figure);
      process.stdout.write(`${formatFigure(figure)}\n`);
    },
    tell: (sentence) => process.stdout.write(`  (${sentence})\n`),
  });
  const seconds = (performance.now() - before.time) / 1000;
  const others = machineSeconds() - before.machine - (ours() - before.ours);
  const takenByOthers = Math.max(0, others / (seconds * availableParallelism()));
  process.stdout.write(
    `  (${seconds.toFixed(0)} s; others used ${Math.round(takenByOthers * 100)} % of the processors meanwhile)\n`,
  );
  return { item: name, figures, seconds, takenByOthers };
}

function printSummary(results: readonly ItemResult[]): void {
  const judged = results.flatMap(({ figures }) => figures.map(isMet)).filter((met) => met !== null);
  const met = judged.filter((one) => one).length;
  process.stdout.write(`\n${met} of ${judged.length} targets met\n`);
}

async function main(): Promise<void> {
  const wishes = readWishes();
  if (wishes === null) {
    process.stderr.write(usage);
    process.exitCode = 2;
    return;
  }
  const machine = `${availableParallelism()} cores, ${cpus()[0]?.model.trim()}, Node.js ${process.version}`;
  process.stdout.write(`${machine}${wishes.quick ? '; quick: sizes are small, so are the claims' : ''}\n`);
  const results: ItemResult[] = [];
  for (const name of wishes.names) results.push(await runItem(name, wishes));
  printSummary(results);
  if (wishes.json !== undefined)
    await writeFile(wishes.json, `${JSON.stringify({ machine, quick: wishes.quick, results }, null, 2)}\n`);
}

await main();
