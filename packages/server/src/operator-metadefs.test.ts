/** The catalogue of metadata definitions, from files and back. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts';
import { Failure } from './base/failure.ts';
import { exportMetadefs, type LoadedFile, loadMetadefs, unloadMetadefs } from './operator-metadefs.ts';

let database: TestDatabase;
let folder: string;
let options: { config: string };

before(async () => {
  database = await testDatabase();
  folder = await mkdtemp(path.join(tmpdir(), 'tintype-metadefs-'));
  options = { config: path.join(folder, 'config.yaml') };
  const settings = { dataDir: path.join(folder, 'data'), database: { url: database.url } };
  await writeFile(options.config, JSON.stringify(settings));
});
after(async () => {
  await database.close();
  await rm(folder, { recursive: true });
});
afterEach(() => unloadMetadefs(options));

const sound = {
  namespace: 'Hw::Sound',
  display_name: 'Sound',
  description: 'What is heard',
  visibility: 'public',
  protected: true,
  resource_type_associations: [{ name: 'OS::Glance::Image', prefix: 'hw_' }, { name: 'OS::Nova::Flavor' }],
  properties: {
    sound_model: { title: 'Model', description: 'Which card', type: 'string', enum: ['sb16', 'ac97'] },
    sound_rate: { title: 'Rate', type: 'integer', minimum: 8000, default: 44100 },
  },
  objects: [
    {
      name: 'Mixer',
      description: 'd'.repeat(1100),
      required: ['mixer_on'],
      properties: { mixer_on: { title: 'On', type: 'boolean', default: true } },
    },
  ],
  tags: [{ name: 'loud' }],
};
const small = { namespace: 'Hw::Small' };

/** A folder with these files. */
async function catalogue(name: string, files: Record<string, unknown>): Promise<string> {
  const place = path.join(folder, name);
  await mkdir(place, { recursive: true });
  for (const [file, document] of Object.entries(files))
    await writeFile(
      path.join(place, file),
      typeof document === 'string' ? document : JSON.stringify(document),
    );
  return place;
}

async function exported(): Promise<Record<string, unknown>> {
  const place = await mkdtemp(path.join(folder, 'export-'));
  const files = await exportMetadefs(options, place);
  assert.deepEqual((await readdir(place)).sort(), files.map(({ file }) => path.basename(file)).sort());
  const documents = await Promise.all(
    files.map(async ({ file }) => JSON.parse(await readFile(file, 'utf8'))),
  );
  return Object.fromEntries(documents.map((document) => [document.namespace, document]));
}

const outcomes = (loaded: LoadedFile[]) =>
  loaded.map(({ namespace, outcome, definitions }) => [namespace, outcome, definitions]);

test('what was loaded is exported as it was written', async () => {
  const place = await catalogue('plain', { 'sound.json': sound, 'small.json': small, 'README.txt': 'no' });
  const loaded = await loadMetadefs(options, { path: place, mode: 'merge' });
  assert.deepEqual(outcomes(loaded), [
    ['Hw::Small', 'added', 0],
    ['Hw::Sound', 'added', 6],
  ]);
  assert.deepEqual(
    loaded.map(({ file }) => path.basename(file)),
    ['small.json', 'sound.json'],
  );
  const nothing = { resource_type_associations: [], properties: {}, objects: [], tags: [] };
  assert.deepEqual(await exported(), {
    'Hw::Sound': { ...sound, owner: 'admin' },
    'Hw::Small': {
      namespace: 'Hw::Small',
      visibility: 'private',
      protected: false,
      owner: 'admin',
      ...nothing,
    },
  });
});

test('merging adds what is missing and leaves what is there', async () => {
  const place = await catalogue('merge', { 'sound.json': sound });
  const file = path.join(place, 'sound.json');
  await loadMetadefs(options, { path: file, mode: 'merge' });
  assert.deepEqual(outcomes(await loadMetadefs(options, { path: file, mode: 'merge' })), [
    ['Hw::Sound', 'unchanged', 0],
  ]);
  const newer = {
    ...sound,
    display_name: 'New',
    properties: {
      sound_model: { title: 'Other', type: 'string' },
      sound_depth: { title: 'Depth', type: 'integer' },
    },
    tags: [{ name: 'loud' }, { name: 'silent' }],
  };
  await catalogue('merge', { 'sound.json': newer });
  assert.deepEqual(outcomes(await loadMetadefs(options, { path: file, mode: 'merge' })), [
    ['Hw::Sound', 'merged', 2],
  ]);
  assert.deepEqual((await exported())['Hw::Sound'], {
    ...sound,
    owner: 'admin',
    properties: { ...sound.properties, sound_depth: newer.properties.sound_depth },
    tags: newer.tags,
  });

  assert.deepEqual(outcomes(await loadMetadefs(options, { path: file, mode: 'replace' })), [
    ['Hw::Sound', 'replaced', 7],
  ]);
  assert.deepEqual((await exported())['Hw::Sound'], { ...newer, owner: 'admin' });
});

