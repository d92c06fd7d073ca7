/** Reconciling finds what differs, touches nothing young and nothing of others, and repairs only when asked to. */
import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { openImageParts, type TestParts } from '../../../../../test/support/image-parts.ts';
import {
  aged,
  backdate,
  bytes,
  type RunOptions,
  reconciled,
  recorded,
} from '../../../../../test/support/reconcile-lab.ts';
import { derivedCopies, insertDerived } from '../../locations/derived-records.ts';
import {
  activeLocations,
  doomLocations,
  insertLocation,
  markTrouble,
  recordedKeys,
} from '../../locations/location-records.ts';
import { collect } from '../../stores/contract/bytes.ts';
import type { Finding } from './finding.ts';

let lab: TestParts;
before(async () => {
  lab = await openImageParts();
});
after(() => lab.close());

const data = Buffer.from('what the image is');

async function run(options: RunOptions & { aged?: false } = {}): Promise<Finding[]> {
  const { parts } = lab;
  const { aged: isAged, ...rest } = options;
  const all = isAged === false ? parts.stores.all : parts.stores.all.map(aged);
  return await reconciled({ ...parts, stores: { ...parts.stores, all } }, rest);
}

/** An active image with its bytes in `local`, recorded two days ago. */
const image = (content = data): Promise<{ id: string; key: string }> =>
  recorded(lab.parts.database, lab.parts.stores.byId('local')!, data, content);

const short = (findings: readonly Finding[]) =>
  findings.map(({ kind, store, key, repaired }) => [kind, store, key, repaired]);

async function troubleOf(id: string): Promise<string | null> {
  const [copy] = await activeLocations(lab.parts.database.db, id);
  return copy!.trouble;
}

test('what is as it should be is not told', async () => {
  const { id, key } = await image();
  assert.deepEqual(await run({ scrub: 1, repair: true }), []);
  assert.equal(await troubleOf(id), null);
  assert.deepEqual(await recordedKeys(lab.parts.database, 'local', [key, 'other']), new Set([key]));
});

test('a copy in another format is held against what it holds itself', async () => {
  const { database, stores } = lab.parts;
  const { id } = await image();
  const key = `${id}.fedcba987654`;
  const disk = Buffer.from('what a guest sees');
  const os_hash_value = createHash('sha512').update(disk).digest('hex');
  const held = { size: disk.length, checksum: null, os_hash_algo: 'sha512', os_hash_value };
  const more = { disk_format: 'qcow2', disk_sha256: createHash('sha256').update(disk).digest('hex') };
  await insertDerived(database.db, { image_id: id, store: 'local', key }, { ...held, ...more });
  await stores.byId('local')!.put(key, bytes(disk));
  await backdate(database, key);
  assert.deepEqual(await run({ scrub: 1, repair: true }), []);
  await stores.byId('local')!.delete(key);
  await stores.byId('local')!.put(key, bytes(Buffer.from('what a guest seez')));
  assert.deepEqual(short(await run({ scrub: 1, repair: true })), [['digest', 'local', key, true]]);
  const [copy] = await derivedCopies(database.db, id);
  assert.deepEqual([copy!.trouble, await troubleOf(id)], ['failed', null]);
  await database.transaction((queries) => doomLocations(queries, id));
  await stores.byId('local')!.delete(key);
});

test('bytes without a record are told, removed when asked, and never when they are young or of others', async () => {
  const store = lab.parts.stores.byId('local')!;
  const orphan = `${randomUUID()}.0123456789ab`;
  await store.put(orphan, bytes(data));
  await store.put('volume-of-somebody', bytes(data));
  assert.deepEqual(await run({ repair: true, aged: false }), []);
  const foreign = ['foreign', 'local', 'volume-of-somebody', false];
  assert.deepEqual(short(await run()).toSorted(), [foreign, ['orphan', 'local', orphan, false]]);
  assert.deepEqual(short(await run({ repair: true })).toSorted(), [
    foreign,
    ['orphan', 'local', orphan, true],
  ]);
  assert.deepEqual(short(await run()), [foreign]);
  await store.delete('volume-of-somebody');
});

