/** Puts one fault of every forbidden kind into a copy of the tree and expects each of them to be reported. */
import assert from 'node:assert/strict';
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { checkImports } from './cruise.ts';
import { checkFile, measureFiles, medianFileLines } from './form.ts';
import { type Finding, readSourceTree } from './source-tree.ts';

const root = dirname(dirname(import.meta.dirname));
const server = 'packages/server/src';

interface Fault {
  readonly what: string;
  readonly rule: string;
  readonly file: string;
  readonly text: string;
  /** Of the finding's detail. */
  readonly detail: string;
}

const imports: Fault[] = [
  {
    what: 'an upward value import',
    rule: 'upward-from-base',
    file: `${server}/base/seeded-value.ts`,
    text: `import { uploadImage } from '../images/upload.ts';\nuploadImage;`,
    detail: 'images/upload.ts',
  },
  {
    what: 'an upward type import',
    rule: 'upward-from-stores',
    file: `${server}/stores/seeded-type.ts`,
    text: `import type { ImageParts } from '../images/parts.ts';\nexport type Seeded = ImageParts;`,
    detail: 'images/parts.ts',
  },
  {
    what: 'an upward dynamic import',
    rule: 'upward-from-policy',
    file: `${server}/policy/seeded-dynamic.ts`,
    text: `export async function load() {\n  return await import('../images/upload.ts');\n}`,
    detail: 'images/upload.ts',
  },
  {
    what: 'an upward re-export',
    rule: 'upward-from-images',
    file: `${server}/images/seeded-export.ts`,
    text: `export * from '../http/server.ts';`,
    detail: 'http/server.ts',
  },
  {
    what: 'a configuration read below the composition root',
    rule: 'config-below-app',
    file: `${server}/http/seeded-config.ts`,
    text: `import type { Config } from '../config/schema.ts';\nexport type Seeded = Config;`,
    detail: 'config/schema.ts',
  },
  {
    what: 'a folder outside the line',
    rule: 'unknown-folder',
    file: `${server}/seeded/folder.ts`,
    text: `import { Failure } from '../base/failure.ts';\nFailure;`,
    detail: 'base/failure.ts',
  },
  {
    what: 'a cycle',
    rule: 'cycle',
    file: `${server}/base/seeded-cycle.ts`,
    text: `import type { Back } from './seeded-cycle-back.ts';\nexport type Forth = Back;`,
    detail: 'seeded-cycle-back.ts',
  },
  {
    what: 'a driver that imports its sibling',
    rule: 'sibling-driver',
    file: `${server}/stores/seeded/seeded.ts`,
    text: `import { openFileStore } from '../file/file.ts';\nopenFileStore;`,
    detail: 'stores/file/file.ts',
  },
  {
    what: 'the HTTP edge reaching into the database',
    rule: 'http-skips-layers',
    file: `${server}/http/seeded-database.ts`,
    text: `import type { Database } from '../database/connect.ts';\nexport type Seeded = Database;`,
    detail: 'database/connect.ts',
  },
  {
    what: 'the HTTP edge reaching into a store',
    rule: 'http-skips-layers',
    file: `${server}/http/routes/seeded-store.ts`,
    text: `import type { Store } from '../../stores/store.ts';\nexport type Seeded = Store;`,
    detail: 'stores/store.ts',
  },
  {
    what: 'the query builder outside the records',
    rule: 'sql-outside-records',
    file: `${server}/images/seeded-query.ts`,
    text: `import { sql } from 'kysely';\nsql;`,
    detail: 'node_modules/kysely/',
  },
  {
    what: 'the web framework below the edge',
    rule: 'framework-below-http',
    file: `${server}/images/seeded-framework.ts`,
    text: `import type { FastifyRequest } from 'fastify';\nexport type Seeded = FastifyRequest;`,
    detail: 'node_modules/fastify/',
  },
  {
    what: 'the durable engine outside its folder',
    rule: 'engine-outside-flows',
    file: `${server}/actions/seeded-engine.ts`,
    text: `import type { DBOS } from '@dbos-inc/dbos-sdk';\nexport type Seeded = DBOS;`,
    detail: 'node_modules/@dbos-inc/dbos-sdk/',
  },
  {
    what: 'the wire’s contract below the verbs',
    rule: 'contract-below-images',
    file: `${server}/stores/seeded-contract.ts`,
    text: `import { failures } from '@tintype/contract';\nfailures;`,
    detail: 'packages/contract/src/index.ts',
  },
  {
    what: 'a Node module in the client',
    rule: 'node-in-browser-package',
    file: 'packages/client/src/seeded-node.ts',
    text: `import { readFile } from 'node:fs/promises';\nreadFile;`,
    detail: 'fs/promises',
  },
  {
    what: 'a Node module loaded late in the contract',
    rule: 'node-in-browser-package',
    file: 'packages/contract/src/seeded-node.ts',
    text: `export async function load() {\n  return await import('node:os');\n}`,
    detail: 'os',
  },
  {
    what: 'a Node module in the inspector',
    rule: 'node-in-browser-package',
    file: 'packages/inspector/src/seeded-node.ts',
    text: `import { inflateSync } from 'node:zlib';\ninflateSync;`,
    detail: 'zlib',
  },
  {
    what: 'another package in the inspector',
    rule: 'inspector-depends-on-nothing',
    file: 'packages/inspector/src/seeded-contract.ts',
    text: `import { failures } from '@tintype/contract';\nfailures;`,
    detail: 'packages/contract/src/index.ts',
  },
  {
    what: 'another package in what knows the nearest place',
    rule: 'inspector-depends-on-nothing',
    file: 'packages/nearest/src/seeded-contract.ts',
    text: `import { failures } from '@tintype/contract';\nfailures;`,
    detail: 'packages/contract/src/index.ts',
  },
  {
    what: 'the server in the client',
    rule: 'client-knows-only-contract',
    file: 'packages/client/src/seeded-server.ts',
    text: `import type { App } from '@tintype/server';\nexport type Seeded = App;`,
    detail: 'packages/server/src/index.ts',
  },
  {
    what: 'the client in the server',
    rule: 'server-knows-only-contract',
    file: `${server}/base/seeded-client.ts`,
    text: `import '../../../client/src/index.ts';`,
    detail: 'packages/client/src/index.ts',
  },
  {
    what: 'an import past another package’s index.ts',
    rule: 'deep-import',
    file: 'packages/cli/src/seeded-deep.ts',
    text: `import { Failure } from '../../server/src/base/failure.ts';\nFailure;`,
    detail: 'base/failure.ts',
  },
  {
    what: 'a package that no package.json names',
    rule: 'undeclared-package',
    file: `${server}/base/seeded-undeclared.ts`,
    text: `import check from 'fast-check';\ncheck;`,
    detail: 'node_modules/fast-check/',
  },
  {
    what: 'production code that uses a test’s support',
    rule: 'production-imports-tests',
    file: `${server}/base/seeded-support.ts`,
    text: `import { startTestCluster } from '../../../../test/support/database.ts';\nstartTestCluster;`,
    detail: 'test/support/database.ts',
  },
  {
    what: 'a black-box test that looks inside',
    rule: 'black-box-looks-inside',
    file: 'test/api/seeded.ts',
    text: `import type { App } from '@tintype/server';\nexport type Seeded = App;`,
    detail: 'packages/server/src/index.ts',
  },
  {
    what: 'an import of nothing',
    rule: 'unresolvable',
    file: `${server}/base/seeded-nothing.ts`,
    text: `import './no-such-file.ts';`,
    detail: './no-such-file.ts',
  },
];

