/** `tintype upkeep run reconcile`: how stores and records differ, as a table or as JSON, and what was done about it. */
import type { Finding } from '@tintype/server';
import type { Command } from 'commander';
import { exitCodes } from '../exit-codes.ts';
import { printJson, printLine, printTable } from '../output.ts';
import { loadServer, serverOptions } from '../server-parts.ts';
import { readSettings } from '../settings.ts';

export interface ReconcileOptions {
  readonly dryRun?: true;
  readonly repair?: true;
  readonly scrub?: true;
  /** Part of the copies to scrub. */
  readonly sample?: number;
  /** MiB a second. */
  readonly rate?: number;
}

const mebi = 1024 * 1024;

/** Exits with `failed` when something is left that is not as it should be. */
export async function reconcile(options: ReconcileOptions, command: Command): Promise<void> {
  const { runReconcile } = await loadServer();
  const findings: Finding[] = [];
  const abort = new AbortController();
  process.once('SIGINT', () => abort.abort(new Error('Interrupted: what was found until then is kept.')));
  const { looked } = await runReconcile(serverOptions(command), {
    repair: options.repair === true && options.dryRun !== true,
    scrub: options.sample ?? (options.scrub === true ? 1 : 0),
    bytesPerSecond: options.rate === undefined ? null : options.rate * mebi,
    signal: abort.signal,
    tell: (finding) => findings.push(finding),
  });
  const { json, quiet } = readSettings(command);
  if (json) printJson({ looked, findings });
  else if (quiet) for (const { key, store } of findings) printLine(`${store} ${key ?? ''}`.trimEnd());
  else tell(looked, findings);
  if (findings.some(({ kind, repaired }) => !repaired && kind !== 'foreign'))
    process.exitCode = exitCodes.failed;
}

function tell(looked: number, findings: readonly Finding[]): void {
  if (findings.length > 0)
    printTable(
      ['FINDING', 'STORE', 'OBJECT', 'IMAGE', 'BYTES', 'REPAIRED', 'DETAIL'],
      findings.map(({ kind, store, key, image, bytes, repaired, detail }) => [
        kind,
        store,
        key ?? '',
        image ?? '',
        bytes === null ? '' : String(bytes),
        repaired ? 'yes' : 'no',
        detail ?? '',
      ]),
    );
  const repaired = findings.filter((finding) => finding.repaired).length;
  printLine(`reconcile: ${looked} looked at, ${findings.length} found, ${repaired} repaired`);
}
