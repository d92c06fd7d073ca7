/** Every page query against the same question asked of each image in turn. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { sql } from 'kysely';
import { type TestDatabase, testDatabase } from '../../../../test/support/database.ts';
import { createLog } from '../base/log.ts';
import { SharedReads } from '../base/shared-reads.ts';
import { connect, type Database } from '../database/connect.ts';
import type { Image } from './image.ts';
import { addImage, updateImage } from './image-records.ts';
import { type ListFilter, readListQuery } from './list-query.ts';
import type { Viewer } from './list-reasons.ts';
import { selectPage } from './list-records.ts';
import type { SortKey } from './list-sort.ts';
import { RememberedImages } from './remembered-images.ts';
import type { RememberingParts } from './remembered-records.ts';
import { searchTerms } from './search-terms.ts';
import { sharedPage } from './shared-pages.ts';

const projects = ['red', 'green', 'blue'];
const viewers: Viewer[] = [
  ...projects.map((projectId) => ({ projectId, isAdmin: false })),
  { projectId: null, isAdmin: false },
  { projectId: 'red', isAdmin: true },
  { projectId: null, isAdmin: true },
];
/** Names and values that only a careful encoding tells apart, and one that is too long to be indexed as it is. */
const keys = ['a', 'a=b', '1:a'];
const values = ['c', 'b=c', 'long'.repeat(200)];

const images: Image[] = [];
/** Image id → project → how it answered. */
const members = new Map<string, Record<string, string>>();
let own: TestDatabase;
let database: Database;
let parts: RememberingParts;

const facts = fc.record({
  name: fc.constantFrom(null, '', 'one', 'two'),
  status: fc.constantFrom<Image['status']>('queued', 'active', 'active', 'killed', 'pending_delete'),
  visibility: fc.constantFrom<Image['visibility']>('private', 'private', 'shared', 'public', 'community'),
  os_hidden: fc.nat(5).map((draw) => draw === 0),
  owner: fc.constantFrom(...projects, ...projects, null),
  disk_format: fc.constantFrom(null, 'raw', 'qcow2'),
  size: fc.constantFrom(null, 1, 2, 3),
  tags: fc.subarray(['x', 'y', 'a=b']),
  properties: fc.dictionary(fc.constantFrom(...keys), fc.constantFrom(...values)),
  created: fc.nat(20),
  later: fc.nat(20),
});

type Facts = typeof facts extends fc.Arbitrary<infer T> ? T : never;

const second = (seconds: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds));

function imageOf({ created, later, ...rest }: Facts): Image {
  return {
    id: randomUUID(),
    protected: false,
    container_format: 'bare',
    min_disk: 0,
    min_ram: 0,
    virtual_size: null,
    checksum: null,
    os_hash_algo: null,
    os_hash_value: null,
    ...rest,
    created_at: second(created),
    updated_at: second(created + later),
  };
}

const time = fc
  .tuple(fc.constantFrom('gt', 'gte', 'lt', 'lte', 'eq', 'neq'), fc.nat(40))
  .map(([operator, seconds]) => `${operator}:${second(seconds).toISOString()}`);
const sortable = fc.constantFrom('name', 'status', 'disk_format', 'size', 'id', 'created_at', 'updated_at');
const query = fc
  .record(
    {
      name: fc.constantFrom('one', 'in:one,two', ''),
      status: fc.constantFrom('active', 'queued', 'in:active,pending_delete', 'killed'),
      member_status: fc.constantFrom('pending', 'rejected', 'all'),
      disk_format: fc.constant('raw'),
      visibility: fc.constantFrom('public', 'private', 'shared', 'community', 'all'),
      os_hidden: fc.boolean().map(String),
      owner: fc.constantFrom(...projects),
      size_min: fc.constantFrom('1', '2'),
      size_max: fc.constantFrom('1', '2'),
      created_at: time,
      updated_at: time,
      a: fc.constantFrom(...values),
      'a=b': fc.constantFrom(...values),
      '1:a': fc.constantFrom(...values),
      sort: fc
        .uniqueArray(sortable, { minLength: 1, maxLength: 3 })
        .chain((names) => fc.tuple(...names.map((name) => fc.constantFrom(`${name}:asc`, `${name}:desc`))))
        .map((parts) => parts.join(',')),
      limit: fc.constantFrom('1', '2', '3', '25'),
    },
    { requiredKeys: [] },
  )
  .chain((pairs) =>
    fc.subarray(Object.entries(pairs), { maxLength: 4 }).chain((some) =>
      fc.subarray(['x', 'y', 'a=b'], { maxLength: 2 }).map((tags) => {
        const search = new URLSearchParams(some);
        for (const tag of tags) search.append('tag', tag);
        return search;
      }),
    ),
  );

function isShared(image: Image, project: string | null, status: ListFilter['memberStatus']): boolean {
  const answer = project === null ? undefined : members.get(image.id)?.[project];
  return image.visibility === 'shared' && answer !== undefined && (status === 'all' || status === answer);
}

