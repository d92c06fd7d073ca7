/** Finds the test files to run. */
import { globSync } from 'node:fs';
import { matchesGlob, relative, resolve } from 'node:path';

export type TestKind = 'tests' | 'walks';

const folders = ['packages', 'scripts', 'test'];

/** Suites that need a server, packages or services of their own and are asked for by name. */
const setApart = { walks: 'test/walks/', services: 'test/services/' };

/** Files that take a minute or more: begun first, so that none of them is left to run alone at the end. */
const isLong = (file: string) => /\/app-flows|^test\/faults\//.test(file);

/**
 * Paths relative to `root`, the long ones first, else sorted. Patterns are paths, globs or parts of paths; with any given, only the files
 * they match, whatever kind those are.
 */
export function findTestFiles(root: string, kind: TestKind, patterns: string[]): string[] {
  const all = folders
    .flatMap((folder) => globSync(`${folder}/**/*.test.ts`, { cwd: root, exclude: isSkippedFolder }))
    .sort()
    .sort((one, other) => Number(isLong(other)) - Number(isLong(one)));
  if (patterns.length > 0) {
    return all.filter((file) => patterns.some((pattern) => matches(root, file, pattern)));
  }
  if (kind === 'walks') return all.filter((file) => file.startsWith(setApart.walks));
  return all.filter((file) => !Object.values(setApart).some((folder) => file.startsWith(folder)));
}

function isSkippedFolder(path: string): boolean {
  return path.includes('node_modules');
}

function matches(root: string, file: string, pattern: string): boolean {
  const path = relative(root, resolve(pattern));
  return file === path || file.startsWith(`${path}/`) || file.includes(pattern) || matchesGlob(file, pattern);
}