test('files of other origin are understood: nulls, records read from the API', async () => {
  const place = await catalogue('origin', {
    'null.json': {
      ...small,
      description: null,
      owner: null,
      resource_type_associations: [{ name: 'R', prefix: null, properties_target: 'image' }],
      properties: { p: { title: 'P', type: 'string', description: null } },
    },
    'record.json': `\uFEFF${JSON.stringify({
      namespace: 'Record',
      owner: 'p9',
      self: '/v2/metadefs/namespaces/Record',
      schema: '/v2/schemas/metadefs/namespace',
      created_at: '2026-01-01T00:00:00Z',
      updated_at: '2026-01-01T00:00:00Z',
      resource_type_associations: [{ name: 'R', created_at: '2026-01-01T00:00:00Z' }],
    })}`,
  });
  await loadMetadefs(options, { path: place, mode: 'replace' });
  const documents = (await exported()) as Record<string, Record<string, unknown>>;
  assert.deepEqual(documents['Hw::Small']!.resource_type_associations, [
    { name: 'R', properties_target: 'image' },
  ]);
  assert.deepEqual(documents['Hw::Small']!.properties, { p: { title: 'P', type: 'string' } });
  assert.equal(documents.Record!.owner, 'p9');
  assert.deepEqual(documents.Record!.resource_type_associations, [{ name: 'R' }]);
});

test('all files are loaded or none, and the broken one is named', async () => {
  const broken: [string, unknown, RegExp][] = [
    ['syntax', '{', /b\.json .*The file is not valid JSON/],
    ['list', [], /b\.json .*The file must be object/],
    ['type', { namespace: 'B', properties: { p: { title: 'P', type: 'text' } } }, /b\.json .*properties\.p/],
    ['twice', { namespace: 'B', tags: [{ name: 't' }, { name: 't' }] }, /tag 't'/],
    ['twin', small, /a\.json and .*b\.json both define namespace Hw::Small/],
    ['many', { namespace: 'B', tags: Array.from({ length: 2001 }, (_, i) => ({ name: `t${i}` })) }, /2000/],
  ];
  for (const [name, document, message] of broken) {
    const place = await catalogue(name, { 'a.json': small, 'b.json': document });
    await assert.rejects(loadMetadefs(options, { path: place, mode: 'merge' }), (error: unknown) => {
      assert.ok(error instanceof Failure, String(error));
      assert.match(error.message, message);
      return true;
    });
    assert.deepEqual(await exported(), {}, name);
  }
  const load = (place: string) => loadMetadefs(options, { path: place, mode: 'merge' });
  await assert.rejects(load(await catalogue('empty', { 'a.txt': '' })), /holds no \.json files/);
  await assert.rejects(load(path.join(folder, 'nowhere')), /cannot be read/);
});

test('every name makes a file name of its own, inside the folder', async () => {
  const names = ['A::B', 'a b', 'A-B-', '../../etc', '::', 'ü'];
  const files = names.map((namespace, index) => [`${index}.json`, { namespace }] as const);
  const place = await catalogue('names', Object.fromEntries(files));
  await loadMetadefs(options, { path: place, mode: 'merge' });
  const target = path.join(folder, 'named/deep');
  const written = await exportMetadefs(options, target);
  assert.deepEqual(
    written.map(({ namespace, file }) => [namespace, path.relative(target, file)]),
    [
      ['../../etc', 'etc.json'],
      ['::', 'namespace.json'],
      ['A-B-', 'a-b.json'],
      ['A::B', 'a-b-2.json'],
      ['a b', 'a-b-3.json'],
      ['ü', 'namespace-2.json'],
    ],
  );
  await assert.rejects(exportMetadefs(options, path.join(place, '0.json')), /cannot be written/);
});

test('unloading takes everything out, protected or not', async () => {
  const place = await catalogue('out', { 'sound.json': sound, 'small.json': small });
  await loadMetadefs(options, { path: place, mode: 'merge' });
  assert.deepEqual(await unloadMetadefs(options), { namespaces: 2, resourceTypes: 2 });
  assert.deepEqual(await exported(), {});
  assert.deepEqual(await unloadMetadefs(options), { namespaces: 0, resourceTypes: 0 });
});