function isVisible(image: Image, { projectId, isAdmin }: Viewer, filter: ListFilter): boolean {
  const { visibility, memberStatus } = filter;
  if (visibility !== null && visibility !== 'all' && image.visibility !== visibility) return false;
  const isOwn = projectId !== null && image.owner === projectId;
  if (image.visibility === 'community' && visibility === null) return isOwn;
  if (isAdmin || isOwn || isShared(image, projectId, memberStatus)) return true;
  return image.visibility === 'public' || image.visibility === 'community';
}

/** What is deleted is found by administrators who ask for it, and by nobody else. */
function isListed({ status }: Image, { isAdmin }: Viewer, { equal }: ListFilter): boolean {
  const asked = equal.some(({ column, values }) => column === 'status' && values.includes(status));
  return status === 'pending_delete' ? isAdmin && asked : status !== 'killed';
}

function matches(image: Image, viewer: Viewer, filter: ListFilter): boolean {
  const facts: Record<string, unknown> = { ...image };
  return (
    isListed(image, viewer, filter) &&
    image.os_hidden === filter.hidden &&
    filter.equal.every(({ column, values }) => (values as unknown[]).includes(facts[column])) &&
    filter.times.every(({ column, from, below, outside }) => {
      const at = image[column];
      return ((from === null || at >= from) && (below === null || at < below)) !== outside;
    }) &&
    (filter.sizeMin === null || (image.size !== null && image.size >= filter.sizeMin)) &&
    (filter.sizeMax === null || (image.size !== null && image.size <= filter.sizeMax)) &&
    filter.tags.every((tag) => image.tags.includes(tag)) &&
    filter.properties.every(({ name, value }) => image.properties[name] === value)
  );
}

/** Nulls are lowest. */
function compare(sort: readonly SortKey[], a: Image, b: Image): number {
  for (const { column, direction } of sort) {
    const [x, y] = [a[column], b[column]];
    if (x === y || (x instanceof Date && y instanceof Date && x.getTime() === y.getTime())) continue;
    const isLess = x === null || (y !== null && x < y);
    return isLess === (direction === 'asc') ? -1 : 1;
  }
  return 0;
}

/** Page after page until one is not full. */
async function walk(viewer: Viewer, filter: ListFilter, from: Image | null = null): Promise<string[]> {
  const found: string[] = [];
  for (let marker = from; ; ) {
    const page = await selectPage(parts, viewer, filter, marker);
    found.push(...page.map(({ id }) => id));
    assert.ok(page.length <= filter.limit);
    if (page.length < filter.limit) return found;
    marker = page.at(-1)!;
  }
}

type Answer = 'pending' | 'accepted' | 'rejected';

/** With each project that has an answer; some of them own the image, which must not list it twice. */
async function share(id: string, answers: readonly (Answer | null)[]): Promise<void> {
  const given = projects
    .map((member, at) => ({ member, status: answers[at]! }))
    .filter(({ status }) => status !== null);
  members.set(id, Object.fromEntries(given.map(({ member, status }) => [member, status])));
  const times = { created_at: second(0), updated_at: second(0) };
  if (given.length > 0)
    await database.db
      .insertInto('image_members')
      .values(given.map((one) => ({ image_id: id, ...one, ...times })))
      .execute();
}

before(async () => {
  own = await testDatabase();
  database = await connect(own.config, { max: 2, applicationName: 'list', log: createLog('error') });
  parts = { database, remembered: new RememberedImages() };
  for (const image of fc.sample(facts, { numRuns: 150, seed: 1 }).map(imageOf)) {
    await addImage(database.db, image);
    images.push(image);
  }
  // What is found by must follow what changes.
  for (const [index, changed] of fc.sample(facts, { numRuns: 50, seed: 2 }).map(imageOf).entries()) {
    const { id, created_at, status } = images[index]!;
    images[index] = { ...changed, id, created_at, status };
    await updateImage(database.db, images[index]);
  }
  const answers = fc.sample(
    fc.array(fc.constantFrom('pending', 'accepted', 'rejected', null), { minLength: 3, maxLength: 3 }),
    {
      numRuns: images.length,
      seed: 3,
    },
  );
  for (const [index, { id }] of images.entries()) await share(id, answers[index]!);
});

after(async () => {
  await database.close();
  await own.close();
});

test('all pages together are the images that match and are visible, in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...viewers), query, async (viewer, search) => {
      const filter = readListQuery(search, 25, 1000);
      const expected = images
        .filter((image) => matches(image, viewer, filter) && isVisible(image, viewer, filter))
        .sort((a, b) => compare(filter.sort, a, b));
      assert.deepEqual(
        await walk(viewer, filter),
        expected.map(({ id }) => id),
        String(search),
      );
    }),
    { numRuns: 400 },
  );
});

