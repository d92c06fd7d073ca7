/** Copies of an image while they are on their way. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openLab, type ServerLab } from '../../../../test/support/flow-lab.ts';

let lab: ServerLab;
before(async () => {
  lab = await openLab();
});
after(() => lab?.close());

const data = Buffer.alloc(1024 * 1024, 'a guest sees this');

async function active(): Promise<string> {
  const id = await lab.createImage();
  await lab.call('PUT', `/v2/images/${id}/file`, data);
  return id;
}

type Shown = Record<'store' | 'state' | 'disk_format' | 'size' | 'os_hash_value' | 'self', unknown>;

async function replicasOf(image: string): Promise<Shown[]> {
  return (await lab.call('GET', `/v2/images/${image}/replicas`)).replicas as Shown[];
}

const brief = ({ store, state, disk_format }: Shown) => [store, state, disk_format];

/** While nobody works on it, and when it is there. */
async function seen(image: string, order: object): Promise<{ before: Shown[]; after: Shown[] }> {
  lab.isWorking = false;
  await lab.call('POST', `/v2/images/${image}/replicas`, order);
  const before = await replicasOf(image);
  const { os_glance_import_task: flow } = await lab.call('GET', `/v2/images/${image}`);
  lab.isWorking = true;
  assert.equal((await lab.ended(flow as string)).state, 'success');
  return { before, after: await replicasOf(image) };
}

test('a copy that is being made is told of with its format, and of one in another what it holds is not known yet', async () => {
  const image = await active();
  const own = ['one', 'active', 'raw'];
  const plain = await seen(image, { store: 'two' });
  assert.deepEqual(plain.before.map(brief), [own, ['two', 'creating', 'raw']]);
  assert.equal(plain.before[1]!.os_hash_value, plain.before[0]!.os_hash_value);
  assert.deepEqual(plain.after.map(brief), [own, ['two', 'active', 'raw']]);
  const other = await seen(image, { store: 'two', disk_format: 'qcow2' });
  const coming = other.before.find(({ state }) => state === 'creating')!;
  assert.deepEqual(brief(coming), ['two', 'creating', 'qcow2']);
  assert.deepEqual([coming.size, coming.os_hash_value, coming.self], [null, null, null]);
  assert.deepEqual(
    other.after.map(brief).filter(([, , format]) => format === 'qcow2'),
    [['two', 'active', 'qcow2']],
  );
  assert.ok(!other.after.some(({ state }) => state === 'creating'));
});
