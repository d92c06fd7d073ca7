/** PUT /v2/images/{id}/file: everything that is refused, in the order of the checks (API section 4). */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { type FailureCode, failures } from '@tintype/contract';
import { differs, needs, needsOwnServer, openTarget, type Target } from '../support/target.ts';
import { plainErrors, refused } from './answer.ts';
import { bytes, digest, pieces, qcow2, tarMember } from './bytes.ts';
import { Client, raw, send } from './client.ts';
import { head, nextAnswer, open, type RawAnswer } from './raw-socket.ts';
import { SlowUpload } from './slow-upload.ts';

let target: Target;
let client: Client;

before(async () => {
  target = await openTarget({ images: { sizeCap: 10 << 20 } });
  client = new Client(target);
});
after(() => target.close());

const noTasks = differs('An upload leaves no task.');
const noDigests = differs('X-Tintype-Expected-Digest is unknown.');
const noInspection = differs('Data are not held to the declared format.');

/** Fails unless the image is queued again, empty, with this reason in its newest task, and nothing is stored. */
async function undone(id: string, reason: FailureCode): Promise<void> {
  const record = (await client.show(id)).json;
  assert.deepEqual(
    [
      record.status,
      record.size,
      record.virtual_size,
      record.checksum,
      record.os_hash_algo,
      record.os_hash_value,
    ],
    ['queued', null, null, null, null, null],
  );
  assert.equal((await client.download(id)).status, 204);
  if (noTasks === false) {
    const [task] = await client.tasks(id);
    assert.equal(task.status, 'failure');
    assert.equal(task.result.error.code, reason);
    assert.equal(task.result.error.message, task.message);
    assert.notEqual(task.message, '');
  }
  if (target.server !== null)
    assert.deepEqual(
      (await target.server.storedFiles()).filter((name) => name.startsWith(id) || !name.includes('-')),
      [],
    );
}

test('another media type is 415, or none', async () => {
  const { id } = await client.create(raw);
  for (const type of [
    undefined,
    '',
    'application/json',
    'application/x-octet-stream',
    'text/plain',
    'nonsense',
  ])
    for (const chunked of [false, true])
      refused(
        await client.call('PUT', `/v2/images/${id}/file`, {
          body: bytes(100),
          chunked,
          headers: { 'Content-Type': type },
        }),
        'unsupported_media_type',
      );
  assert.equal(await client.status(id), 'queued');
  assert.deepEqual(await client.tasks(id), []);
});

test('the media type counts in any letters and with parameters', async () => {
  const capitals = differs('A media type in capitals is unknown.') === false;
  for (const type of [
    capitals ? 'Application/Octet-Stream' : 'application/octet-stream',
    'application/octet-stream; charset=binary',
  ]) {
    const { id } = await client.create(raw);
    assert.equal((await client.upload(id, bytes(10), { 'Content-Type': type })).status, 204, type);
  }
});

const noSize = differs('X-OpenStack-Image-Size came with a later release.');

test('a size that is no number is 400', { skip: noSize }, async () => {
  const { id } = await client.create(raw);
  for (const size of ['', 'x', '-1', '1.5', '0x10', '1e3', '+5', '5,5', '99999999999999999999'])
    refused(await client.upload(id, bytes(10), { 'X-OpenStack-Image-Size': size }), 'bad_request');
  assert.equal(await client.status(id), 'queued');
});

test('an expected digest that is none is 400', { skip: noDigests }, async () => {
  const { id } = await client.create(raw);
  for (const text of [
    '',
    'md5',
    'md5=',
    'md5=xyz',
    'sha256=abcd',
    `crc32=${'0'.repeat(8)}`,
    `sha256:${'0'.repeat(64)}`,
  ])
    refused(await client.upload(id, bytes(10), { 'X-Tintype-Expected-Digest': text }), 'bad_request');
});

test('fewer or more bytes than announced are 400', { skip: noSize }, async () => {
  for (const [length, announced] of [
    [99, 100],
    [101, 100],
    [0, 1],
    [100_000, 5],
    [5, 100_000],
  ] as const)
    for (const form of ['measured', 'chunked']) {
      const { id } = await client.create(raw);
      const data = bytes(length);
      const answer = await client.upload(id, form === 'chunked' ? pieces(data, 1000) : data, {
        'X-OpenStack-Image-Size': String(announced),
      });
      refused(answer, 'size_mismatch', new RegExp(`\\b${announced}\\b`));
      await undone(id, 'size_mismatch');
    }
});

