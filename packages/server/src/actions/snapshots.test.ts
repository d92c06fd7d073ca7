/** Images that hold earlier states of their disks, where the operator wants them taken out. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openLab, type ServerLab } from '../../../../test/support/flow-lab.ts';
import { as } from '../../../../test/support/server.ts';

const folder = mkdtempSync(join(tmpdir(), 'tintype-snapshots-'));
const disk = Buffer.concat([randomBytes(300_032), Buffer.alloc(4 * 1024 * 1024)]);
const secret = Buffer.from('what was deleted from the disk');
const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');
const at = (name: string) => join(folder, name);
const qemu = (...words: string[]) => execFileSync('qemu-img', words, { encoding: 'utf8' });

/** A disk that once had the secret in it. */
function withSnapshot(): Buffer {
  const before = Buffer.from(disk);
  secret.copy(before, 1024 * 1024);
  writeFileSync(at('before.raw'), before);
  writeFileSync(at('now.raw'), disk);
  qemu('convert', '-f', 'raw', '-O', 'qcow2', at('before.raw'), at('disk.qcow2'));
  qemu('snapshot', '-c', 'before', at('disk.qcow2'));
  qemu('convert', '-n', '-f', 'raw', '-O', 'qcow2', at('now.raw'), at('disk.qcow2'));
  return readFileSync(at('disk.qcow2'));
}

let lab: ServerLab;
before(async () => {
  lab = await openLab(undefined, { importing: { stripSnapshots: true } });
});
after(async () => {
  await lab?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function imported(data: Uint8Array, format: string) {
  const image = await lab.stagedImage(data, { disk_format: format });
  const flow = await lab.ended(await lab.startImport(image, 'glance-direct', { stores: ['one'] }));
  assert.equal(flow.state, 'success', JSON.stringify(flow.failure));
  const { tasks } = await lab.call('GET', `/v2/images/${image}/tasks`);
  const answer = await fetch(`${lab.app.url}/v2/images/${image}/file`, { headers: as('boss', 'admin') });
  return {
    record: await lab.freeImage(image),
    message: (tasks as { message: string }[])[0]!.message,
    bytes: Buffer.from(await answer.arrayBuffer()),
  };
}

test('a qcow2 with a snapshot stays a qcow2 of the same disk, without what is deleted from it', async () => {
  const data = withSnapshot();
  assert.ok(data.includes(secret), 'the snapshot has what the disk had');
  const { record, message, bytes } = await imported(data, 'qcow2');
  assert.deepEqual([record.disk_format, record.virtual_size], ['qcow2', disk.length]);
  assert.match(message, /^Imported \d+ bytes, without its snapshots$/);
  assert.ok(!bytes.includes(secret), 'nobody gets the snapshot');
  writeFileSync(at('got.qcow2'), bytes);
  assert.equal(qemu('snapshot', '-l', at('got.qcow2')), '');
  qemu('convert', '-f', 'qcow2', '-O', 'raw', at('got.qcow2'), at('got.raw'));
  assert.equal(sha256(readFileSync(at('got.raw'))), sha256(disk));
  await lab.tidy();
});

test('what has none stays as it is', async () => {
  qemu('convert', '-f', 'raw', '-O', 'qcow2', at('now.raw'), at('plain.qcow2'));
  const plain = readFileSync(at('plain.qcow2'));
  for (const [data, format] of [
    [plain, 'qcow2'],
    [disk, 'raw'],
  ] as const) {
    const { bytes, message } = await imported(data, format);
    assert.equal(sha256(bytes), sha256(data));
    assert.equal(message, `Imported ${data.length} bytes`);
  }
});
