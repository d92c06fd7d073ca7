/** Every good sample of a disk is converted, whatever is odd about it. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Samples } from '../../../../test/formats/samples.ts';
import { convertDisk } from './convert.ts';
import { inspectFile } from './inspect-file.ts';
import { canBeRead } from './qemu-img.ts';
import { Sandbox } from './sandbox.ts';

const samples = new Samples();
after(() => samples.remove());
const sandbox = new Sandbox('bubblewrap');
const { signal } = new AbortController();

test('a disk is converted whatever its sample', { skip: samples.skip }, async (t) => {
  const safe = samples.all.filter(({ safe, container_format, disk_format, file }) => {
    const isBroken = /truncated|corrupt|luks|huge|raw-empty|boot-record/.test(file);
    return safe && container_format === 'bare' && canBeRead(disk_format) && !isBroken;
  });
  assert.ok(safe.length >= 25, `only ${safe.length}`);
  for (const { file, disk_format: format, virtual_size } of safe)
    await t.test(file, async () => {
      const [path, result] = [join(samples.folder, file), join(samples.folder, 'result')];
      writeFileSync(result, '');
      const seen = await inspectFile(path, {
        diskFormat: format,
        containerFormat: 'bare',
        requireMatch: true,
      });
      const { virtualSize } = await convertDisk(sandbox, {
        from: { path, format },
        seen,
        to: { path: result, format: format === 'raw' ? 'qcow2' : 'raw' },
        compress: false,
        mostWritten: 1024 ** 3,
        scratch: () => assert.fail('one side is raw'),
        signal,
        tell: () => {},
      });
      assert.equal(virtualSize, Math.ceil(virtual_size! / 512) * 512);
    });
});