const forms: Fault[] = [
  {
    what: 'a file of more than 500 lines',
    rule: 'long-file',
    file: `${server}/base/seeded-long.ts`,
    text: '// line\n'.repeat(499),
    detail: '501 lines',
  },
  {
    what: 'a function of 60 lines',
    rule: 'long-function',
    file: `${server}/base/seeded-function.ts`,
    text: `export const seeded = {\n  method() {\n${'    // line\n'.repeat(58)}  },\n};`,
    detail: 'method, line 3: 60 lines',
  },
  {
    what: 'SQL in a verb',
    rule: 'sql-text',
    file: `${server}/images/seeded-sql.ts`,
    text: 'export const seeded = `SELECT id\n  FROM images`;',
    detail: 'line 2',
  },
  {
    what: 'a line for a shell',
    rule: 'shell',
    file: `${server}/base/seeded-shell.ts`,
    text: "import { spawn } from 'node:child_process';\nexport const seeded = spawn('ls', { shell: true });",
    detail: 'shell: ',
  },
  {
    what: 'a type import that the cruiser cannot see',
    rule: 'inline-type-import',
    file: `${server}/base/seeded-inline.ts`,
    text: `export type Seeded = import('../images/parts.ts').ImageParts;`,
    detail: 'line 2',
  },
  {
    what: 'a vague name',
    rule: 'vague-name',
    file: `${server}/images/image-utils.ts`,
    text: 'export {};',
    detail: 'image-utils',
  },
];

