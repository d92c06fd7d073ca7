/** The completion scripts in the shells themselves. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createProgram } from '../program.ts';
import { bashCompletion } from './bash.ts';
import { fishCompletion } from './fish.ts';
import { describeTree } from './tree.ts';
import { zshCompletion } from './zsh.ts';

const tree = describeTree(createProgram());
const scripts = { bash: bashCompletion(tree), zsh: zshCompletion(tree), fish: fishCompletion(tree) };
let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tintype-completion-'));
  for (const [shell, script] of Object.entries(scripts)) await writeFile(join(folder, shell), script);
});
after(() => rm(folder, { recursive: true, force: true }));

function lacks(shell: string): string | false {
  return spawnSync(shell, ['-c', 'true']).status === 0 ? false : `${shell} is not installed`;
}

/** What the last word of the line can become. */
function inBash(line: string): string[] {
  const program = `source "$1"; COMP_WORDS=(${line}); [[ $2 == *' ' ]] && COMP_WORDS+=('')
    COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 )); _tintype; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const output = execFileSync('bash', ['-c', program, 'bash', join(folder, 'bash'), line], {
    encoding: 'utf8',
  });
  return output.split('\n').filter((word) => word !== '');
}

function inFish(line: string): string[] {
  const program = `source ${join(folder, 'fish')}; complete -C '${line}'`;
  const output = execFileSync('fish', ['--no-config', '-c', program], { encoding: 'utf8', cwd: folder });
  return output
    .split('\n')
    .filter((text) => text !== '')
    .map((text) => text.split('\t')[0]!);
}

const cases: [line: string, expected: string[]][] = [
  [
    'tintype ',
    [
      'serve',
      'image',
      'action',
      'events',
      'inspect',
      'status',
      'token',
      'db',
      'config',
      'policy',
      'metadef',
      'flow',
      'upkeep',
      'cache',
      'completion',
    ],
  ],
  ['tintype ima', ['image']],
  ['tintype --endpoint http://host image t', ['tag', 'tasks']],
  ['tintype image --json tag ', ['add', 'remove']],
  ['tintype image create --disk-format q', ['qcow2']],
  ['tintype image list --vis', ['--visibility']],
  ['tintype image list --visibility p', ['public', 'private']],
  ['tintype image create status --name image --min', ['--min-disk', '--min-ram']],
  ['tintype completion z', ['zsh']],
];

test('bash completes commands, options and values', { skip: lacks('bash') }, () => {
  execFileSync('bash', ['-n', join(folder, 'bash')]);
  for (const [line, expected] of cases) assert.deepEqual(inBash(line).sort(), [...expected].sort(), line);
  // Nothing of ours: the shell then offers files.
  assert.deepEqual(inBash('tintype image create --file '), []);
});

test('fish completes commands, options and values', { skip: lacks('fish') }, () => {
  for (const [line, expected] of cases) assert.deepEqual(inFish(line).sort(), [...expected].sort(), line);
});

test('zsh completes commands, options and values', { skip: lacks('zsh') }, () => {
  execFileSync('zsh', ['-n', join(folder, 'zsh')]);
  for (const [line, expected] of cases) {
    const offered = inZsh(line);
    for (const word of expected) assert.ok(offered.includes(word), `${line}: ${word} in ${offered}`);
  }
});

/** Runs the function with the completion builtins replaced by ones that print. */
function inZsh(line: string): string[] {
  const words = line.split(' ');
  const program = `
    compdef() { : }
    source ${join(folder, 'zsh')}
    _files() { : }
    _describe() { local list=\${@[-1]}; print -l -- \${(P)list%%:*} }
    compadd() { shift; print -l -- "$@" }
    words=(${words.map((word) => `'${word}'`).join(' ')}); CURRENT=${words.length}; PREFIX='${words.at(-1)}'
    _tintype`;
  const output = execFileSync('zsh', ['-f', '-c', program], { encoding: 'utf8' });
  return output.split('\n').filter((word) => word.startsWith(words.at(-1)!));
}
