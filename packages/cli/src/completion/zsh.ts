/** Completion for zsh. */
import { type CompletionNode, quoted, valueFlags } from './tree.ts';

export function zshCompletion(nodes: readonly CompletionNode[]): string {
  const known = nodes.filter(({ path }) => path !== '').map(({ path }) => quoted(path));
  const cases = nodes.map(({ path, commands, options, values }) => {
    const names = [...commands.map(item), ...values.map((name) => item({ name, description: '' }))];
    const flags = options.flatMap((option) =>
      option.flags
        .filter((flag) => flag.startsWith('--'))
        .map((name) => item({ name, description: option.description })),
    );
    return `    ${quoted(path)}) words_here=(${names.join(' ')}); flags_here=(${flags.join(' ')}) ;;`;
  });
  const choices = nodes
    .flatMap((node) => node.options)
    .filter(({ values }) => values.length > 0)
    .flatMap(({ flags, values }) =>
      flags.map((flag) => `    ${flag}) compadd -- ${values.join(' ')}; return ;;`),
    );
  return `#compdef tintype
# zsh completion for tintype
_tintype() {
  local here='' try word skip=''
  local -a known=(${known.join(' ')}) words_here flags_here
  for word in "\${(@)words[2,CURRENT-1]}"; do
    if [[ -n $skip ]]; then skip=''; continue; fi
    case $word in
    (${valueFlags(nodes).join('|')}) skip=1; continue ;;
    (-*) continue ;;
    esac
    try=\${here:+$here }$word
    if (( \${known[(Ie)$try]} )); then here=$try; fi
  done
  if [[ -n $skip ]]; then
    case $words[CURRENT-1] in
${[...new Set(choices)].map((line) => line.replace(/^ {4}/, '    (')).join('\n')}
    esac
    _files
    return
  fi
  case $here in
${cases.map((line) => line.replace(/^ {4}/, '    (')).join('\n')}
  esac
  if [[ $PREFIX == -* ]]; then
    _describe -o option flags_here
  elif (( $#words_here )); then
    _describe command words_here
  else
    _files
  fi
}
if [[ $funcstack[1] == _tintype ]]; then _tintype "$@"; else compdef _tintype tintype; fi
`;
}

function item({ name, description }: { name: string; description: string }): string {
  return quoted(description === '' ? name : `${name}:${description.replaceAll(':', '\\:')}`);
}