test('a copy without bytes, or with others, is told, and marked when asked', async () => {
  const store = lab.parts.stores.byId('local')!;
  const [gone, shorter, wrong] = [
    await image(),
    await image(data.subarray(1)),
    await image(Buffer.from(data).fill(1)),
  ];
  await store.delete(gone.key);
  const quick = await run();
  assert.deepEqual(quick.map(({ kind, image: id }) => `${kind} ${id}`).toSorted(), [
    `missing ${gone.id}`,
    `size ${shorter.id}`,
  ]);
  assert.equal(await troubleOf(gone.id), null);
  const kinds = (await run({ scrub: 1, repair: true })).map(({ kind, repaired }) => [kind, repaired]);
  assert.deepEqual(kinds.toSorted(), [
    ['digest', true],
    ['missing', true],
    ['size', true],
  ]);
  const troubles = await Promise.all([gone, shorter, wrong].map(({ id }) => troubleOf(id)));
  assert.deepEqual(troubles, ['missing', 'failed', 'failed']);
  await store.put(gone.key, bytes(data));
  await store.delete(wrong.key);
  await store.put(wrong.key, bytes(data));
  assert.deepEqual(
    (await run({ repair: true })).map(({ kind }) => kind),
    ['size'],
  );
  assert.deepEqual([await troubleOf(gone.id), await troubleOf(wrong.id)], [null, 'failed']);
  await run({ scrub: 1, repair: true });
  assert.equal(await troubleOf(wrong.id), null, 'only its digest shows that it is right again');
  await lab.parts.database.transaction((queries) => doomLocations(queries, shorter.id));
  await store.delete(shorter.key);
});

test('a copy of several is made anew from one that is well, and never from one that is not', async () => {
  const { database, stores } = lab.parts;
  const [local, pool] = [stores.byId('local')!, stores.byId('pool')!];
  const { id, key } = await image();
  await pool.put(key, bytes(Buffer.from(data).fill(3)));
  await insertLocation(database.db, { image_id: id, store: 'pool', key }, 'active');
  await backdate(database, key);
  assert.deepEqual(short(await run({ scrub: 1 })), [['digest', 'pool', key, false]]);
  assert.deepEqual(short(await run({ scrub: 1, repair: true })), [['digest', 'pool', key, true]]);

  const [kept, anew] = await activeLocations(database.db, id);
  assert.deepEqual([kept!.store, kept!.key, anew!.store, anew!.trouble], ['local', key, 'pool', null]);
  assert.notEqual(anew!.key, key);
  assert.ok((await collect(await pool.get(anew!.key))).equals(data));
  await assert.rejects(pool.stat(key), { code: 'not_found' });
  assert.deepEqual(await run({ scrub: 1, repair: true }), []);

  await backdate(database, anew!.key);
  for (const [store, name] of [
    [local, key],
    [pool, anew!.key],
  ] as const) {
    await store.delete(name);
    await store.put(name, bytes(Buffer.from(data).fill(4)));
  }
  const both = short(await run({ scrub: 1, repair: true })).toSorted();
  assert.deepEqual(
    both.map(([kind, , name]) => [kind, name]),
    [
      ['digest', key],
      ['digest', anew!.key],
    ],
  );
  const marked = await activeLocations(database.db, id);
  assert.deepEqual(
    marked.map(({ key: name, trouble }) => [name, trouble]),
    [
      [key, 'failed'],
      [anew!.key, 'failed'],
    ],
  );
  await database.transaction((queries) => doomLocations(queries, id));
  for (const [store, name] of [
    [local, key],
    [pool, anew!.key],
  ] as const)
    await store.delete(name);
});

test('a sample reads some copies, others each time, and those in trouble always', async () => {
  const { database, stores } = lab.parts;
  const wrong = await Promise.all(Array.from({ length: 20 }, () => image(Buffer.from(data).fill(2))));
  const seen = new Set<string | null>();
  const counts: number[] = [];
  for (let round = 0; round < 200 && seen.size < wrong.length; round += 1) {
    const found = (await run({ scrub: 0.2 })).filter(({ kind }) => kind === 'digest');
    counts.push(found.length);
    for (const { image: id } of found) seen.add(id);
  }
  assert.equal(seen.size, wrong.length, 'some copies are never read');
  assert.ok(Math.min(...counts) < wrong.length, 'all copies were read each time');
  const [first] = await activeLocations(database.db, wrong[0]!.id);
  await markTrouble(database, first!, 'failed');
  const again = await run({ scrub: 0.000_001 });
  assert.deepEqual(short(again.filter(({ kind }) => kind === 'digest')), [
    ['digest', 'local', wrong[0]!.key, false],
  ]);
  for (const { id, key } of wrong) {
    await database.transaction((queries) => doomLocations(queries, id));
    await stores.byId('local')!.delete(key);
  }
});

test('a store that cannot be looked at is told, and the others are reconciled', async () => {
  const { parts } = lab;
  const broken = { ...aged(parts.stores.byId('pool')!) };
  const orphan = `${randomUUID()}.0123456789ab`;
  await parts.stores.byId('local')!.put(orphan, bytes(data));
  broken.list = () => {
    throw new Error('secret detail');
  };
  const all = [broken, aged(parts.stores.byId('local')!)];
  const findings = await reconciled({ ...parts, stores: { ...parts.stores, all } }, { repair: true });
  const found = short(findings).filter(([kind]) => kind !== 'size');
  assert.deepEqual(found, [
    ['unreadable', 'pool', null, false],
    ['orphan', 'local', orphan, true],
  ]);
  assert.ok(!JSON.stringify(findings).includes('secret'));
});
