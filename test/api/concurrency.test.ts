/** Random calls by several callers at the same time on the same images: what must hold whoever comes first. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { until } from '../support/process.ts';
import { differs, openTarget, type Target } from '../support/target.ts';
import { bytes, digest, pieces } from './bytes.ts';
import { type Answer, Client, type Json, raw } from './client.ts';
import { SlowUpload } from './slow-upload.ts';
import { StatusTrail } from './statuses.ts';

let target: Target;
let client: Client;

before(async () => {
  target = await openTarget();
  client = new Client(target);
});
after(() => target.close());

const kinds = [
  'upload',
  'upload',
  'trickle',
  'cut',
  'too long',
  'wrong digest',
  'download',
  'download',
  'part',
  'show',
  'patch',
  'tag',
  'list',
  'delete',
] as const;
type Kind = (typeof kinds)[number];

interface Step {
  readonly kind: Kind;
  readonly image: number;
  readonly size: number;
}

/** An image that several callers work on. */
class Shared {
  readonly id: string;
  /** Every upload's bytes by their digest, whatever came of it. */
  readonly offered = new Map<string, Buffer>();
  /** Bytes of the uploads that were acknowledged. */
  readonly accepted: Buffer[] = [];
  readonly tags: string[] = [];
  readonly properties: string[] = [];
  isDeleted = false;

  constructor(id: string) {
    this.id = id;
  }
}

let uploads = 0;

function newData(image: Shared, size: number): Buffer {
  uploads += 1;
  const data = bytes(size, uploads);
  image.offered.set(digest('md5', data), data);
  return data;
}

/** Statuses an answer may have; 404 only if the image may be gone by then. */
function expect(answer: Answer, image: Shared, ...allowed: number[]): void {
  const may = image.isDeleted ? [...allowed, 404] : allowed;
  assert.ok(
    may.includes(answer.status),
    `${answer.status}, not ${may}: ${answer.body.toString().slice(0, 300)}`,
  );
}

async function upload(image: Shared, kind: Kind, size: number): Promise<void> {
  const data = newData(image, size);
  const headers: Record<string, string> =
    kind === 'too long'
      ? { 'X-OpenStack-Image-Size': String(size - 1) }
      : kind === 'wrong digest'
        ? { 'X-Tintype-Expected-Digest': `md5=${'0'.repeat(32)}` }
        : {};
  const answer = await client.upload(image.id, size % 2 === 0 ? data : pieces(data, 9973), headers);
  if (kind === 'upload') expect(answer, image, 204, 409, ...(image.isDeleted ? [410] : []));
  else expect(answer, image, 400, 409, ...(image.isDeleted ? [410] : []));
  if (answer.status === 204) image.accepted.push(data);
}

async function trickle(image: Shared, size: number): Promise<void> {
  const data = newData(image, size);
  const slow = new SlowUpload(target, 'caller', image.id);
  let answered = false;
  const answer = slow.answer.finally(() => {
    answered = true;
  });
  for (let at = 0; at < size && !answered; at += 20_000) {
    await slow.write(data.subarray(at, at + 20_000)).catch(() => {});
    await new Promise(setImmediate);
  }
  if (!answered) await slow.finish().catch(() => {});
  const { status } = await answer;
  slow.cut();
  assert.ok([204, 409, ...(image.isDeleted ? [404, 410] : [])].includes(status), String(status));
  if (status === 204) image.accepted.push(data);
}

async function cut(image: Shared, size: number): Promise<void> {
  const data = newData(image, size);
  const headers = { 'Content-Length': String(size + 1), Expect: '100-continue' };
  const begun = new SlowUpload(target, 'caller', image.id, headers);
  // Only an upload that has begun, or never will, is surely over when the image is not saving any more.
  const isWanted = await Promise.race([begun.leave().then(() => true), begun.answer.then(() => false)]);
  if (isWanted) await begun.write(data).catch(() => {});
  begun.cut();
}

/** What is downloaded is whole, and one of the uploads, always the same. */
async function download(image: Shared, isPart: boolean): Promise<void> {
  const answer = await client.download(image.id, isPart ? { Range: 'bytes=10-19' } : {});
  expect(answer, image, isPart ? 206 : 200, 204);
  if (answer.status === 204 || answer.status === 404) return;
  const data = image.offered.get(String(answer.headers['content-md5']));
  assert.ok(data !== undefined, 'the bytes are of one upload');
  assert.ok(answer.body.equals(isPart ? data.subarray(10, 20) : data), 'and all of them');
}

function checkRecord(record: Json, image: Shared): void {
  if (record.status !== 'active') {
    assert.deepEqual([record.size, record.checksum, record.os_hash_value], [null, null, null]);
    return;
  }
  const data = image.offered.get(record.checksum);
  assert.ok(data !== undefined);
  assert.equal(record.size, data.length);
  assert.equal(record.os_hash_value, digest('sha512', data));
}

