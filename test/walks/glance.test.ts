/** The `glance` command as Debian ships it walks through the main job, in both identity modes. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { serve, startWebSource } from '../support/web-source.ts';
import { walk } from './support/packages.ts';
import {
  assertSame,
  factsOf,
  overlay,
  type RealImage,
  rescueCdrom,
  rescueFloppy,
} from './support/real-images.ts';
import { attempt, refused, run, runOnTerminal } from './support/run.ts';
import { type Mode, openStockServer, type StockServer } from './support/stock-server.ts';
import { readPairs, readTable } from './support/table.ts';

type Shown = Record<string, string>;

/** In mode none the client still wants a token: any word will do. */
function client(stock: () => StockServer) {
  const words = (args: string[]) => {
    const { url, token } = stock().server;
    return ['glance', '--os-image-url', url, '--os-auth-token', token, ...args];
  };
  const glance = (args: string[], stdin?: string) => run(words(args), { env: stock().env, stdin });
  return {
    words,
    glance,
    fails: (args: string[], stdin?: string) => refused(words(args), { env: stock().env, stdin }),
    show: async (id: string): Promise<Shown> => readPairs(await glance(['image-show', id])),
    create: async (args: string[], stdin?: string): Promise<Shown> =>
      readPairs(await glance(['image-create', ...args], stdin)),
    names: async (...args: string[]) =>
      readTable(await glance(['image-list', ...args])).map(([, name]) => name),
  };
}

function formats({ diskFormat, containerFormat }: RealImage): string[] {
  return ['--disk-format', diskFormat, '--container-format', containerFormat];
}

async function assertShownAs(shown: Shown, origin: RealImage): Promise<void> {
  const facts = await factsOf(origin);
  assert.equal(shown.status, 'active');
  assert.equal(shown.size, String(facts.size));
  assert.equal(shown.virtual_size, String(facts.virtualSize));
  assert.equal(shown.checksum, facts.md5);
  assert.equal(shown.os_hash_algo, 'sha512');
  assert.equal(shown.os_hash_value, facts.sha512);
}

function shortWalk(mode: Mode): void {
  let stock: StockServer;
  before(async () => {
    stock = await openStockServer(mode);
  });
  after(() => stock?.close());
  const { glance, show, create, names } = client(() => stock);

  it('creates with a file, lists, shows, sets a property, downloads and deletes', async () => {
    const { id } = await create(['--name', 'cdrom', ...formats(rescueCdrom), '--file', rescueCdrom.file]);
    assert.deepEqual(await names(), ['cdrom']);
    await glance(['image-update', id!, '--property', 'os_distro=debian']);
    const shown = await show(id!);
    await assertShownAs(shown, rescueCdrom);
    assert.equal(shown.os_distro, 'debian');
    const file = path.join(stock.folder, 'got.iso');
    await glance(['image-download', id!, '--file', file]);
    await assertSame(file, rescueCdrom);
    await glance(['image-delete', id!]);
    assert.deepEqual(await names(), []);
  });
}