const headless = `${server}/base/seeded-headless.ts`;
let folder: string;
let findings: Finding[];

/** The tree's own packages must find each other in the copy, everything else where it is installed. */
function linkModules(): void {
  mkdirSync(join(folder, 'node_modules/@tintype'), { recursive: true });
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name !== '@tintype')
      symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  }
  for (const name of readdirSync(join(folder, 'packages'))) {
    symlinkSync(join(folder, 'packages', name), join(folder, 'node_modules/@tintype', name));
  }
}

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'seeded-'));
  for (const { path, text } of readSourceTree(root)) write(path, text);
  for (const path of globSync('{package.json,.dependency-cruiser.mjs,packages/*/package.json}', {
    cwd: root,
  })) {
    cpSync(join(root, path), join(folder, path));
  }
  linkModules();
  for (const { file, text } of [...imports, ...forms]) write(file, `/** A fault. */\n${text}\n`);
  write(
    `${server}/base/seeded-cycle-back.ts`,
    `/** A fault. */\nexport type { Forth as Back } from './seeded-cycle.ts';\n`,
  );
  write(headless, 'export {};\n');
  const files = readSourceTree(folder);
  findings = [...(await checkImports(folder, files)).findings, ...files.flatMap(checkFile)];
});

after(() => rmSync(folder, { recursive: true, force: true }));

function about(file: string): Finding[] {
  return findings.filter((one) => one.file === file || (one.rule === 'cycle' && one.detail.includes(file)));
}

describe('is reported:', () => {
  for (const { what, rule, file, detail } of [...imports, ...forms]) {
    test(what, () => {
      const found = about(file).filter((one) => one.rule === rule);
      assert.ok(
        found.some((one) => `${one.file} → ${one.detail}`.includes(detail)),
        `${rule} expected in ${file}, found ${JSON.stringify(about(file))}`,
      );
    });
  }

  test('a file that does not say what it is for', () => {
    assert.deepEqual(
      about(headless).map(({ rule }) => rule),
      ['first-line'],
    );
  });
});

test('a cruiser without a parser for TypeScript is found out', async () => {
  const files = readSourceTree(root);
  const report = await checkImports(root, files, 'acorn');
  assert.ok(report.findings.some(({ rule }) => rule === 'unseen-module' || rule === 'unseen-import'));
});

test('many long files are noticed in the median', () => {
  const long = { text: '// line\n'.repeat(medianFileLines + 1), isTest: false };
  const files = readSourceTree(root);
  const inflated = [...files, ...files.map(({ path }) => ({ path: `${path}.copy`, ...long }))];
  assert.ok(measureFiles(inflated).median > medianFileLines);
});
