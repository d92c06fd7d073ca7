/** Completion for fish. */
import { type CompletionNode, type CompletionOption, valueFlags } from './tree.ts';

export function fishCompletion(nodes: readonly CompletionNode[]): string {
  const known = nodes.filter(({ path }) => path !== '').map(({ path }) => inFish(path));
  const lines = nodes.flatMap(({ path, commands, options, values }) => {
    const at = `complete -c tintype -n ${inFish(`__tintype_at ${inFish(path)}`)}`;
    return [
      ...commands.map(({ name, description }) => `${at} -f -a ${name} -d ${inFish(description)}`),
      ...values.map((value) => `${at} -f -a ${value}`),
      ...options.map((option) => `${at} ${flagsOf(option)} -d ${inFish(option.description)}`),
    ];
  });
  return `# fish completion for tintype
function __tintype_at
    set -l here ''
    set -l skip ''
    for word in (commandline -opc)[2..-1]
        if test -n "$skip"
            set skip ''
            continue
        end
        if contains -- $word ${valueFlags(nodes).join(' ')}
            set skip 1
            continue
        end
        set -l try (string trim "$here $word")
        if contains -- "$try" ${known.join(' ')}
            set here $try
        end
    end
    test "$here" = "$argv[1]"
end
${lines.join('\n')}
`;
}

function flagsOf({ flags, takesValue, values }: CompletionOption): string {
  const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
  if (!takesValue) return names.join(' ');
  return `${names.join(' ')} -r${values.length > 0 ? ` -f -a ${inFish(values.join(' '))}` : ''}`;
}

function inFish(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
