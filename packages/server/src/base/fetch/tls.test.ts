/** HTTPS: the certificate must be good for the name in the URL, by authorities known or given in a file. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createSecureContext, type SecureContext } from 'node:tls';
import {
  collect,
  loopbackRules,
  serve,
  startWebSource,
  type WebSource,
} from '../../../../../test/support/web-source.ts';
import { Fetcher, type FetchLimits } from './fetcher.ts';

const folder = mkdtempSync(join(tmpdir(), 'tintype-tls-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const file = (name: string) => join(folder, name);
const openssl = (...words: string[]) => execFileSync('openssl', words, { cwd: folder, stdio: 'pipe' });

/** A certificate for one name, signed by the authority of this test. */
function certify(name: string): { key: string; cert: string } {
  openssl('req', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'key', '-out', 'csr', '-subj', '/CN=x');
  writeFileSync(file('ext'), `subjectAltName=${name}`);
  openssl(
    ...['x509', '-req', '-in', 'csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'],
    ...['-days', '2', '-extfile', 'ext', '-out', 'cert'],
  );
  return { key: readFileSync(file('key'), 'utf8'), cert: readFileSync(file('cert'), 'utf8') };
}

const bytes = Buffer.from('an image');
const open = { cap: 1000 };
let source: WebSource;
let location = '';
/** Names that were asked for before the handshake. */
const asked: string[] = [];

before(async () => {
  openssl(
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2'],
    ...['-subj', '/CN=authority of a test', '-addext', 'basicConstraints=critical,CA:TRUE'],
  );
  const named = createSecureContext(certify('DNS:image.example'));
  const SNICallback = (name: string, done: (error: null, context: SecureContext) => void) => {
    asked.push(name);
    done(null, named);
  };
  source = await startWebSource(
    (request, response) => {
      if (request.url === '/redirect') response.writeHead(302, { Location: location }).end();
      else serve(request, response, { bytes });
    },
    { ...certify('IP:127.0.0.1'), SNICallback },
  );
});
after(() => source.close());

function fetcher(caFile: string | null, limits: Partial<FetchLimits> = {}): Fetcher {
  return new Fetcher({ ...loopbackRules, caFile }, limits, async () => ['127.0.0.1']);
}

describe('a certificate', () => {
  test('of an authority in the file is good for its name, which is asked for', async () => {
    const { body } = await fetcher(file('ca.pem')).open(`https://image.example:${source.port}/`, open);
    assert.deepEqual(await collect(body), bytes);
    assert.deepEqual(asked, ['image.example']);
    assert.equal(source.requests.at(-1)?.headers.host, `image.example:${source.port}`);
  });

  test('may be for an address', async () => {
    const { body } = await fetcher(file('ca.pem')).open(`${source.url}/`, open);
    assert.deepEqual(await collect(body), bytes);
  });

  const refused = { name: 'Failure', code: 'source_unreachable', message: /certificate/ };

  test('for another name is refused', async () => {
    const opening = fetcher(file('ca.pem')).open(`https://other.example:${source.port}/`, open);
    await assert.rejects(opening, refused);
  });

  test('of an unknown authority is refused, whatever the environment says', async () => {
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    try {
      await assert.rejects(fetcher(null).open(`https://image.example:${source.port}/`, open), refused);
    } finally {
      delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    }
  });
});

describe('a redirect from https to http', () => {
  let plain: WebSource;
  before(async () => {
    plain = await startWebSource((request, response) => serve(request, response, { bytes }));
    location = `${plain.url}/`;
  });
  after(() => plain.close());

  test('is refused', async () => {
    const opening = fetcher(file('ca.pem')).open(`${source.url}/redirect`, open);
    await assert.rejects(opening, { code: 'source_not_allowed', message: /from https to http/ });
    assert.equal(plain.requests.length, 0);
  });

  test('is followed where that is allowed', async () => {
    const lenient = fetcher(file('ca.pem'), { allowDowngrade: true });
    const { body } = await lenient.open(`${source.url}/redirect`, open);
    assert.deepEqual(await collect(body), bytes);
  });
});

test('a file without certificates is refused when it is named', () => {
  writeFileSync(file('empty'), 'no certificate');
  assert.throws(() => fetcher(file('empty')), { code: 'bad_request', message: /no certificate/ });
  assert.throws(() => fetcher(file('absent')), { code: 'bad_request', message: /cannot be read/ });
});
