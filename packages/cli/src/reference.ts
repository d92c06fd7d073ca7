/** The command tree as a page of documentation. */
import type { Command, Option } from 'commander';
import { exitCodeMeanings } from './exit-codes.ts';
import { createProgram, environmentVariables } from './program.ts';

/** Markdown for `docs/reference/cli.md`. */
export function renderCommandReference(): string {
  const program = createProgram();
  return [
    '# The tintype command',
    sentence(program.description()),
    '## Options of every command',
    optionTable(program.options),
    ...program.commands.flatMap((command) => section(command, [program.name()])),
    '## Environment',
    'An option wins over a variable.',
    table(
      ['Variable', 'Meaning'],
      environmentVariables.map(([name, meaning]) => [`\`${name}\``, meaning]),
    ),
    '## Exit codes',
    table(
      ['Code', 'Meaning'],
      exitCodeMeanings.map(([code, meaning]) => [String(code), meaning]),
    ),
    '',
  ]
    .join('\n\n')
    .replace(/\n+$/, '\n');
}

function section(command: Command, above: readonly string[]): string[] {
  const path = [...above, command.name()];
  if (command.commands.length > 0) return command.commands.flatMap((child) => section(child, path));
  const usage = [
    ...path,
    ...(command.options.length > 0 ? ['[options]'] : []),
    ...command.registeredArguments.map(argument),
  ];
  return [
    `## ${path.join(' ')}`,
    `${sentence(command.description())}`,
    `\`${usage.join(' ')}\``,
    ...(command.registeredArguments.length > 0
      ? [
          table(
            ['Argument', 'Meaning'],
            command.registeredArguments.map((one) => [`\`${one.name()}\``, one.description]),
          ),
        ]
      : []),
    ...(command.options.length > 0 ? [optionTable(command.options)] : []),
  ];
}

function argument(one: Command['registeredArguments'][number]): string {
  const name = one.variadic ? `${one.name()}...` : one.name();
  return one.required ? `<${name}>` : `[${name}]`;
}

function optionTable(options: readonly Option[]): string {
  const rows = options
    .filter((option) => !option.hidden)
    .map((option) => [`\`${option.flags}\``, describe(option)]);
  return table(['Option', 'Meaning'], rows);
}

function describe({ description, argChoices, mandatory }: Option): string {
  const choices = argChoices === undefined ? '' : ` (${argChoices.join(', ')})`;
  return `${description}${choices}${mandatory ? '; required' : ''}`;
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
