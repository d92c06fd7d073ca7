/** Lists and records of a process that remembers, beside those of one that does not, while others change the images. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { openImageParts, type TestParts } from '../../../../test/support/image-parts.ts';
import type { Database } from '../database/connect.ts';
import { createCaller } from '../identity/caller.ts';
import { changeImage } from './change.ts';
import { createImage } from './create.ts';
import { deleteImage } from './delete.ts';
import { moveStatus, touchImage } from './image-records.ts';
import { listImages } from './list.ts';
import type { ImageParts } from './parts.ts';
import { RememberedImages } from './remembered-images.ts';
import { showImage } from './show.ts';
import { addTag, removeTag } from './tag.ts';

const callerOf = (projectId: string, role = 'member') =>
  createCaller({ userId: 'u', projectId, roles: [role] });
const owner = callerOf('red');
const member = callerOf('green');
const callers = { owner, member, stranger: callerOf('blue'), admin: callerOf('grey', 'admin') };
const queries = ['', 'tag=x', 'os=a', 'sort=name:asc,updated_at:desc', 'name=one', 'visibility=shared'];

let opened: TestParts;
let parts: ImageParts;

before(async () => {
  opened = await openImageParts();
  const { settings } = opened.parts;
  parts = {
    ...opened.parts,
    quotas: { enabled: false, of: opened.parts.quotas.of },
    settings: { ...settings, showDirectUrl: false, showMultipleLocations: false },
  };
});
after(() => opened.close());

const create = (name: string) =>
  createImage(parts, owner, { name, visibility: 'shared', os: 'a', tags: ['x'] });

function patch(id: string, path: string, value: string): Promise<unknown> {
  const body = [{ op: 'replace', path: `/${path}`, value }];
  const more = { form: 'v2.1', precondition: () => true, requestId: 'req-test', token: null } as const;
  return changeImage(parts, callers.admin, { id, body, ...more });
}

function share(id: string, status: 'accepted' | 'rejected'): Promise<unknown> {
  const now = new Date();
  return parts.database.db
    .insertInto('image_members')
    .values({ image_id: id, member: 'green', status, created_at: now, updated_at: now })
    .onConflict((conflict) => conflict.columns(['image_id', 'member']).doUpdateSet({ status }))
    .execute();
}

/** What other processes may do to an image. */
const changes: Record<string, (id: string) => Promise<unknown>> = {
  rename: (id) => patch(id, 'name', 'two'),
  'rename back': (id) => patch(id, 'name', 'one'),
  'set a property': (id) => patch(id, 'os', 'b'),
  publish: (id) => patch(id, 'visibility', 'public'),
  close: (id) => patch(id, 'visibility', 'private'),
  share: (id) => patch(id, 'visibility', 'shared'),
  tag: (id) => addTag(parts, callers.admin, id, 'y'),
  untag: (id) => removeTag(parts, callers.admin, id, 'x'),
  accept: (id) => share(id, 'accepted'),
  reject: (id) => share(id, 'rejected'),
  'move on': (id) => moveStatus(parts.database.db, id, 'queued', 'saving'),
  'move back': (id) => moveStatus(parts.database.db, id, 'saving', 'queued'),
  touch: (id) => touchImage(parts.database.db, id),
  delete: (id) => deleteImage(parts, callers.admin, { id, precondition: () => true, token: null }),
};

/** All that all callers read, of lists and of each image. */
async function readAll(from: ImageParts, ids: readonly string[]): Promise<unknown> {
  const seen: Record<string, unknown> = {};
  for (const [who, caller] of Object.entries(callers)) {
    for (const query of queries)
      seen[`${who}: ${query}`] = await listImages(from, caller, new URLSearchParams(query));
    for (const id of ids)
      seen[`${who}: ${id}`] = await showImage(from, caller, id).catch((error) => error.message);
  }
  return seen;
}

test('whatever others do is seen at once', async () => {
  const change = fc.tuple(fc.nat(2), fc.constantFrom(...Object.keys(changes)));
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 8 }), async (story) => {
      const ids: string[] = [];
      for (const name of ['one', 'two', 'one']) ids.push((await create(name)).id);
      await readAll(parts, ids);
      for (const [at, what] of story) {
        // Refused where the image is gone, or not in the status for it.
        await changes[what]!(ids[at]!).catch((error) => assert.ok('code' in error, error));
        const forgetful = { ...parts, remembered: new RememberedImages() };
        assert.deepEqual(await readAll(parts, ids), await readAll(forgetful, ids), what);
      }
      for (const id of ids) await changes.delete!(id).catch(() => {});
    }),
    { numRuns: 15 },
  );
});

test('what has not changed is not read again', async () => {
  const { id } = await create('one');
  const several = { ...parts, stores: { ...parts.stores, several: false } };
  const [first] = (await listImages(several, owner, new URLSearchParams({ id }))).images;
  assert.equal(await showImage(several, owner, id), first);
  assert.equal((await listImages(several, member, new URLSearchParams({ id }))).images.length, 0);
  await changes.touch!(id);
  assert.notEqual(await showImage(several, owner, id), first);
  await changes.delete!(id);
});

/** The database, as one that lets `once` happen after the first answer. */
function interrupted(database: Database, once: () => Promise<unknown>): Database {
  let happened = false;
  const db = database.db.withPlugin({
    transformQuery: ({ node }) => node,
    async transformResult({ result }) {
      if (!happened) {
        happened = true;
        await once();
      }
      return result;
    },
  });
  return { ...database, db };
}

for (const what of ['rename', 'close', 'delete'])
  test(`"${what}" between the two questions of one answer is not half seen`, async () => {
    const [one, other] = [(await create('one')).id, (await create('one')).id];
    await changes.publish!(one);
    const search = new URLSearchParams('name=one');
    const during = () => ({
      ...parts,
      remembered: new RememberedImages(),
      database: interrupted(parts.database, () => changes[what]!(one)),
    });
    const { images } = await listImages(during(), callers.stranger, search);
    assert.deepEqual(images, []);
    await changes.publish!(other);
    const shown = showImage(
      { ...during(), database: interrupted(parts.database, () => changes[what]!(other)) },
      callers.stranger,
      other,
    );
    if (what === 'rename') assert.equal((await shown).name, 'two');
    else await assert.rejects(shown, { code: 'image_not_found' });
    for (const id of [one, other]) await changes.delete!(id).catch(() => {});
  });
