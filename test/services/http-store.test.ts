/** Fetching from a real nginx, well and badly behaved, sending to it, and the http store on it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parseEnv } from 'node:util';
import { Fetcher } from '../../packages/server/src/base/fetch/fetcher.ts';
import { slice } from '../../packages/server/src/stores/contract/bytes.ts';
import { openHttpStore } from '../../packages/server/src/stores/http/http.ts';
import { readOnlyStoreContract } from '../../packages/server/src/stores/store.contract.ts';
import { collect, loopbackRules } from '../support/web-source.ts';

const folder = mkdtempSync(join(tmpdir(), 'tintype-nginx-'));
const script = (name: string) => join(import.meta.dirname, name);
const open = { cap: 1024 * 1024 * 1024 };

let env: Record<string, string> = {};
let fetcher: Fetcher;
const url = (path: string) => `${env.HTTP_URL}${path}`;

before(() => {
  execFileSync(script('http-up'), [folder], { stdio: ['ignore', 'ignore', 'inherit'] });
  env = parseEnv(readFileSync(join(folder, 'http.env'), 'utf8')) as Record<string, string>;
  fetcher = new Fetcher({ ...loopbackRules, caFile: env.HTTP_CA_FILE! });
});
after(() => {
  execFileSync(script('http-down'), [folder]);
  rmSync(folder, { recursive: true, force: true });
});

function publish(name: string, bytes: Buffer): string {
  writeFileSync(join(env.HTTP_FILES!, name), bytes);
  return `/files/${name}`;
}

async function digest(source: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of source) hash.update(chunk);
  return hash.digest('hex');
}

for (const [title, base] of [
  ['over http', () => url('')],
  ['over https', () => env.HTTPS_URL!],
] as const) {
  readOnlyStoreContract(
    `http on nginx, ${title}`,
    () => {
      const caFile = env.HTTP_CA_FILE!;
      return openHttpStore({
        ...loopbackRules,
        ...{ caFile, id: 'web', type: 'http', weight: 0, description: null },
      });
    },
    async (size) => `${base()}${publish(randomBytes(8).toString('hex'), slice(1, 0, size))}`,
  );
}

describe('a file of 256 MiB', () => {
  const file = () => join(env.HTTP_FILES!, 'large');
  before(() => {
    writeFileSync(file(), randomBytes(1024 * 1024));
    truncateSync(file(), 256 * 1024 * 1024);
  });

  test('arrives whole, in little memory', async () => {
    const expected = await digest(createReadStream(file()));
    const { size, body } = await fetcher.open(url('/files/large'), open);
    assert.equal(size, 256 * 1024 * 1024);
    const before = process.memoryUsage.rss();
    let most = before;
    const hash = createHash('sha256');
    for await (const chunk of body) {
      hash.update(chunk);
      most = Math.max(most, process.memoryUsage.rss());
    }
    assert.equal(hash.digest('hex'), expected);
    assert.ok(most - before < 96 * 1024 * 1024, `memory grew by ${most - before} bytes`);
  });

  test('goes on after nginx was killed and started again', async () => {
    const expected = await digest(createReadStream(file()));
    const patient = new Fetcher(loopbackRules, { resumeDelayMs: 500, resumes: 10 });
    const { body } = await patient.open(url('/files/large'), open);
    const hash = createHash('sha256');
    let seen = 0;
    for await (const chunk of body) {
      hash.update(chunk);
      seen += chunk.length;
      if (seen < 100_000_000 || seen - chunk.length >= 100_000_000) continue;
      execFileSync(script('http-down'), [folder]);
      execFileSync(script('http-up'), [folder], { stdio: ['ignore', 'ignore', 'inherit'] });
    }
    assert.equal(hash.digest('hex'), expected);
    assert.match(readFileSync(join(folder, 'log/access.log'), 'utf8'), /"GET \/files\/large HTTP\/1.1" 206 /);
  });
});

test('what nginx serves in its ways arrives the same', async () => {
  const bytes = randomBytes(300_000);
  publish('image', bytes);
  const credentials = `${env.HTTP_AUTH_USER}:${env.HTTP_AUTH_PASSWORD}@`;
  const ways = ['/files/image', '/norange/image', '/chunked/image', '/redirect/image', '/slow/image'].map(
    url,
  );
  for (const way of [
    ...ways,
    url('/auth/image').replace('//', `//${credentials}`),
    `${env.HTTPS_URL}/files/image`,
  ]) {
    assert.deepEqual(await collect((await fetcher.open(way, open)).body), bytes, way);
    const part = await fetcher.openRange(way, { first: 1000, last: 200_000 });
    assert.deepEqual(await collect(part.body), bytes.subarray(1000, 200_001), way);
  }
});

test('what a safe client must refuse is refused', async () => {
  const refusals: readonly (readonly [string, string])[] = [
    ['/auth/image', 'source_refused'],
    ['/error/403', 'source_refused'],
    ['/error/404', 'source_refused'],
    ['/error/429', 'source_unavailable'],
    ['/error/500', 'source_unavailable'],
    ['/error/503', 'source_unavailable'],
    ['/loop', 'source_refused'],
    ['/to-file', 'source_not_allowed'],
    ['/to-metadata', 'address_blocked'],
  ];
  for (const [path, code] of refusals) await assert.rejects(fetcher.open(url(path), open), { code }, path);
  const port = Number(new URL(url('/')).port);
  const strict = new Fetcher({ ...loopbackRules, allowedPorts: [port] });
  await assert.rejects(strict.open(url('/to-other'), open), { code: 'source_not_allowed' });
  const usual = new Fetcher({ ...loopbackRules, allowPrivateAddresses: false });
  await assert.rejects(usual.open(url('/files/image'), open), { code: 'address_blocked' });
  const local = url('/files/image').replace('127.0.0.1', 'localhost');
  await assert.rejects(usual.open(local, open), { code: 'address_blocked' });
});

const signal = new AbortController().signal;

/** As a store gives them: one buffer again and again. */
async function* zeros(size: number, step = 1024 * 1024): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.alloc(step);
  for (let at = 0; at < size; at += step) yield buffer.subarray(0, Math.min(step, size - at));
}

