/** `openstack image …` as Debian ships it walks through the main job, in both identity modes. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
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

interface Shown {
  id: string;
  name: string;
  status: string;
  tags: string[];
  properties: Record<string, unknown>;
  [attribute: string]: unknown;
}

/** The plugin `none` finds the version by itself; `admin_token` takes the URL as it is. */
function signIn({ server: { url, token } }: StockServer, mode: Mode): string[] {
  return mode === 'none'
    ? ['--os-auth-type', 'none', '--os-endpoint', url]
    : ['--os-auth-type', 'admin_token', '--os-endpoint', `${url}/v2`, '--os-token', token];
}

/** What a walk says to the client: each command is one process. */
function client(stock: () => StockServer, mode: Mode) {
  const words = () => ['openstack', ...signIn(stock(), mode), 'image'];
  const image = (args: string[], stdin?: string) => run([...words(), ...args], { env: stock().env, stdin });
  return {
    words,
    image,
    fails: (args: string[]) => refused([...words(), ...args], { env: stock().env }),
    show: async (name: string) => JSON.parse(await image(['show', '-f', 'json', name])) as Shown,
    create: async (args: string[], stdin?: string) =>
      JSON.parse(await image(['create', '-f', 'json', ...args], stdin)) as Shown,
    names: async (...args: string[]) =>
      (await image(['list', '-f', 'value', '-c', 'Name', ...args])).split('\n').slice(0, -1),
  };
}

async function assertShownAs(shown: Shown, origin: RealImage): Promise<void> {
  const facts = await factsOf(origin);
  assert.equal(shown.status, 'active');
  assert.equal(shown.disk_format, origin.diskFormat);
  assert.equal(shown.container_format, origin.containerFormat);
  assert.equal(shown.size, facts.size);
  assert.equal(shown.virtual_size, facts.virtualSize);
  assert.equal(shown.checksum, facts.md5);
  assert.equal(shown.properties.os_hash_algo, 'sha512');
  assert.equal(shown.properties.os_hash_value, facts.sha512);
}

function shortWalk(mode: Mode): void {
  let stock: StockServer;
  before(async () => {
    stock = await openStockServer(mode);
  });
  after(() => stock?.close());
  const { image, show, create, names } = client(() => stock, mode);

  it('creates with a file, lists, shows, sets a property, saves and deletes', async () => {
    await create(['--disk-format', 'iso', '--file', rescueCdrom.file, 'cdrom']);
    assert.deepEqual(await names(), ['cdrom']);
    await image(['set', '--property', 'os_distro=debian', 'cdrom']);
    const shown = await show('cdrom');
    await assertShownAs(shown, rescueCdrom);
    assert.equal(shown.properties.os_distro, 'debian');
    const file = path.join(stock.folder, 'saved.iso');
    await image(['save', '--file', file, 'cdrom']);
    await assertSame(file, rescueCdrom);
    await image(['delete', 'cdrom']);
    assert.deepEqual(await names(), []);
  });
}