test('another digest than expected is 400, and nothing is kept', { skip: noDigests }, async () => {
  const data = bytes(5000);
  for (const algorithm of ['md5', 'sha1', 'sha256', 'sha384', 'sha512']) {
    const { id } = await client.create(raw);
    const expected = `${algorithm}=${digest(algorithm, bytes(5000, 2))}`;
    const answer = await client.upload(id, data, { 'X-Tintype-Expected-Digest': expected });
    refused(answer, 'digest_mismatch', new RegExp(digest(algorithm, data)));
    await undone(id, 'digest_mismatch');
    assert.equal((await client.upload(id, data)).status, 204, 'another try is welcome');
  }
});

test('one wrong digest of several is enough', { skip: noDigests }, async () => {
  const data = bytes(5000);
  const { id } = await client.create(raw);
  const expected = `sha256=${digest('sha256', data)},md5=${'0'.repeat(32)}`;
  refused(await client.upload(id, data, { 'X-Tintype-Expected-Digest': expected }), 'digest_mismatch');
  await undone(id, 'digest_mismatch');
});

test('formats must be set', async () => {
  for (const fields of [{}, { disk_format: 'raw' }, { container_format: 'bare' }]) {
    const { id } = await client.create(fields);
    refused(await client.upload(id, bytes(10)), 'formats_unset', /disk_format and container_format/);
    assert.equal(await client.status(id), 'queued');
  }
});

test('more than the cap is 413, announced or found', { skip: needsOwnServer }, async () => {
  const { id } = await client.create(raw);
  const tooMuch = bytes((10 << 20) + 1);
  refused(await client.upload(id, tooMuch), 'size_cap');
  assert.deepEqual(await client.tasks(id), [], 'refused before it began');
  const announced = { 'X-OpenStack-Image-Size': String((10 << 20) + 1) };
  refused(await client.upload(id, pieces(bytes(10), 10), announced), 'size_cap');
  refused(await client.upload(id, pieces(tooMuch, 100_000)), 'size_cap');
  await undone(id, 'size_cap');
  assert.equal((await client.upload(id, bytes(10 << 20))).status, 204, 'the cap itself is allowed');
});

test('data that is not what was declared is 415', { skip: noInspection }, async () => {
  for (const [disk_format, data] of [
    ['qcow2', bytes(100_000)],
    ['qcow2', bytes(10)],
    ['vmdk', qcow2(1 << 20)],
    ['iso', bytes(70_000)],
    ['vhdx', bytes(70_000)],
    ['raw', qcow2(1 << 20)],
  ] as const) {
    const { id } = await client.create({ disk_format, container_format: 'bare' });
    refused(await client.upload(id, data), 'format_mismatch', new RegExp(disk_format));
    await undone(id, 'format_mismatch');
  }
});

test('a qcow2 that names other files is 415, whatever was declared', { skip: noInspection }, async () => {
  const data = qcow2(1 << 20, '/etc/passwd');
  for (const disk_format of ['qcow2', 'raw', 'vmdk']) {
    const { id } = await client.create({ disk_format, container_format: 'bare' });
    refused(await client.upload(id, data), 'unsafe_image', /backing file/);
    await undone(id, 'unsafe_image');
  }
});

test('data has a name in the refusal', { skip: noInspection }, async () => {
  const video = Buffer.from('\0\0\0\x20ftypisom\0\0\x02\0isomiso2mp41', 'latin1');
  const { id } = await client.create({ disk_format: 'qcow2', container_format: 'bare' });
  const message = /declared as qcow2, but this looks like an MP4 video/;
  refused(await client.upload(id, video), 'format_mismatch', message);
});

test('an appliance with an unsafe disk in it is 415', { skip: noInspection }, async () => {
  const descriptor =
    '<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1"><File href="disk"/></Envelope>';
  const ova = (disk: Uint8Array) =>
    Buffer.concat([
      tarMember('vm.ovf', Buffer.from(descriptor)),
      tarMember('disk', disk),
      Buffer.alloc(1024),
    ]);
  const { id } = await client.create({ disk_format: 'qcow2', container_format: 'ova' });
  refused(await client.upload(id, ova(qcow2(1 << 20, '/etc/passwd'))), 'unsafe_image', /disk .*backing file/);
  await undone(id, 'unsafe_image');
  assert.equal((await client.upload(id, ova(qcow2(1 << 20)))).status, 204);
  assert.equal((await client.show(id)).json.virtual_size, 1 << 20);
});

