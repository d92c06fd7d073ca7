/** The inspector as a package for any JavaScript engine: plain modules, their types, and what is said about them. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = dirname(dirname(import.meta.dirname));
const source = join(root, 'packages/inspector');

/** Whatever was in `folder` before is gone then. */
export function packInspector(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const tsc = join(root, 'node_modules/.bin/tsc');
  const words = ['--noEmit', 'false', '--declaration', '--rewriteRelativeImportExtensions'];
  const places = ['--rootDir', join(source, 'src'), '--outDir', join(folder, 'dist')];
  execFileSync(tsc, ['--project', source, ...words, ...places], { stdio: ['ignore', 'inherit', 'inherit'] });
  const { name, version, description, license, type } = JSON.parse(read(join(source, 'package.json')));
  const exports = { '.': { types: './dist/index.d.ts', default: './dist/index.js' } };
  const about = { name, version, description, license, type, exports, sideEffects: false };
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(about, null, 2)}\n`);
  copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'));
  const formats = 'docs/reference/formats.md';
  // Of what is linked from there only this page goes along.
  const page = read(join(root, formats)).replaceAll(/\[([^\]]+)\]\(\.\.[^)]*\)/g, '$1');
  writeFileSync(join(folder, 'formats.md'), page);
  const readme = read(join(source, 'README.md'));
  writeFileSync(join(folder, 'README.md'), readme.replaceAll(`../../${formats}`, 'formats.md'));
}

function read(path: string): string {
  return readFileSync(path, 'utf8');
}
