/** Completion for bash. */
import { type CompletionNode, quoted, valueFlags } from './tree.ts';

export function bashCompletion(nodes: readonly CompletionNode[]): string {
  const known = nodes.filter(({ path }) => path !== '').map(({ path }) => `${quoted(path)}) ;;`);
  const words = nodes.map(({ path, commands, options, values }) => {
    const names = [...commands.map(({ name }) => name), ...values];
    const flags = options.flatMap((option) => option.flags).filter((flag) => flag.startsWith('--'));
    return `    ${quoted(path)}) words=${quoted(names.join(' '))} flags=${quoted(flags.join(' '))} ;;`;
  });
  const values = [...optionValues(nodes)].map(
    ([flag, choices]) => `    ${flag}) words=${quoted(choices)} ;;`,
  );
  return `# bash completion for tintype
_tintype() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]}
  local path='' try='' word words='' flags='' skip='' index
  for ((index = 1; index < COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    if [[ -n $skip ]]; then skip=''; continue; fi
    case $word in
    ${valueFlags(nodes).join('|')}) skip=1; continue ;;
    -*) continue ;;
    esac
    try=\${path:+$path }$word
    case $try in
    ${known.join('\n    ')}
    *) continue ;;
    esac
    path=$try
  done
  COMPREPLY=()
  if [[ -n $skip ]]; then
    case $prev in
${values.join('\n')}
    *) return ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
    return
  fi
  case $path in
${words.join('\n')}
  esac
  if [[ $cur == -* ]]; then words=$flags; fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o bashdefault -o default -F _tintype tintype
`;
}

function optionValues(nodes: readonly CompletionNode[]): Map<string, string> {
  const options = nodes.flatMap((node) => node.options).filter(({ values }) => values.length > 0);
  return new Map(options.flatMap(({ flags, values }) => flags.map((flag) => [flag, values.join(' ')])));
}
