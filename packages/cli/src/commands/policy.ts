/** `tintype policy check|explain`: is a policy file good, and who may do what under it. */
import type { Command } from 'commander';
import { printJson, printLine } from '../output.ts';
import { loadServer } from '../server-parts.ts';
import { readSettings } from '../settings.ts';

interface ExplainOptions {
  readonly rule: string;
  readonly asRole: string[];
  readonly file?: string;
}

export function addPolicy(parent: Command): void {
  const policy = parent
    .command('policy')
    .helpCommand(false)
    .description('look at policy files: who may do what');
  policy
    .command('check')
    .description('say whether a policy file can be used')
    .argument('<file>', 'YAML or JSON: rule name to rule')
    .action(check);
  policy
    .command('explain')
    .description('say on which images a caller with some roles passes a rule')
    .requiredOption('--rule <rule>', 'name of the rule, such as download_image')
    .requiredOption('--as-role <role...>', 'roles of the caller')
    .option('--file <file>', 'policy file; without it the defaults are explained')
    .action(explain);
}

async function check(file: string, _: object, command: Command): Promise<void> {
  const { checkPolicy } = await loadServer();
  const warnings = await checkPolicy(file);
  const { json, quiet } = readSettings(command);
  if (json) return printJson({ ok: true, warnings });
  if (quiet) return;
  for (const line of warnings) printLine(line);
  printLine('The policy file can be used.');
}

async function explain({ rule, asRole, file }: ExplainOptions, command: Command): Promise<void> {
  const { explainPolicy } = await loadServer();
  const verdicts = await explainPolicy(file ?? null, rule, asRole);
  if (readSettings(command).json) return printJson({ rule, roles: asRole, verdicts });
  for (const { on, allowed } of verdicts) printLine(`${allowed ? 'allowed' : 'refused'}  on ${on}`);
}