function longWalk(mode: Mode): void {
  let stock: StockServer;
  let cdrom = '';
  let floppy = '';
  let record = '';
  before(async () => {
    stock = await openStockServer(mode);
  });
  after(() => stock?.close());
  const { words, glance, fails, show, create, names } = client(() => stock);

  it('creates from a file, with a progress bar on a terminal', async () => {
    const args = ['image-create', '--name', 'cdrom', ...formats(rescueCdrom), '--file', rescueCdrom.file];
    const drawn = await runOnTerminal(words([...args, '--progress', '--property', 'os_distro=debian']), {
      env: stock.env,
    });
    assert.match(drawn, /\[=+>\] 100%/);
    const made = readPairs(drawn.replaceAll('\r', ''));
    cdrom = made.id!;
    await assertShownAs(made, rescueCdrom);
    assert.equal(made.name, 'cdrom');
    assert.equal(made.os_distro, 'debian');
  });

  it('creates from standard input', async () => {
    const args = ['--name', 'floppy', ...formats(rescueFloppy), '--tag', 'rescue', '--visibility', 'private'];
    const made = await create(args, rescueFloppy.file);
    floppy = made.id!;
    await assertShownAs(made, rescueFloppy);
    assert.equal(made.tags, '["rescue"]');
    assert.equal(made.visibility, 'private');
  });

  it('creates a record and uploads to it later, once', async () => {
    const made = await create(['--name', 'record', ...formats(rescueFloppy)], 'closed');
    record = made.id!;
    assert.equal(made.status, 'queued');
    assert.equal(made.size, 'None');
    const file = path.join(stock.folder, 'absent');
    assert.match(await fails(['image-download', record, '--file', file]), /has no data/);
    await glance(['image-upload', record, '--file', rescueFloppy.file]);
    await assertShownAs(await show(record), rescueFloppy);
    const again = await fails(['image-upload', record, '--file', rescueFloppy.file]);
    assert.match(again, /is active; an upload needs it to be queued/);
  });

  it('lists in pages, sorted and filtered', async () => {
    await create(['--name', 'fourth'], 'closed');
    await create(['--name', 'fifth'], 'closed');
    const requests = () => stock.server.log().filter((line) => line.includes('"path":"/v2/images"')).length;
    const before = requests();
    assert.deepEqual(await names('--page-size', '2', '--sort', 'name:asc'), [
      'cdrom',
      'fifth',
      'floppy',
      'fourth',
      'record',
    ]);
    assert.equal(requests() - before, 3);
    const last = [
      '--sort-key',
      'created_at',
      '--sort-key',
      'name',
      '--sort-dir',
      'desc',
      '--sort-dir',
      'asc',
    ];
    assert.deepEqual(await names('--limit', '2', '--page-size', '1', ...last), ['fifth', 'fourth']);
    assert.deepEqual(await names('--property-filter', 'os_distro=debian'), ['cdrom']);
    assert.deepEqual(await names('--tag', 'rescue'), ['floppy']);
    assert.deepEqual(await names('--visibility', 'private'), ['floppy']);
    const { sha512 } = await factsOf(rescueCdrom);
    assert.deepEqual(await names('--hash', sha512), ['cdrom']);
    assert.deepEqual(await names('--property-filter', 'status=queued', '--sort', 'name:asc'), [
      'fifth',
      'fourth',
    ]);
  });

  it('updates attributes and properties', async () => {
    const set = [
      '--name',
      'disc',
      '--property',
      'purpose=rescue a host',
      '--min-disk',
      '1',
      '--os-version',
      '12',
    ];
    const updated = readPairs(
      await glance(['image-update', cdrom, ...set, '--remove-property', 'os_distro']),
    );
    assert.equal(updated.name, 'disc');
    assert.equal(updated.purpose, 'rescue a host');
    assert.equal(updated.min_disk, '1');
    assert.equal(updated.os_version, '12');
    assert.equal('os_distro' in updated, false);
    assert.deepEqual(await show(cdrom), updated);
  });

  it('protects and hides', async () => {
    await glance(['image-update', cdrom, '--protected', 'True', '--hidden', 'True']);
    assert.match(await fails(['image-delete', cdrom]), /not permitted to delete/);
    assert.deepEqual(await names('--hidden', 'True'), ['disc']);
    await glance(['image-update', cdrom, '--protected', 'False', '--hidden', 'False']);
    assert.deepEqual(await names('--hidden', 'True'), []);
  });

  it('tags', async () => {
    const tagged = readTable(await glance(['image-tag-update', floppy, 'boot disk']));
    assert.deepEqual(tagged, [[floppy, "['rescue', 'boot disk']"]]);
    await glance(['image-tag-delete', floppy, 'rescue']);
    assert.equal((await show(floppy)).tags, '["boot disk"]');
    assert.match(await fails(['image-tag-delete', floppy, 'rescue']), /no tag 'rescue'/);
  });

  it('downloads the same bytes to a file and to standard output', async () => {
    const file = path.join(stock.folder, 'got.iso');
    const download = words(['image-download', cdrom, '--progress', '--file', file]);
    assert.match(await runOnTerminal(download, { env: stock.env }), /\[=+>\] 100%/);
    await assertSame(file, rescueCdrom);
    const { stdout } = await attempt(words(['image-download', floppy]), { env: stock.env });
    const poured = path.join(stock.folder, 'got.img');
    await writeFile(poured, stdout);
    await assertSame(poured, rescueFloppy);
  });

  it('imports what it staged, and from the web', async () => {
    const via = ['image-create-via-import', ...formats(rescueFloppy)];
    const staged = ['--import-method', 'glance-direct', '--file', rescueFloppy.file, '--name', 'staged'];
    // It does not want anything on its standard input.
    const made = [readPairs(await glance([...via, ...staged], 'closed')).id!];
    const data = await readFile(rescueFloppy.file);
    const source = await startWebSource((request, response) => serve(request, response, { bytes: data }));
    try {
      const fetched = [
        '--import-method',
        'web-download',
        '--uri',
        `${source.url}/floppy.img`,
        '--name',
        'fetched',
      ];
      made.push(readPairs(await glance([...via, ...fetched], 'closed')).id!);
      for (const id of made) {
        await stock.imported(id);
        await assertShownAs(await show(id), rescueFloppy);
      }
    } finally {
      await source.close();
    }
    await glance(['image-delete', ...made]);
  });

  it('is told why data is refused, then and later', async () => {
    const { file } = await overlay(stock.folder);
    const { id } = await create(
      ['--name', 'overlay', '--disk-format', 'qcow2', '--container-format', 'bare'],
      'closed',
    );
    const reason = /qcow2 image names a backing file/;
    assert.match(await fails(['image-upload', id!, '--file', file]), reason);
    const [[message, status] = []] = readTable(await glance(['image-tasks', id!]));
    assert.match(message!, reason);
    assert.equal(status, 'failure');
    const mislabelled = ['--name', 'wrong', '--disk-format', 'vmdk', '--container-format', 'bare'];
    const wrong = await fails(['image-create', ...mislabelled, '--file', rescueCdrom.file]);
    assert.match(wrong, /declared as vmdk, but this looks like an iso image/);
  });

  it('is told what went wrong otherwise', async () => {
    assert.match(await fails(['image-show', 'absent']), /No image found with ID absent/);
    assert.match(await fails(['image-list', '--sort', 'colour']), /Invalid sort key: colour/);
    // As docs/migrating-from-v1.md quotes it.
    const old = await fails(['--os-image-api-version', '1', 'image-list']);
    assert.match(old, /Requested version of OpenStack Images API is not available/);
    const stranger = ['glance', '--os-image-url', stock.server.url, '--os-auth-token', 'guess', 'image-list'];
    assert.match(await refused(stranger, { env: stock.env }), /Invalid OpenStack Identity credentials/);
  });

  it('deletes', async () => {
    const ids = readTable(await glance(['image-list'])).map(([id]) => id!);
    await glance(['image-delete', ...ids]);
    assert.deepEqual(await names(), []);
    assert.match(await fails(['image-show', cdrom]), /No image found/);
  });
}

walk('glance', ['python3-glanceclient', 'grub-rescue-pc', 'qemu-utils'], () => {
  describe('in mode tokens', () => longWalk('tokens'));
  describe('in mode none', () => shortWalk('none'));
});
