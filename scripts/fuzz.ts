/** `npm run fuzz -- [--minutes N] [--seed N] [--output FOLDER]`: looks for data that breaks the inspector, guided by what code it reaches. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Samples } from '../test/formats/samples.ts';
import { type Progress, runCampaign } from './fuzz/campaign.ts';
import { Chance } from './fuzz/chance.ts';
import { inspectorFiles, seedOf, tryInspector } from './fuzz/inspector-target.ts';
import { repair } from './fuzz/repair.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 32) },
    output: { type: 'string' },
  },
});

function describe({ executions, inputs, blocks, findings }: Progress): string {
  return `${executions} executions, ${inputs} inputs, ${blocks} blocks, ${findings.length} findings`;
}

async function main(): Promise<number> {
  const samples = new Samples();
  process.once('exit', () => samples.remove());
  if (samples.skip !== false) throw new Error(`There are no samples: ${samples.skip}.`);
  const seeds = samples.all.map((sample) => seedOf(samples.read(sample)));
  const end = performance.now() + Number(values.minutes) * 60_000;
  let reported = performance.now();
  console.log(`seed ${values.seed}, ${seeds.length} samples, ${values.minutes} minutes`);
  const progress = await runCampaign({
    seeds,
    target: tryInspector,
    isCounted: (url) => url.includes(inspectorFiles),
    chance: new Chance(Number(values.seed)),
    longest: 4 * 1024 * 1024,
    repair,
    isOver(now) {
      if (performance.now() - reported > 30_000) {
        reported = performance.now();
        console.log(describe(now));
      }
      return performance.now() > end;
    },
  });
  console.log(describe(progress));
  for (const [index, { input, error }] of progress.findings.entries()) {
    console.log(`${input.length} bytes: ${error instanceof Error ? error.stack : error}`);
    if (values.output === undefined) continue;
    mkdirSync(values.output, { recursive: true });
    writeFileSync(join(values.output, `finding-${index}`), input);
  }
  return progress.findings.length === 0 ? 0 : 1;
}

process.exitCode = await main();
