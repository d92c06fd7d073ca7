/** Looks for words that have no place in this repository: notes to come back to, machines, registries, keys. */
import type { TextFile } from './read-tree.ts';

interface Forbidden {
  readonly pattern: RegExp;
  readonly why: string;
}

/** This file names them all. */
const own = 'scripts/check/words.ts';

const forbidden: Forbidden[] = [
  { pattern: /\b(TODO|FIXME|XXX|HACK)\b/, why: 'open an issue instead of a note to come back' },
  { pattern: /\bfor now\b/i, why: 'finish it, or say why it is so' },
  { pattern: /\b(test|it|describe|suite)\.only\(/, why: 'the other tests would not run' },
  { pattern: /(^|[\s'"`(=:])\/(work|Users|home)\/[a-z]/, why: 'a path of one machine' },
  {
    pattern: /\b(registry\.(npmjs\.org|yarnpkg\.com)|deb\.debian\.org|pypi\.org|[a-z-]+\.pkg\.dev)\b/,
    why: 'which registry to use is the machine’s affair',
  },
  { pattern: /\b(Claude|Anthropic|ChatGPT|OpenAI|Copilot)\b/i, why: 'who or what typed it does not matter' },
  { pattern: /-----BEGIN [A-Z ]*PRIVATE KEY-----/, why: 'a secret' },
];

export function findForbiddenWords(files: TextFile[]): string[] {
  return files
    .filter(({ path }) => path !== own && path !== 'package-lock.json')
    .flatMap(({ path, text }) =>
      text
        .split('\n')
        .flatMap((line, index) =>
          forbidden
            .filter(({ pattern }) => pattern.test(line))
            .map(({ pattern, why }) => `${path}:${index + 1}: ${pattern.exec(line)?.[0].trim()}: ${why}`),
        ),
    );
}