test('a small image of too large a disk is 413', { skip: needsOwnServer }, async () => {
  const own = await openTarget({ images: { virtualSizeCap: 1 << 30 } });
  try {
    const owner = new Client(own, 'member');
    const { id } = await owner.create({ disk_format: 'qcow2', container_format: 'bare' });
    refused(await owner.upload(id, qcow2(2 ** 40)), 'virtual_size_cap', /1099511627776 bytes, the limit is/);
    assert.equal((await owner.show(id)).json.status, 'queued');
    assert.equal((await owner.upload(id, qcow2(1 << 30))).status, 204);
  } finally {
    await own.close();
  }
});

test('an unknown image is 404', async () => {
  for (const id of [randomUUID(), 'x', 'jammy', '..%2f..%2fetc', '%00'])
    refused(await client.upload(id, bytes(10)), 'image_not_found');
});

test('an image that has data keeps them: 409', async () => {
  const data = bytes(5000);
  const { id } = await client.createActive(data);
  const before = (await client.show(id)).json;
  for (const again of [bytes(5000, 2), data, Buffer.alloc(0)])
    refused(await client.upload(id, again), 'status_conflict', /active/);
  assert.deepEqual((await client.download(id)).body, data);
  assert.deepEqual((await client.show(id)).json, before);
});

test('the checks come in order', { skip: needsOwnServer }, async () => {
  const stores = ['a', 'b'].map((id) => ({ id, type: 'file' as const, path: null }));
  const own = await openTarget({ stores, images: { sizeCap: 1000 } });
  const owner = new Client(own, 'member');
  const { id: active } = await owner.createActive(bytes(10), { visibility: 'community' });
  const { id: bare } = await owner.create({ visibility: 'community' });
  const { id: hidden } = await owner.create({ ...raw, visibility: 'private' });
  const wrong = {
    type: { 'Content-Type': 'text/plain' },
    size: { 'X-OpenStack-Image-Size': 'x' },
    cap: { 'X-OpenStack-Image-Size': '1001' },
    store: { 'X-Image-Meta-Store': 'none' },
  };
  // Each request is wrong in what its line names and in everything after it.
  const steps: [FailureCode, 'member' | 'other' | null, string, (keyof typeof wrong)[]][] = [
    ['unauthenticated', null, hidden, ['type', 'size', 'store']],
    ['unsupported_media_type', 'other', hidden, ['type', 'size', 'store']],
    ['bad_request', 'other', hidden, ['size', 'store']],
    ['size_cap', 'other', hidden, ['cap', 'store']],
    ['unknown_store', 'other', hidden, ['store']],
    ['image_not_found', 'other', hidden, []],
    ['forbidden', 'other', active, []],
    ['forbidden', 'other', bare, []],
    ['status_conflict', 'member', active, []],
    ['formats_unset', 'member', bare, []],
  ];
  try {
    for (const [reason, role, id, faults] of steps) {
      const headers = Object.assign(
        { 'Content-Type': 'application/octet-stream' },
        ...faults.map((one) => wrong[one]),
      );
      refused(await send(own, role, 'PUT', `/v2/images/${id}/file`, { body: bytes(10), headers }), reason);
    }
  } finally {
    await own.close();
  }
});

test('another project uploads nothing', { skip: needs('member', 'other') }, async () => {
  const member = new Client(target, 'member');
  const other = new Client(target, 'other');
  const { id: visible } = await member.create({ ...raw, visibility: 'community' });
  refused(await other.upload(visible, bytes(10)), 'forbidden');
  const { id: invisible } = await member.create({ ...raw, visibility: 'private' });
  refused(await other.upload(invisible, bytes(10)), 'image_not_found');
  assert.equal(await member.status(visible), 'queued');
});

interface Refusal {
  readonly id: () => Promise<string>;
  readonly type?: string;
  readonly reason: FailureCode;
}

const refusals: Record<string, Refusal> = {
  'the wrong media type': {
    id: async () => (await client.create(raw)).id,
    type: 'text/plain',
    reason: 'unsupported_media_type',
  },
  'an unknown image': { id: async () => randomUUID(), reason: 'image_not_found' },
  'an active image': { id: async () => (await client.createActive(bytes(10))).id, reason: 'status_conflict' },
  'no formats': { id: async () => (await client.create()).id, reason: 'formats_unset' },
  'another format': {
    id: async () => (await client.create({ disk_format: 'qcow2', container_format: 'bare' })).id,
    reason: 'format_mismatch',
  },
};

