/** The import of the README: a real ISO from a web server on this machine, while the server that imports it is killed twice. */
import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import path from 'node:path';
import { it } from 'node:test';
import pg from 'pg';
import { until } from '../support/process.ts';
import { startWebSource } from '../support/web-source.ts';
import { walk } from './support/packages.ts';
import { ourselves, type Person } from './support/person.ts';
import { factsOf, installerIso } from './support/real-images.ts';
import { attempt } from './support/run.ts';
import { startWalkServer, type WalkServer } from './support/walk-server.ts';

const mebibyte = 1024 * 1024;
const readme = path.resolve(import.meta.dirname, '../../README.md');

/** A file on a web server that knows ranges, and gives nothing beyond `limit` of its bytes. */
class HeldBackFile {
  limit = 0;
  readonly #file: string;
  readonly #size: number;

  constructor(file: string, size: number) {
    this.#file = file;
    this.#size = size;
  }

  answer(request: IncomingMessage, response: ServerResponse): void {
    const first = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const size = this.#size;
    response.writeHead(first === 0 ? 200 : 206, {
      ETag: '"installer"',
      'Content-Length': size - first,
      ...(first === 0 ? {} : { 'Content-Range': `bytes ${first}-${size - 1}/${size}` }),
    });
    response.flushHeaders();
    const last = Math.min(size, this.limit) - 1;
    if (last < first) return;
    createReadStream(this.#file, { start: first, end: last }).pipe(response, { end: last === size - 1 });
  }
}

/** The settings that a server is started with, and the commands that come after. */
async function blocksOfReadme(): Promise<{ settings: Record<string, string>; commands: string }> {
  const text = await readFile(readme, 'utf8');
  const [start, commands] = [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block!);
  const settings = [...start!.matchAll(/(TINTYPE_\w+)='?([^\s']+)'?/g)].map(([, name, value]) => [
    name,
    value,
  ]);
  return { settings: Object.fromEntries(settings), commands: commands! };
}

/** Parts that the server's own database says are safe: their files are there a moment before. */
async function recordedParts(dataDir: string): Promise<number> {
  const lines = (await readFile(path.join(dataDir, 'postgres/data/postmaster.pid'), 'utf8')).split('\n');
  const place = `host=${encodeURIComponent(lines[4]!)}&port=${lines[3]}`;
  const database = new pg.Client({ connectionString: `postgresql://tintype@/tintype?${place}` });
  await database.connect();
  try {
    const { rows } = await database.query('SELECT count(*)::int AS parts FROM staged_data');
    return rows[0].parts;
  } finally {
    await database.end();
  }
}

walk('an import that nothing stops', ['curl', 'debian-installer-12-netboot-amd64', 'genisoimage'], () => {
  it('goes on after its server was killed, twice', async () => {
    const person = await ourselves();
    const iso = await installerIso(await person.makeFolder('made'));
    const { size, sha512 } = await factsOf({ ...iso, qemuFormat: null });
    const held = new HeldBackFile(iso.file, size);
    const source = await startWebSource((request, response) => held.answer(request, response));
    try {
      await importIt(person, held, source, { size, sha512 });
    } finally {
      await source.close();
      await person.leave();
    }
  });
});

async function importIt(
  person: Person,
  held: HeldBackFile,
  source: Awaited<ReturnType<typeof startWebSource>>,
  { size, sha512 }: { size: number; sha512: string },
): Promise<void> {
  const { settings, commands } = await blocksOfReadme();
  assert.equal(Object.keys(settings).length, 2);
  const dataDir = path.join(person.folder, 'data');
  const started = { command: ['npm', 'start', '--'], dataDir, mode: 'tokens' as const };
  const begin = (port: number) =>
    startWalkServer({ ...started, port, person: { ...person, env: { ...person.env, ...settings } } });
  const staged = async () => {
    const names = await readdir(path.join(dataDir, 'staging'));
    return names.filter((name) => !name.startsWith('.')).length;
  };
  let server: WalkServer = await begin(0);
  const { url, port, token } = server;
  try {
    const script = commands
      .replaceAll('127.0.0.1:9292', `127.0.0.1:${port}`)
      .replaceAll('http://127.0.0.1:8000', source.url);
    const env = { ...person.env, TINTYPE_ENDPOINT: url, TOKEN: token, TINTYPE_TOKEN: token };
    held.limit = 20 * mebibyte;
    const words = person.words(['bash', '-euo', 'pipefail', '-c', `${script}\necho "ID=$ID"`]);
    const { code, stdout, stderr } = await attempt(words, { cwd: person.project, env });
    assert.equal(code, 0, `${stdout}${stderr}`);
    const id = /^ID=(\S+)$/m.exec(stdout.toString())![1]!;
    for (const [parts, limit] of [
      [1, 36 * mebibyte],
      [2, size],
    ] as const) {
      await until(
        `${parts} parts that are safe`,
        async () => (await recordedParts(dataDir)) === parts,
        60_000,
      );
      await server.kill();
      held.limit = limit;
      server = await begin(port);
    }
    const image = await until(
      'the image',
      async () => {
        const answer = await fetch(`${url}/v2/images/${id}`, { headers: { 'X-Auth-Token': token } });
        const record = (await answer.json()) as Record<string, unknown>;
        return record.status === 'active' && record;
      },
      120_000,
    );
    assert.deepEqual([image.size, image.os_hash_value], [size, sha512]);
    const firsts = source.requests.map(({ headers }) => Number(/\d+/.exec(headers.range ?? '0')![0]));
    assert.ok(
      firsts.some((first) => first >= 32 * mebibyte),
      `it was asked from ${firsts.join(', ')}`,
    );
    await until('an empty staging area', async () => (await staged()) === 0, 60_000);
  } finally {
    await server.stop();
  }
}
