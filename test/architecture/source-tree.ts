/** The files that the architecture rules are about: everything people write in TypeScript or JavaScript here. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface SourceFile {
  /** Relative to the repository. */
  readonly path: string;
  readonly text: string;
  /** Tests and what only tests use. */
  readonly isTest: boolean;
}

const patterns = ['packages/*/{src,bin}/**/*.{ts,js,mjs}', '{test,scripts,bench}/**/*.{ts,js,mjs}'];
const testOnly = /[.]test[.]ts$|[.]contract[.]ts$|\/stores\/contract\/|^test\/|^bench\//;

export function readSourceTree(root: string): SourceFile[] {
  return globSync(patterns, { cwd: root, exclude: (path) => path.includes('node_modules') })
    .sort()
    .map((path) => ({
      path,
      text: readFileSync(join(root, path), 'utf8'),
      isTest: testOnly.test(path),
    }));
}

/** One thing that is against the rules. */
export interface Finding {
  readonly rule: string;
  readonly file: string;
  /** What is wrong there: the imported file, a figure, a name. */
  readonly detail: string;
}