async function act(image: Shared, { kind, size }: Step, order: number): Promise<void> {
  const { id } = image;
  if (kind === 'upload' || kind === 'too long' || kind === 'wrong digest')
    return await upload(image, kind, size);
  if (kind === 'trickle') return await trickle(image, size);
  if (kind === 'cut') return await cut(image, size);
  if (kind === 'download' || kind === 'part') return await download(image, kind === 'part');
  if (kind === 'delete') {
    image.isDeleted = true;
    const answer = await client.delete(`/v2/images/${id}`);
    assert.ok([204, 404].includes(answer.status), String(answer.status));
    assert.equal((await client.show(id)).status, 404, 'what is deleted stays so');
    return;
  }
  const name = `n${order}`;
  const answer =
    kind === 'patch'
      ? await client.patch(id, [{ op: 'add', path: `/${name}`, value: 'v' }])
      : kind === 'tag'
        ? await client.put(`/v2/images/${id}/tags/${name}`)
        : kind === 'list'
          ? await client.get(`/v2/images?id=${id}`)
          : await client.show(id);
  expect(answer, image, 200, 204);
  if (answer.status === 404) return;
  if (kind === 'patch') image.properties.push(name);
  if (kind === 'tag') image.tags.push(name);
  if (kind === 'list') for (const record of answer.json.images) checkRecord(record, image);
  else if (answer.status === 200) checkRecord(answer.json, image);
}

/** Looks at the statuses again and again until told to stop. */
async function watch(images: readonly Shared[], stopped: () => boolean): Promise<void> {
  const trails = images.map(() => new StatusTrail());
  while (!stopped())
    for (const [index, { id }] of images.entries()) trails[index]!.saw(await client.status(id));
}

async function checkEnd(images: readonly Shared[]): Promise<void> {
  for (const image of images) {
    const settled = async () => (await client.status(image.id)) !== 'saving';
    await until(`no upload to ${image.id} goes on`, settled, 6000);
    const { status, json: record } = await client.show(image.id);
    assert.equal(status, image.isDeleted ? 404 : 200);
    if (image.isDeleted) continue;
    checkRecord(record, image);
    assert.equal(
      image.accepted.length,
      record.status === 'active' ? 1 : 0,
      'one upload at most is acknowledged',
    );
    assert.ok(['active', 'queued'].includes(record.status), record.status);
    if (record.status === 'active')
      assert.ok((await client.download(image.id)).body.equals(image.accepted[0]!));
    for (const name of image.properties) assert.equal(record[name], 'v');
    for (const tag of image.tags) assert.ok(record.tags.includes(tag), tag);
  }
  const expected = images.filter(({ isDeleted, accepted }) => !isDeleted && accepted.length > 0);
  await filesAreThoseOf(expected.map(({ id }) => id));
}

/** The bytes of what was just deleted or cut off go a moment later. */
async function filesAreThoseOf(ids: readonly string[]): Promise<void> {
  if (target.server === null) return;
  const { server } = target;
  const wanted = ids.toSorted().join();
  let stored = '';
  const agree = async () => {
    stored = (await server.storedFiles())
      .map((name) => name.slice(0, 36))
      .sort()
      .join();
    return stored === wanted;
  };
  await until('the files are those of the active images', agree, 6000).catch(() => undefined);
  assert.equal(stored, wanted, 'the files are those of the active images');
}

async function play(images: readonly Shared[], callers: readonly (readonly Step[])[]): Promise<void> {
  let isOver = false;
  const watching = watch(images, () => isOver);
  try {
    await Promise.all(
      callers.map(async (steps, caller) => {
        for (const [index, one] of steps.entries()) await act(images[one.image]!, one, caller * 100 + index);
      }),
    );
  } finally {
    isOver = true;
    await watching;
  }
}

const step = fc.record({
  kind: fc.constantFrom(...kinds),
  image: fc.nat(1),
  size: fc.integer({ min: 20, max: 250_000 }),
});
const plan = fc.array(fc.array(step, { minLength: 1, maxLength: 8 }), { minLength: 2, maxLength: 5 });

test('whoever comes first, no image is ever seen half, wrong or back from the dead', {
  skip: differs('Changes made at the same time lose each other, and uploads that fail leave no trace.'),
}, async () => {
  const runs = Number(process.env.TINTYPE_TEST_RUNS ?? 1) * 30;
  await fc.assert(
    fc.asyncProperty(plan, async (callers) => {
      const images = [new Shared((await client.create(raw)).id), new Shared((await client.create(raw)).id)];
      try {
        await play(images, callers);
        await checkEnd(images);
      } finally {
        for (const { id } of images) await client.delete(`/v2/images/${id}`);
      }
      await filesAreThoseOf([]);
    }),
    { numRuns: runs, interruptAfterTimeLimit: runs * 1500, markInterruptAsFailure: false, verbose: 1 },
  );
});
