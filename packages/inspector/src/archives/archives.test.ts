/** Archives are walked member by member, and every file in them is inspected. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import type { DigestName } from '../inspection.ts';
import { member, ovf, record, tar } from '../testing/archive.ts';
import { inspect, refusalOf } from '../testing/inspect.ts';
import { qcow2, withBackingFile } from '../testing/qcow2.ts';

const descriptor = { name: 'vm.ovf', content: ovf('disk.qcow2') };
const disk = { name: 'disk.qcow2', content: qcow2() };
const sha256 = (data: Uint8Array | string) => createHash('sha256').update(data).digest('hex');
const manifest = (digest: string) => ({ name: 'vm.mf', content: `SHA256(disk.qcow2)= ${digest}\n` });

function createDigest(name: DigestName) {
  const hash = createHash(name);
  return { update: (bytes: Uint8Array) => hash.update(bytes), digest: () => hash.digest('hex') };
}

describe('an appliance', () => {
  test('has the size of its disks', async () => {
    const two = { name: 'two.qcow2', content: qcow2(5 * 1024 * 1024) };
    const { format, virtualSize, members, refusal } = await inspect(
      tar({ name: 'vm.ovf', content: ovf('disk.qcow2', 'two.qcow2') }, disk, two),
    );
    assert.deepEqual([format, virtualSize, refusal], ['ova', 6 * 1024 * 1024, null]);
    assert.deepEqual(
      members.map(({ name, format: of }) => [name, of]),
      [
        ['disk.qcow2', 'qcow2'],
        ['two.qcow2', 'qcow2'],
      ],
    );
  });

  test('is capped by the sum of its disks', async () => {
    const two = { name: 'two.qcow2', content: qcow2() };
    const data = tar({ name: 'vm.ovf', content: ovf('disk.qcow2', 'two.qcow2') }, disk, two);
    assert.match((await refusalOf(data, { virtualSizeCap: 2 * 1024 * 1024 - 1 })) ?? '', /^too_large/);
    assert.equal(await refusalOf(data, { virtualSizeCap: 2 * 1024 * 1024 }), null);
  });

  test('has the digests that its manifest says', async () => {
    const good = tar(descriptor, manifest(sha256(disk.content)), disk);
    const bad = tar(descriptor, manifest(sha256('')), disk);
    assert.equal(await refusalOf(good, { createDigest }), null);
    assert.match((await refusalOf(bad, { createDigest })) ?? '', /^damaged: .* has another digest/);
    assert.deepEqual((await inspect(bad)).warnings, ['the digests of its manifest were not checked']);
    const late = await inspect(tar(descriptor, disk, manifest(sha256(''))), { createDigest });
    assert.match(late.warnings[0] ?? '', /manifest stands behind files/);
    const changed = { name: 'vm.mf', content: `SHA256(vm.ovf)= ${sha256('')}\n` };
    assert.match(
      (await refusalOf(tar(descriptor, changed, disk), { createDigest })) ?? '',
      /vm.ovf .* digest/,
    );
  });

  const refused: readonly (readonly [string, RegExp, Buffer])[] = [
    [
      'an unsafe disk',
      /disk.qcow2 in it: the qcow2 image names a backing/,
      tar(descriptor, { ...disk, content: withBackingFile }),
    ],
    [
      'a name that reaches outside',
      /reaches outside/,
      tar(descriptor, disk, { name: 'a/../../b', content: 'x' }),
    ],
    ['a link', /is a link/, tar(descriptor, disk, { name: 'b', type: '2' })],
    ['a device', /is a device/, tar(descriptor, disk, { name: 'b', type: '4' })],
    ['a sparse file', /unknown type S/, tar(descriptor, disk, { name: 'b', type: 'S' })],
    ['two files of a name', /is there twice/, tar(descriptor, disk, { ...disk, name: './disk.qcow2' })],
    [
      'a size given twice',
      /has two sizes/,
      tar(descriptor, { name: 'x', type: 'x', content: record('size', '65536') }, disk),
    ],
    [
      'an extended path outside',
      /reaches outside/,
      tar(descriptor, disk, { name: 'x', type: 'x', content: record('path', '../up') }, { name: 'b' }),
    ],
    [
      'a long name outside',
      /reaches outside/,
      tar(descriptor, disk, { name: 'x', type: 'L', content: '/etc/passwd\0' }, { name: 'b' }),
    ],
    ['a reference to nothing', /refers to|which is not there/, tar(descriptor)],
    [
      'a reference outside',
      /is no plain name of a disk/,
      tar({ ...descriptor, content: ovf('../disk.qcow2') }, disk),
    ],
    [
      'a reference in entities',
      /is no plain name of a disk/,
      tar({ ...descriptor, content: ovf('..&#47;disk') }, disk),
    ],
    [
      'a disk that passes for a manifest',
      /is no plain name of a disk/,
      tar({ ...descriptor, content: ovf('disk.mf') }, { name: 'disk.mf', content: withBackingFile }),
    ],
    [
      'a document type',
      /document type/,
      tar({ ...descriptor, content: `<!DOCTYPE a>${ovf('disk.qcow2')}` }, disk),
    ],
    [
      'a descriptor in UTF-16',
      /is not in UTF-8/,
      tar({ ...descriptor, content: Buffer.from(ovf('disk.qcow2'), 'utf16le') }, disk),
    ],
    ['two descriptors', /two descriptors/, tar(descriptor, disk, { ...descriptor, name: 'other.ovf' })],
    ['a file cut short', /ends inside a file/, tar(descriptor, disk).subarray(0, 5000)],
  ];
  for (const [what, reason, data] of refused) {
    test(`with ${what} is refused`, async () => {
      const { format, refusal } = await inspect(data);
      assert.equal(format, 'ova');
      assert.match(refusal?.reason ?? '', reason);
    });
  }

  test('may have comments that look like references', async () => {
    const content = ovf('disk.qcow2').replace(
      '<References>',
      '<!-- <File href="/etc/passwd"/> --><References>',
    );
    assert.equal(await refusalOf(tar({ ...descriptor, content }, disk)), null);
  });
});

describe('any other archive', () => {
  test('may have links, devices and the same name twice', async () => {
    const { format, refusal } = await inspect(
      tar(
        { name: 'etc/', type: '5' },
        { name: 'etc/a', content: 'x' },
        { name: 'etc/a', type: '2' },
        { name: 'dev/null', type: '3' },
      ),
    );
    assert.deepEqual([format, refusal], ['tar', null]);
  });

  test('is warned of what is unsafe in it, as nobody opens that', async () => {
    const { refusal, warnings } = await inspect(tar({ name: 'a.qcow2', content: withBackingFile }));
    assert.equal(refusal, null);
    assert.deepEqual(warnings, ['the file a.qcow2 in it is unsafe: the qcow2 image names a backing file']);
  });

  test('is walked as its extended headers say', async () => {
    const { members } = await inspect(
      tar(
        { name: 'x', type: 'x', content: record('size', '600') + record('path', 'long') },
        { name: 'a', content: Buffer.alloc(600), size: 1 },
        { name: 'b', content: 'x' },
      ),
    );
    assert.deepEqual(
      members.map(({ name, size }) => [name, size]),
      [
        ['long', 600],
        ['b', 1],
      ],
    );
  });

  test('of a container says so', async () => {
    assert.equal((await inspect(tar({ name: 'manifest.json', content: '[]' }))).format, 'docker');
  });

  test('is looked into for its first files', async () => {
    const one = member({ name: 'a', content: 'x' });
    const { members, warnings, refusal } = await inspect(
      Buffer.concat([...Array(300).fill(one), Buffer.alloc(1024)]),
    );
    assert.deepEqual([members.length, warnings.length, refusal], [256, 1, null]);
  });

  test('without an end is whole if no file of it is cut', async () => {
    assert.equal(await refusalOf(member({ name: 'a', content: 'x' })), null);
    assert.match((await refusalOf(member({ name: 'a', content: 'x' }).subarray(0, 512))) ?? '', /^damaged/);
  });
});
