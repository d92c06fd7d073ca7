/** A person at a shell walks through the main job with the `tintype` command and curl, as root and as an ordinary user. */
import assert from 'node:assert/strict';
import { readdir, stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { curlTo, uploadWayNames } from './support/curl.ts';
import { type DebianPackage, installerFolder, walk } from './support/packages.ts';
import { isRoot, ordinary, ourselves, type Person } from './support/person.ts';
import {
  assertSame,
  type Facts,
  factsOf,
  overlay,
  type RealImage,
  realImages,
  rescueCdrom,
} from './support/real-images.ts';
import { attempt, type Ran, run, runOnTerminal } from './support/run.ts';
import { startWalkServer, type WalkServer } from './support/walk-server.ts';

const packages: DebianPackage[] = [
  'curl',
  'debian-installer-12-netboot-amd64',
  'e2fsprogs',
  'genisoimage',
  'grub-rescue-pc',
  'qemu-utils',
];
/** What an ordinary user walks with after root has walked with everything. */
const some = new Set([
  'grub-rescue-cdrom',
  'grub-rescue-qcow2',
  'grub-rescue-vmdk-stream',
  'debian-installer-iso',
]);

/** An image that the server said it has. */
interface Stored {
  readonly id: string;
  readonly origin: RealImage;
}

type Shown = Record<string, unknown> & { id: string };

async function assertShownAs(shown: Shown, origin: RealImage, facts: Facts): Promise<void> {
  assert.equal(shown.status, 'active');
  assert.equal(shown.disk_format, origin.diskFormat);
  assert.equal(shown.container_format, origin.containerFormat);
  assert.equal(shown.size, facts.size);
  assert.equal(shown.virtual_size, facts.virtualSize);
  assert.equal(shown.checksum, facts.md5);
  assert.equal(shown.os_hash_algo, 'sha512');
  assert.equal(shown.os_hash_value, facts.sha512);
}

/** `pick` chooses among all images. */
function imageWalk(become: () => Promise<Person>, pick: (image: RealImage) => boolean): void {
  let person: Person;
  let server: WalkServer;
  let images: RealImage[];
  let got: string;
  let dataDir: string;
  const stored: Stored[] = [];
  const start = async (command: readonly string[], port = 0) => {
    server = await startWalkServer({ command, dataDir, mode: 'tokens', person, port });
  };
  before(async () => {
    person = await become();
    const made = await person.makeFolder('made');
    got = await person.makeFolder('got');
    dataDir = path.join(person.folder, 'data');
    images = (await realImages(made)).filter(pick);
  });
  after(async () => {
    await person?.leave();
  });

  const curl = curlTo(
    () => server.url,
    () => server.token,
  );
  /** Runs in the project, as it was cloned. */
  const asPerson = async (words: readonly string[]): Promise<Ran> =>
    await attempt(person.words(words), { env: person.env, cwd: person.project });
  const tintypeWords = (...args: string[]): string[] => {
    const command = path.join(person.project, 'packages/cli/bin/tintype.js');
    const access = ['--endpoint', server.url, '--token-file', path.join(dataDir, 'admin.token')];
    return person.words([person.node, command, ...access, ...args]);
  };
  const tintype = async (...args: string[]): Promise<Ran> =>
    await attempt(tintypeWords(...args), { env: person.env });
  const tintypeJson = async <T>(...args: string[]): Promise<T> => {
    const { code, stdout, stderr } = await tintype('--json', ...args);
    assert.equal(code, 0, `${args.join(' ')}: ${stdout}${stderr}`);
    return JSON.parse(stdout.toString()) as T;
  };
  const storedFiles = async () => {
    const entries = await readdir(path.join(dataDir, 'images'), { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).length;
  };
  const formatWords = ({ diskFormat, containerFormat }: RealImage) => [
    ...['--disk-format', diskFormat, '--container-format', containerFormat],
  ];
  const assertDownloads = async ({ id, origin }: Stored) => {
    const file = path.join(got, id);
    await curl.download(id, file);
    await assertSame(file, origin);
  };

  it('starts with one command and says what to try', async () => {
    await start(['npm', 'start', '--']);
    const token = path.join(dataDir, 'admin.token');
    assert.equal((await stat(token)).mode & 0o777, 0o600);
    assert.ok(server.banner.includes(token), server.banner);
    const [, hint] = /^Try: (.+)$/m.exec(server.banner) ?? [];
    const tried = await asPerson(hint!.split(' '));
    assert.equal(tried.code, 0, `${tried.stdout}${tried.stderr}`);
  });

  it('takes every image in by the tintype command and gives the same bytes back', async () => {
    for (const origin of images) {
      const facts = await factsOf(origin);
      const create = ['image', 'create', origin.name, ...formatWords(origin), '--file', origin.file];
      const { id } = await tintypeJson<Shown>(...create);
      await assertShownAs(await tintypeJson<Shown>('image', 'show', id), origin, facts);
      const file = path.join(got, `${id}.tintype`);
      await tintypeJson('image', 'download', id, '--output', file);
      await assertSame(file, origin);
      stored.push({ id, origin });
    }
  });

  it('guesses the format, pours through pipes, shows progress, and hands out a token that works', async () => {
    const disc = await tintypeJson<Shown>('image', 'create', 'guessed', '--file', rescueCdrom.file);
    assert.equal(disc.disk_format, 'iso');
    const poured = await run([...tintypeWords('--json', 'image', 'create', 'poured', '--file', '-')], {
      stdin: rescueCdrom.file,
    });
    const { id } = JSON.parse(poured) as Shown;
    const { code, stdout } = await tintype('image', 'download', id);
    assert.equal(code, 0);
    const file = path.join(got, 'poured.iso');
    await writeFile(file, stdout);
    await assertSame(file, rescueCdrom);

    const large = path.join(installerFolder, 'initrd.gz');
    const upload = ['image', 'create', 'seen', '--disk-format', 'ari', '--file', large];
    const screen = await runOnTerminal(tintypeWords(...upload));
    assert.match(screen, /initrd\.gz \[#+-*\] \d+ %.*initrd\.gz: 38\.9 MiB in/s);

    const role = ['--user', 'walker', '--project', 'walks', '--role', 'reader', '--data', dataDir];
    const { token } = await tintypeJson<{ token: string }>('token', 'create', ...role);
    const asReader = curlTo(
      () => server.url,
      () => token,
    );
    assert.equal((await asReader.ask('/v2/images')).status, 200);
    const refusal = await asReader.ask('/v2/images', '--json', '{}');
    assert.equal(refusal.status, 403);
    for (const one of [disc.id, id, 'seen']) assert.equal((await tintype('image', 'delete', one)).code, 0);
  });

  for (const way of uploadWayNames)
    it(`takes every image in by curl with ${way} and gives the same bytes back`, async () => {
      for (const origin of images) {
        const facts = await factsOf(origin);
        const { name, diskFormat, containerFormat, file } = origin;
        const record = { name, disk_format: diskFormat, container_format: containerFormat };
        const id = await curl.create(record);
        const { status, sent, continued } = await curl.upload(id, file, way);
        assert.equal(status, 204);
        // Of a chunked body curl counts what frames the chunks too.
        assert.ok(way.includes('chunked') ? sent > facts.size : sent === facts.size, `sent ${sent}`);
        assert.equal(continued, way.startsWith('Expect'));
        await assertShownAs(await curl.json<Shown>(`/v2/images/${id}`), origin, facts);
        await assertDownloads({ id, origin });
        stored.push({ id, origin });
      }
    });

  it('lists them all', async () => {
    const ids = stored.map(({ id }) => id).toSorted();
    const { images: page } = await curl.json<{ images: Shown[] }>(`/v2/images?limit=${ids.length + 1}`);
    assert.deepEqual(page.map(({ id }) => id).toSorted(), ids);
    const rows = await tintypeJson<Shown[]>('image', 'list');
    assert.deepEqual(rows.map(({ id }) => id).toSorted(), ids);
  });

  it('goes on with a download that was cut', async () => {
    const { id, origin } = stored.find((one) => one.origin.name === rescueCdrom.name)!;
    const file = path.join(got, 'resumed');
    await run(['cp', origin.file, file]);
    await truncate(file, Math.floor((await stat(file)).size / 2));
    await curl.download(id, file, '--continue-at', '-');
    await assertSame(file, origin);
    const ranged = await curl.ask(`/v2/images/${id}/file`, '--range', '32769-32773');
    assert.deepEqual(ranged, { status: 206, body: 'CD001' });
  });

  it('refuses a second upload before it is sent', async () => {
    const { id, origin } = stored[0]!;
    const { status, sent } = await curl.upload(id, origin.file, 'Expect: 100-continue');
    assert.deepEqual([status, sent], [409, 0]);
  });

  it('refuses a wrong format and a qcow2 image that needs another file, and says why', async () => {
    const before = await storedFiles();
    const wrong = { ...rescueCdrom, diskFormat: 'qcow2' };
    const refusals: [RealImage, RegExp][] = [
      [wrong, /declared as qcow2, but this looks like an iso image/],
      [await overlay(path.join(person.folder, 'made')), /qcow2 image names a backing file/],
    ];
    for (const [{ file, diskFormat, ...more }, reason] of refusals) {
      const create = ['image', 'create', 'refused', ...formatWords({ file, diskFormat, ...more })];
      const said = await tintype(...create, '--file', file);
      assert.notEqual(said.code, 0);
      assert.match(said.stderr, reason);
      const id = await curl.create({ disk_format: diskFormat, container_format: 'bare' });
      const { status, body } = await curl.upload(id, file, 'Content-Length');
      assert.equal(status, 415);
      assert.match(JSON.parse(body).error.message, reason);
      assert.equal((await curl.json<Shown>(`/v2/images/${id}`)).status, 'queued');
      const { tasks } = await curl.json<{ tasks: { message: string }[] }>(`/v2/images/${id}/tasks`);
      assert.match(tasks[0]!.message, reason);
    }
    assert.equal(await storedFiles(), before);
  });

  it('has everything after a kill -9', async () => {
    const before = await storedFiles();
    const { port } = server;
    await server.kill();
    await start(['npx', 'tintype', 'serve'], port);
    for (const one of stored) await assertDownloads(one);
    assert.equal(await storedFiles(), before);
  });

  it('deletes and leaves no bytes', async () => {
    for (const { id } of stored) {
      const { status } = await curl.ask(`/v2/images/${id}`, '--request', 'DELETE');
      assert.equal(status, 204);
    }
    assert.equal(await storedFiles(), 0);
  });

  it('stops in good order', async () => {
    assert.equal(await server.stop(), 0);
  });
}

walk('tintype and curl', packages, () => {
  if (!isRoot) {
    describe('as an ordinary user', () => imageWalk(ourselves, () => true));
    return;
  }
  describe('as root', () => imageWalk(ourselves, () => true));
  describe('as an ordinary user', () => imageWalk(ordinary, ({ name }) => some.has(name)));
});
