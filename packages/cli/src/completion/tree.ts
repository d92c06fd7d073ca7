/** The command tree as completion scripts see it. */
import type { Command, Option } from 'commander';
import { knownValues } from '../attributes.ts';

export interface CompletionOption {
  /** `-o`, `--output` */
  readonly flags: readonly string[];
  readonly description: string;
  readonly takesValue: boolean;
  readonly values: readonly string[];
}

export interface CompletionNode {
  /** Words after `tintype`, joined by spaces; empty for `tintype` itself. */
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly CompletionOption[];
  /** Values of the positional argument, when they are few. */
  readonly values: readonly string[];
}

/** Every command, parents before children. */
export function describeTree(root: Command): CompletionNode[] {
  return [...describe(root, [], [])];
}

function* describe(
  command: Command,
  path: readonly string[],
  inherited: readonly CompletionOption[],
): Generator<CompletionNode> {
  const own = command.options.filter((option) => !option.hidden).map(describeOption);
  const help = { flags: ['-h', '--help'], description: 'show help', takesValue: false, values: [] };
  const commands = command.commands.filter((child) => child.name() !== 'help');
  yield {
    path: path.join(' '),
    commands: commands.map((child) => ({ name: child.name(), description: child.description() })),
    options: [...own, ...inherited, ...(path.length === 0 ? [help] : [])],
    values: command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices),
  };
  const handedOn =
    path.length === 0 ? [...own.filter(({ flags }) => !flags.includes('--version')), help] : inherited;
  for (const child of commands) yield* describe(child, [...path, child.name()], handedOn);
}

function describeOption(option: Option): CompletionOption {
  const flags = [option.short, option.long].filter((flag) => flag !== undefined);
  const values = option.argChoices ?? knownValues[option.long ?? ''] ?? [];
  return { flags, description: option.description, takesValue: option.required || option.optional, values };
}

/** Flags of any command that take a value: the word after them is no command. */
export function valueFlags(nodes: readonly CompletionNode[]): string[] {
  const flags = nodes.flatMap(({ options }) => options.filter(({ takesValue }) => takesValue));
  return [...new Set(flags.flatMap((option) => option.flags))].sort();
}

/** `text` in single quotes, for any of the shells. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
