/** `tintype completion bash|zsh|fish`: a script that completes commands, options and their values. */
import { Argument, type Command } from 'commander';
import { bashCompletion } from '../completion/bash.ts';
import { fishCompletion } from '../completion/fish.ts';
import { describeTree } from '../completion/tree.ts';
import { zshCompletion } from '../completion/zsh.ts';

const scripts = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };

export function addCompletion(parent: Command): void {
  parent
    .command('completion')
    .description('print a completion script; in bash: source <(tintype completion bash)')
    .addArgument(new Argument('<shell>', 'which shell').choices(Object.keys(scripts)))
    .action((shell: keyof typeof scripts, _: object, command: Command) => {
      let root = command;
      while (root.parent !== null) root = root.parent;
      process.stdout.write(scripts[shell](describeTree(root)));
    });
}
