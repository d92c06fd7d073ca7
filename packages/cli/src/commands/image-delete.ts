/** `tintype image delete`: one image or several. */
import type { Command } from 'commander';
import { imageArgument } from '../attributes.ts';
import { openCall } from '../call.ts';
import { CommandError } from '../command-error.ts';
import { type FailureReport, reportOf } from '../failure-report.ts';
import { printJson, printLine } from '../output.ts';
import { plainText } from '../plain-text.ts';

export function addImageDelete(parent: Command): void {
  parent
    .command('delete')
    .description('delete images; one that cannot be deleted does not keep the others')
    .addArgument(imageArgument('<image...>'))
    .action(remove);
}

async function remove(names: string[], _: object, command: Command): Promise<void> {
  const { client, settings } = openCall(command);
  const deleted: string[] = [];
  const failed: { name: string; report: FailureReport; thrown: unknown }[] = [];
  for (const name of names) {
    try {
      const { id } = await client.findImage(name);
      await client.deleteImage(id);
      deleted.push(id);
      if (!settings.json)
        printLine(settings.quiet ? id : `deleted ${id}${name === id ? '' : ` (${plainText(name)})`}`);
    } catch (thrown) {
      failed.push({ name, report: await reportOf(thrown), thrown });
    }
  }
  if (settings.json) printJson({ deleted });
  const [first, ...others] = failed;
  if (first === undefined) return;
  if (others.length === 0) throw first.thrown;
  const lines = failed.map(({ name, report }) => `  ${name}: ${report.message}`);
  const message = `${failed.length} of ${names.length} images were not deleted\n${lines.join('\n')}`;
  throw new CommandError(message, { ...first.report, cause: first.thrown });
}