function longWalk(mode: Mode): void {
  let stock: StockServer;
  before(async () => {
    stock = await openStockServer(mode);
  });
  after(() => stock?.close());
  const { words, image, fails, show, create, names } = client(() => stock, mode);

  it('creates an image from a file', async () => {
    assert.deepEqual(await names(), []);
    const made = await create([
      ...['--disk-format', 'iso', '--container-format', 'bare', '--file', rescueCdrom.file],
      ...['--property', 'os_distro=debian', '--tag', 'rescue', '--min-ram', '64', '--private', 'cdrom'],
    ]);
    assert.equal(made.name, 'cdrom');
    assert.equal(made.properties.os_distro, 'debian');
    const shown = await show('cdrom');
    await assertShownAs(shown, rescueCdrom);
    assert.equal(shown.id, made.id);
    assert.equal(shown.visibility, 'private');
    assert.equal(shown.min_ram, 64);
    assert.deepEqual(shown.tags, ['rescue']);
  });

  it('creates an image from standard input', async () => {
    await create(['--disk-format', 'raw', '--container-format', 'bare', 'floppy'], rescueFloppy.file);
    const shown = await show('floppy');
    await assertShownAs(shown, rescueFloppy);
    assert.equal(shown.visibility, 'shared');
  });

  it('shows a progress bar on a terminal', async () => {
    const args = ['create', '--progress', '--disk-format', 'iso', '--file', rescueCdrom.file, 'progress'];
    const screen = await runOnTerminal([...words(), ...args], { env: stock.env });
    assert.match(screen, /\[=+>\] 100%/);
    await image(['delete', 'progress']);
  });

  it('imports what it creates, and takes it out of service', async () => {
    const args = ['--import', '--disk-format', 'iso', '--file', rescueCdrom.file, 'imported'];
    await stock.imported((await create(args)).id);
    await assertShownAs(await show('imported'), rescueCdrom);
    await image(['set', '--deactivate', 'imported']);
    assert.equal((await show('imported')).status, 'deactivated');
    await image(['set', '--activate', 'imported']);
    await image(['delete', 'imported']);
  });

  it('creates a record without data, and an image of no bytes', async () => {
    const record = await create(['--disk-format', 'qcow2', 'record'], 'closed');
    assert.equal(record.status, 'queued');
    await create(['--disk-format', 'raw', 'nothing']);
    const nothing = await show('nothing');
    assert.equal(nothing.status, 'active');
    assert.equal(nothing.size, 0);
    assert.equal(nothing.checksum, 'd41d8cd98f00b204e9800998ecf8427e');
    await image(['delete', 'nothing']);
  });

  it('lists by every filter', async () => {
    assert.deepEqual(await names('--sort', 'name:desc'), ['record', 'floppy', 'cdrom']);
    assert.deepEqual(await names('--sort', 'size:desc', '--status', 'active'), ['cdrom', 'floppy']);
    assert.deepEqual(await names('--name', 'floppy'), ['floppy']);
    assert.deepEqual(await names('--property', 'os_distro=debian', '--tag', 'rescue'), ['cdrom']);
    assert.deepEqual(await names('--tag', 'rescue', '--tag', 'other'), []);
    assert.deepEqual(await names('--private'), ['cdrom']);
    assert.deepEqual(await names('--limit', '1'), ['record']);
    assert.deepEqual(await names('--marker', 'record'), ['cdrom', 'floppy']);
  });

  it('lists at length', async () => {
    const rows = JSON.parse(await image(['list', '--long', '-f', 'json', '--name', 'cdrom']));
    const { md5, size } = await factsOf(rescueCdrom);
    assert.equal(rows.length, 1);
    const { ID: _id, Project: owner, ...row } = rows[0];
    assert.equal(typeof owner, 'string');
    assert.deepEqual(row, {
      Name: 'cdrom',
      'Disk Format': 'iso',
      'Container Format': 'bare',
      Size: size,
      Checksum: md5,
      Status: 'active',
      Visibility: 'private',
      Protected: false,
      Tags: ['rescue'],
    });
  });

  it('sets and unsets', async () => {
    await image([
      ...['set', '--name', 'disc', '--property', 'hw_disk_bus=scsi', '--property', 'purpose=rescue a host'],
      ...['--tag', 'boot', '--min-disk', '1', '--os-version', '12', '--community', '--protected', 'cdrom'],
    ]);
    const set = await show('disc');
    assert.deepEqual(set.tags.toSorted(), ['boot', 'rescue']);
    assert.equal(set.properties.hw_disk_bus, 'scsi');
    assert.equal(set.properties.purpose, 'rescue a host');
    assert.equal(set.properties.os_version, '12');
    assert.equal(set.min_disk, 1);
    assert.equal(set.visibility, 'community');
    assert.equal(set.protected, true);

    await image(['unset', '--property', 'purpose', '--tag', 'rescue', 'disc']);
    const unset = await show('disc');
    assert.deepEqual(unset.tags, ['boot']);
    assert.equal('purpose' in unset.properties, false);
    assert.equal(unset.properties.hw_disk_bus, 'scsi');
  });

  it('hides and finds what is hidden', async () => {
    await image(['set', '--hidden', 'disc']);
    assert.deepEqual(await names('--community'), []);
    assert.deepEqual(await names('--community', '--hidden'), ['disc']);
    await image(['set', '--unhidden', 'disc']);
    assert.deepEqual(await names('--community'), ['disc']);
  });

  it('saves the same bytes to a file and to standard output', async () => {
    const file = path.join(stock.folder, 'saved.iso');
    await image(['save', '--file', file, 'disc']);
    await assertSame(file, rescueCdrom);
    const { stdout } = await attempt([...words(), 'save', 'floppy'], { env: stock.env });
    const poured = path.join(stock.folder, 'saved.img');
    await writeFile(poured, stdout);
    await assertSame(poured, rescueFloppy);
  });

  it('is told why data is refused', async () => {
    const wrong = ['create', '--disk-format', 'vmdk', '--file', rescueCdrom.file, 'wrong'];
    assert.match(await fails(wrong), /declared as vmdk, but this looks like an iso image/);
    const { file } = await overlay(stock.folder);
    const leaning = ['create', '--disk-format', 'qcow2', '--file', file, 'overlay'];
    assert.match(await fails(leaning), /qcow2 image names a backing file/);
    assert.deepEqual(await names('--status', 'queued'), ['record']);
  });

  it('is told what went wrong otherwise', async () => {
    assert.match(await fails(['show', 'absent']), /No Image found for absent/);
    assert.match(await fails(['create', '--id', 'odd', 'odd']), /400.*'id'/);
    assert.match(await fails(['set', '--property', 'os_glance_x=1', 'floppy']), /403.*os_glance_x/);
    assert.match(await fails(['delete', 'disc']), /protected and cannot be deleted/);
  });

  it('is refused with a token that nobody gave out', async () => {
    const address = ['--os-auth-type', 'admin_token', '--os-endpoint', `${stock.server.url}/v2`];
    const list = ['openstack', ...address, '--os-token', 'guess', 'image', 'list'];
    assert.match(await refused(list, { env: stock.env }), /401.*token/);
  });

  it('deletes', async () => {
    await image(['set', '--unprotected', 'disc']);
    await image(['delete', 'disc', 'floppy', 'record']);
    assert.deepEqual(await names('--all'), []);
  });
}

walk('openstack image', ['python3-openstackclient', 'grub-rescue-pc', 'qemu-utils'], () => {
  describe('in mode tokens', () => longWalk('tokens'));
  describe('in mode none', () => shortWalk('none'));
});