test('pages that are asked for at the same time are those of each', async () => {
  const asked = fc.sample(fc.tuple(fc.constantFrom(...viewers), query), { numRuns: 40, seed: 5 });
  const markers = [null, images[20]!, images[90]!];
  const pages = asked.flatMap(([viewer, search]) => {
    const filter = readListQuery(search, 5, 1000);
    return markers.map((marker) => ({ viewer, filter, marker, search }));
  });
  const alone: unknown[] = [];
  for (const { viewer, filter, marker } of pages) alone.push(await selectPage(parts, viewer, filter, marker));
  const sharing = { ...parts, pages: new SharedReads(1) };
  const together = pages.map(({ viewer, filter, marker }) => sharedPage(sharing, viewer, filter, marker));
  for (const [index, page] of (await Promise.all(together)).entries()) {
    const { viewer, marker, search } = pages[index]!;
    assert.deepEqual(page, alone[index], `${search} ${JSON.stringify(viewer)} after ${marker?.id}`);
  }
});

/** More than are walked before the terms are asked. */
const many = 650;

/** As drawn, or of a kind that only one project sees; three have the same time. */
function taggedImage(index: number, isPrivate: boolean, tags: string[], drawn: Facts): Image {
  const facts: Facts = isPrivate
    ? { ...drawn, owner: 'blue', visibility: 'private', status: 'active', os_hidden: false }
    : drawn;
  return { ...imageOf({ ...facts, tags, created: 0, later: 0 }), created_at: second(-Math.floor(index / 3)) };
}

/** Newest first: those of one project, a few of all kinds, those of one project again, a few of all kinds. */
function makeTagged(): Image[] {
  const drawn = fc.sample(facts, { numRuns: 2 * many + 240, seed: 4 });
  const sections = [many, many + 200, 2 * many + 200];
  return drawn.map((one, index) => {
    const isPrivate = index < sections[0]! || (index >= sections[1]! && index < sections[2]!);
    const tags = ['many'];
    if (index % 20 === 0) tags.push('few');
    for (const count of [499, 500, 501]) if (index < count) tags.push(`first-${count}`);
    const image = taggedImage(index, isPrivate, tags, one);
    return { ...image, visibility: [498, 499, 500].includes(index) ? 'public' : image.visibility };
  });
}

/** In the order of the page: ids decide between those of one time. */
const newestFirst = readListQuery(new URLSearchParams(), 25, 1000).sort;

async function insert(added: readonly Image[]): Promise<void> {
  const rows = JSON.stringify(added.map((image) => ({ ...image, search_terms: searchTerms(image) })));
  await sql`INSERT INTO images SELECT * FROM jsonb_populate_recordset(NULL::images, ${rows}::jsonb)`.execute(
    database.db,
  );
  const answers: readonly (readonly (Answer | null)[])[] = [
    ['accepted', 'pending', null],
    ['rejected', 'accepted', 'accepted'],
    [null, null, 'pending'],
  ];
  const mixed = added.filter(({ visibility }) => visibility !== 'private');
  for (const [index, { id }] of mixed.entries()) await share(id, answers[index % answers.length]!);
}

async function checkTagged(added: readonly Image[], search: string, markers: readonly Image[]) {
  const filter = readListQuery(new URLSearchParams(search), 25, 1000);
  for (const viewer of viewers) {
    const expected = added.filter(
      (image) => matches(image, viewer, filter) && isVisible(image, viewer, filter),
    );
    for (const marker of [null, ...markers]) {
      const rest = expected.filter((image) => marker === null || compare(newestFirst, marker, image) < 0);
      assert.deepEqual(
        await walk(viewer, filter, marker),
        rest.map(({ id }) => id),
        `${search} ${JSON.stringify(viewer)} after ${marker === null ? 'none' : added.indexOf(marker)}`,
      );
    }
  }
}

test('one tag finds what is visible behind more than is walked of what is not', async () => {
  const added = makeTagged().sort((a, b) => compare(newestFirst, a, b));
  await insert(added);
  const markers = [10, 149, 500, many + 100].map((at) => added[at]!);
  const filters = ['', 'visibility=all', 'visibility=shared&member_status=all', 'member_status=pending'];
  for (const filter of filters) await checkTagged(added, `tag=many&${filter}`, markers);
  for (const filter of ['visibility=public', 'visibility=private', 'visibility=community', 'os_hidden=true'])
    await checkTagged(added, `tag=many&${filter}`, []);
  for (const limit of [100, 1000]) await checkTagged(added, `tag=many&limit=${limit}`, [added.at(-1)!]);
  await checkTagged(added, 'tag=few', []);
  for (const tag of ['first-499', 'first-500', 'first-501'])
    for (const limit of [1, 2, 3, 25]) await checkTagged(added, `tag=${tag}&limit=${limit}`, []);
});

test('one tag finds by what the owner and the visibility have become', async () => {
  const added = makeTagged().sort((a, b) => compare(newestFirst, a, b));
  await sql`DELETE FROM images WHERE tags && ${['many']}`.execute(database.db);
  await insert(added);
  const changes: Partial<Image>[] = [{ owner: 'green' }, { visibility: 'public' }, { owner: null }];
  for (const [at, change] of changes.entries())
    for (const index of [at, many - 5 + at, many + 20 + at, many + 40 + at, many + 60 + at]) {
      added[index] = { ...added[index]!, ...change };
      await updateImage(database.db, added[index]);
    }
  for (const limit of [25, 1000]) await checkTagged(added, `tag=many&limit=${limit}`, [added[1]!]);
});
