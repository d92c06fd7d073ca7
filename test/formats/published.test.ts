/** The inspector as it is published: in Node, in a browser's types, and in an engine that has nothing but the language. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { packInspector } from '../../scripts/pack/inspector.ts';

const root = dirname(dirname(import.meta.dirname));
const project = mkdtempSync(join(tmpdir(), 'tintype-published-'));
const folder = join(project, 'node_modules/@tintype/inspector');
after(() => rmSync(project, { recursive: true, force: true }));
before(() => {
  packInspector(folder);
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
});

/** A header of version 3 that names a backing file, in words of the language alone. */
const evil = `
const image = new Uint8Array(100000);
const view = new DataView(image.buffer);
const fields = [[0, 0x514649fb], [4, 3], [12, 512], [20, 16], [28, 1048576], [36, 1], [96, 4], [100, 104]];
for (const [at, value] of fields) view.setUint32(at, value);
`;
const look = `
${evil}
const inspector = new Inspector({ virtualSizeCap: 2 ** 40 });
for (let at = 0; at < image.length; at += 777) inspector.update(image.subarray(at, at + 777));
const passed = inspector.finish();
const read = async (offset, length) => image.subarray(offset, offset + length);
const { refusal } = await inspectSource({ size: image.length, read });
`;
const expected = '["qcow2","the qcow2 image names a backing file","the qcow2 image names a backing file"]\n';

function node(file: string, text: string, ...options: string[]): string {
  writeFileSync(join(project, file), text);
  const { status, stdout, stderr } = spawnSync(process.execPath, [...options, join(project, file)], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  return stdout;
}

test('has modules, types and words, and nothing else', () => {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8', withFileTypes: true });
  const names = files.filter((entry) => entry.isFile()).map(({ name }) => name);
  assert.deepEqual(names.filter((name) => !/\.(js|d\.ts)$/.test(name)).sort(), [
    'LICENSE',
    'README.md',
    'formats.md',
    'package.json',
  ]);
  assert.ok(names.includes('index.js') && names.includes('index.d.ts'), String(names));
  assert.ok(!names.some((name) => name.includes('test')), String(names));
  const about = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  assert.deepEqual(
    [about.name, about.dependencies, about.private],
    ['@tintype/inspector', undefined, undefined],
  );
  for (const page of ['README.md', 'formats.md'])
    assert.doesNotMatch(
      readFileSync(join(folder, page), 'utf8'),
      /\]\(\.\.\//,
      `${page} links out of the package`,
    );
});

test('is imported by its name in Node', () => {
  const words = `import { Inspector, inspectSource } from '@tintype/inspector';${look}
    console.log(JSON.stringify([passed.format, passed.refusal.reason, refusal.reason]));`;
  assert.equal(node('user.js', words), expected);
});

test('runs where there is neither Node nor a browser', () => {
  const words = `
    import { readFile } from 'node:fs/promises';
    import vm from 'node:vm';
    const context = vm.createContext({});
    const modules = new Map();
    function load(url) {
      if (!modules.has(url.href)) modules.set(url.href, readFile(url, 'utf8').then((text) =>
        new vm.SourceTextModule(text, { context, identifier: url.href })));
      return modules.get(url.href);
    }
    const entry = await load(new URL('node_modules/@tintype/inspector/dist/index.js', import.meta.url));
    await entry.link((name, from) => load(new URL(name, from.identifier)));
    const told = [];
    const user = new vm.SourceTextModule(${JSON.stringify(
      `import { Inspector, inspectSource } from 'inspector';${look}
       export default JSON.stringify([passed.format, passed.refusal.reason, refusal.reason]);`,
    )}, { context });
    await user.link(() => entry);
    await user.evaluate();
    console.log(user.namespace.default);`;
  assert.equal(node('bare.js', words, '--no-warnings', '--experimental-vm-modules'), expected);
});

test('has types that a program for browsers is checked with', () => {
  const program = (cap: string) => `
    import { type Inspection, inspectSource } from '@tintype/inspector';
    export async function look(blob: Blob): Promise<Inspection> {
      const read = async (offset: number, length: number) =>
        new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
      return await inspectSource({ size: blob.size, read }, { virtualSizeCap: ${cap} });
    }`;
  const page = join(project, 'page');
  mkdirSync(page);
  const lib = ['es2024', 'dom'];
  const modules = { module: 'esnext', moduleResolution: 'bundler', types: [] };
  const compilerOptions = { noEmit: true, strict: true, target: 'es2024', lib, ...modules };
  writeFileSync(join(page, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['look.ts'] }));
  const check = (text: string) => {
    writeFileSync(join(page, 'look.ts'), text);
    return spawnSync(join(root, 'node_modules/.bin/tsc'), ['--project', page], { encoding: 'utf8' });
  };
  const good = check(program('2 ** 40'));
  assert.equal(good.status, 0, good.stdout);
  const bad = check(program("'1 TiB'"));
  assert.match(bad.stdout, /Type 'string' is not assignable to type 'number'/);
});