const withCredentials = (address: string) =>
  address.replace('//', `//${env.HTTP_AUTH_USER}:${env.HTTP_AUTH_PASSWORD}@`);

test('what is sent to nginx is there, over http and https, in little memory', async () => {
  const size = 256 * 1024 * 1024 + 17;
  const expected = await digest(zeros(size));
  for (const base of [url(''), env.HTTPS_URL!]) {
    const before = process.memoryUsage.rss();
    let most = before;
    const watched = async function* () {
      for await (const chunk of zeros(size)) {
        most = Math.max(most, process.memoryUsage.rss());
        yield chunk;
      }
    };
    await fetcher.put(withCredentials(`${base}/place/image`), { size, chunks: watched(), signal });
    assert.equal(await digest(createReadStream(join(folder, 'place/image'))), expected);
    assert.ok(most - before < 96 * 1024 * 1024, `memory grew by ${most - before} bytes`);
  }
});

test('what nginx does not want is told, also when it says so before it has all', async () => {
  const refusals: readonly (readonly [string, number, string])[] = [
    [url('/place/x'), 50_000_000, 'target_refused'],
    [withCredentials(url('/place/x')), 400_000_000, 'target_refused'],
    [url('/files/x'), 50_000_000, 'target_refused'],
    [url('/redirect/x'), 50_000_000, 'target_refused'],
    [`${env.HTTPS_URL}/error/403`, 50_000_000, 'target_refused'],
    [url('/error/429'), 10, 'target_unavailable'],
    [url('/error/502'), 500_000, 'target_unavailable'],
  ];
  for (const [address, size, code] of refusals)
    await assert.rejects(fetcher.put(address, { size, chunks: zeros(size), signal }), { code }, address);
});