/** The whole request of an upload: `length` bytes in one piece, or in chunks of a mebibyte. */
function wholeUpload(id: string, type: string, form: string, more: string, length: number): Buffer {
  const size = form === 'measured' ? `Content-Length: ${length}` : 'Transfer-Encoding: chunked';
  const start = Buffer.from(
    head(target, 'caller', `PUT /v2/images/${id}/file`, [`Content-Type: ${type}`, size, more]),
  );
  if (form === 'measured') return Buffer.concat([start, Buffer.alloc(length, 'x')]);
  const chunk = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(1 << 20, 'x'), Buffer.from('\r\n')]);
  return Buffer.concat([start, ...Array(length >> 20).fill(chunk), Buffer.from('0\r\n\r\n')]);
}

/** Sends everything before it reads anything. */
async function sendAll(socket: Socket, request: Buffer): Promise<RawAnswer | null> {
  await new Promise<void>((resolve, reject) => {
    socket.write(request, (error) => (error ? reject(error) : resolve()));
  });
  return await nextAnswer(socket);
}

const cutsSenders = differs('A client that is still sending is cut off before it can read the refusal.');

for (const [what, { id, type = 'application/octet-stream', reason }] of Object.entries(refusals))
  for (const form of ['measured', 'chunked'])
    for (const connection of ['keep-alive', 'close'])
      test(`a client that sends 9 MiB and only then reads learns of ${what}, ${form}, ${connection}`, {
        skip: (reason === 'format_mismatch' && noInspection) || (connection === 'close' && cutsSenders),
      }, async () => {
        const socket = await open(target);
        const request = wholeUpload(await id(), type, form, `Connection: ${connection}`, 9 << 20);
        const answer = await sendAll(socket, request);
        assert.equal(answer?.status, failures[reason].status);
        if (plainErrors === false) assert.equal(JSON.parse(answer!.body.toString()).error.reason, reason);
        if (connection === 'close') {
          assert.equal(await nextAnswer(socket), null, 'the connection ends');
        } else {
          socket.write(head(target, 'caller', 'GET /v2/images?limit=1'));
          assert.equal((await nextAnswer(socket))?.status, 200, 'the connection serves on');
        }
        socket.destroy();
      });

test('a client that sends for ever does not keep the refusal from arriving', {
  skip: noInspection,
}, async () => {
  const { id } = await client.create({ disk_format: 'qcow2', container_format: 'bare' });
  const upload = new SlowUpload(target, 'caller', id);
  let answered = false;
  const answer = upload.answer.finally(() => {
    answered = true;
  });
  for (let sent = 0; sent < 200 && !answered; sent += 1) {
    await upload.write(Buffer.alloc(1 << 18, 'x'));
    await new Promise(setImmediate);
  }
  refused(await answer, 'format_mismatch');
  upload.cut();
  await undone(id, 'format_mismatch');
});

const staysOpen = differs('A connection goes on after a refusal of data that did not come.');

test('a client that asks for leave is refused before it sends, and the connection ends', async () => {
  for (const { id, type = 'application/octet-stream', reason } of Object.values(refusals)) {
    if (reason === 'format_mismatch') continue;
    const headers = { Expect: '100-continue', 'Content-Length': '1000', 'Content-Type': type };
    const upload = new SlowUpload(target, 'caller', await id(), headers);
    const answer = await upload.answer;
    refused(answer, reason);
    if (staysOpen === false) assert.equal(answer.headers.connection, 'close');
    upload.cut();
  }
});

test('a client that asks for leave and sends without it can read the refusal too', {
  skip: cutsSenders,
}, async () => {
  const socket = await open(target);
  const id = randomUUID();
  const expect = 'Expect: 100-continue';
  const answer = await sendAll(
    socket,
    wholeUpload(id, 'application/octet-stream', 'measured', expect, 9 << 20),
  );
  assert.equal(answer?.status, 404);
  socket.destroy();
});

test('a failure leaves the image as it was, for another try', { skip: noInspection }, async () => {
  const { id } = await client.create({
    disk_format: 'qcow2',
    container_format: 'bare',
    name: 'again',
    tags: ['t'],
  });
  for (let i = 0; i < 3; i += 1) refused(await client.upload(id, bytes(1000, i)), 'format_mismatch');
  assert.equal((await client.tasks(id)).length, 3);
  assert.equal((await client.upload(id, qcow2(1 << 20))).status, 204);
  const record = (await client.show(id)).json;
  assert.deepEqual([record.status, record.name, record.tags], ['active', 'again', ['t']]);
});
