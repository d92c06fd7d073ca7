/** Certificates from a folder, from a server with TLS, and from a key manager: found, missing, too large, too slow. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer as createPlain, type RequestListener, type Server } from 'node:http';
import { createServer as createTls } from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { FailureCode } from '@tintype/contract';
import { type Certificate, SigningDesk, withoutOpenssl } from '../../../../../../test/support/signing.ts';
import { Failure } from '../../../base/failure.ts';
import { keyManagerAt, keyManagerOf } from '../../../identity/barbican-endpoint.ts';
import { KeystoneClient } from '../../../identity/keystone-client.ts';
import { openBarbican } from './barbican.ts';
import { openFolder } from './folder.ts';
import { type Asked, type CertificateSource, largestCertificate, noCertificates } from './source.ts';
import { openUrl } from './url.ts';

const id = '0d8886f1-59d7-49d2-a972-dbdbb7344fcb';
const payload = Buffer.from('a certificate');
const never = new AbortController().signal;
const asked: Asked = { token: 'token-of-the-caller', signal: never };

async function refused(fetched: Promise<unknown>, code: FailureCode, message: RegExp): Promise<void> {
  await assert.rejects(fetched, (error) => {
    assert.ok(error instanceof Failure, String(error));
    assert.deepEqual([error.code, message.test(error.message)], [code, true], error.message);
    assert.doesNotMatch(error.message, /token-of-the-caller|127\.0\.0\.1|localhost/);
    return true;
  });
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function end(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}

test('without a source every certificate is refused, with the setting named', async () => {
  await refused(noCertificates.fetch(id, asked), 'certificate_refused', /signatures\.certificates/);
});

describe('from servers', { skip: withoutOpenssl() }, () => {
  let desk: SigningDesk;
  let authority: Certificate;
  let server: Server;
  let port: number;
  /** What the server does with the next requests. */
  let answer: RequestListener;
  let asks: { url: string | undefined; headers: Record<string, unknown> }[];

  before(async () => {
    desk = await SigningDesk.open();
    authority = await desk.certify('ec:secp384r1', { name: 'Authority', isAuthority: true });
    const own = await desk.certify('ec:secp384r1', {
      name: 'localhost',
      issuer: authority,
      host: 'localhost',
    });
    server = createTls({ cert: own.pem, key: await readFile(own.key.file) }, (request, response) => {
      asks.push({ url: request.url, headers: request.headers });
      answer(request, response);
    });
    port = await listen(server);
  });
  after(async () => {
    if (server !== undefined) await end(server);
    await desk?.remove();
  });

  async function withSource(
    source: CertificateSource,
    use: RequestListener,
    work: (source: CertificateSource) => Promise<void>,
  ): Promise<void> {
    asks = [];
    answer = use;
    try {
      await work(source);
    } finally {
      await source.close();
    }
  }
  const url = (patienceMs?: number, caFile: string | null = authority.file) =>
    openUrl(`https://localhost:${port}/keys/{uuid}.pem`, { caFile, patienceMs });
  const status =
    (code: number, body: string | Buffer = '', headers: Record<string, string> = {}): RequestListener =>
    (_, response) =>
      response.writeHead(code, headers).end(body);

  test('the address has the UUID in it, and the token of the caller is not sent', async () => {
    await withSource(url(), status(200, payload), async (source) => {
      assert.deepEqual(await source.fetch(id, asked), payload);
      assert.equal(asks[0]?.url, `/keys/${id}.pem`);
      assert.doesNotMatch(JSON.stringify(asks), /token-of-the-caller/);
    });
  });

  test('missing, forbidden and broken', async () => {
    for (const [code, expected, message] of [
      [404, 'certificate_refused', /not known here/],
      [410, 'certificate_refused', /not known here/],
      [401, 'certificate_refused', /may not be read by you/],
      [403, 'certificate_refused', /may not be read by you/],
      [500, 'unavailable', /does not answer/],
      [204, 'unavailable', /does not answer/],
    ] as const)
      await withSource(url(), status(code), (source) => refused(source.fetch(id, asked), expected, message));
  });

  test('redirects are not followed', async () => {
    const elsewhere = { Location: `https://localhost:${port}/elsewhere` };
    await withSource(url(), status(302, payload, elsewhere), async (source) => {
      await refused(source.fetch(id, asked), 'unavailable', /does not answer/);
      assert.equal(asks.length, 1);
    });
  });

  test('larger than a certificate, whether the length is announced or not', async () => {
    const large = Buffer.alloc(largestCertificate + 1, 'x');
    const chunked: RequestListener = (_, response) => {
      response.write(large.subarray(1));
      response.end('xx');
    };
    for (const use of [status(200, large), chunked])
      await withSource(url(), use, (source) =>
        refused(source.fetch(id, asked), 'certificate_refused', /larger than 65536 bytes/),
      );
    await withSource(url(), status(200, large.subarray(1)), async (source) => {
      assert.equal((await source.fetch(id, asked)).length, largestCertificate);
    });
  });

  test('a server that hangs, in front of its answer or in it, is given up', async () => {
    const drip: RequestListener = (_, response) => {
      const timer = setInterval(() => response.write('x'), 20);
      response.on('close', () => clearInterval(timer));
    };
    for (const use of [() => {}, drip])
      await withSource(url(300), use, (source) =>
        refused(source.fetch(id, asked), 'unavailable', /does not answer/),
      );
  });

  test('a server that cuts the connection', async () => {
    const cut: RequestListener = (request) => request.socket.destroy();
    await withSource(url(), cut, (source) =>
      refused(source.fetch(id, asked), 'unavailable', /does not answer/),
    );
  });

  test('a server that the authorities do not vouch for is not asked', async () => {
    await withSource(url(undefined, null), status(200, payload), async (source) => {
      await refused(source.fetch(id, asked), 'unavailable', /does not answer/);
      assert.deepEqual(asks, []);
    });
  });

  test('an aborted question ends with the reason', async () => {
    const controller = new AbortController();
    const reason = new Failure('image_deleted', 'It was deleted.');
    const hang: RequestListener = () => controller.abort(reason);
    await withSource(url(), hang, async (source) => {
      await assert.rejects(source.fetch(id, { token: null, signal: controller.signal }), reason);
    });
  });

  test('Barbican is asked for the payload with the token of the caller, whatever form its URL has', async () => {
    for (const ending of ['', '/', '/v1', '/v1/', '/key-manager', '/key-manager/v1']) {
      const find = keyManagerAt(`https://localhost:${port}${ending}`);
      const source = openBarbican(find, { caFile: authority.file });
      await withSource(source, status(200, payload), async () => {
        assert.deepEqual(await source.fetch(id, asked), payload);
        const [{ url: target, headers }] = asks as [(typeof asks)[0]];
        assert.equal(target, `${ending.replace(/\/(v1\/?)?$/, '')}/v1/secrets/${id}/payload`);
        assert.equal(headers['x-auth-token'], 'token-of-the-caller');
        assert.equal(headers.accept, 'application/octet-stream');
      });
    }
  });

  test('without a token Barbican is not asked', async () => {
    const source = openBarbican(async () => `https://localhost:${port}`, { caFile: authority.file });
    await withSource(source, status(200, payload), async () => {
      await refused(source.fetch(id, { token: null, signal: never }), 'certificate_refused', /X-Auth-Token/);
      assert.deepEqual(asks, []);
    });
  });
});

describe('the catalogue of Keystone', () => {
  let server: Server;
  let keystone: KeystoneClient;
  let catalog: unknown;
  let readings = 0;

  before(async () => {
    server = createPlain((request, response) => {
      if (request.method === 'POST') return response.writeHead(201, { 'X-Subject-Token': 'own' }).end('{}');
      readings += 1;
      return response.writeHead(200).end(JSON.stringify({ catalog }));
    });
    keystone = new KeystoneClient({
      authUrl: `http://127.0.0.1:${await listen(server)}/v3`,
      username: 'glance',
      password: 'secret',
      projectName: 'service',
      userDomainName: 'Default',
      projectDomainName: 'Default',
      caFile: null,
      cacheTime: 60,
    });
  });
  after(async () => {
    await keystone.close();
    await end(server);
  });

  const endpoint = (name: string, region_id: string) => ({
    interface: name,
    region_id,
    url: `${name} ${region_id}`,
  });

  test('has the public endpoint of our region, and is remembered', async () => {
    catalog = [
      { type: 'image', endpoints: [endpoint('public', 'one')] },
      {
        type: 'key-manager',
        endpoints: [endpoint('internal', 'two'), endpoint('public', 'one'), endpoint('public', 'two')],
      },
    ];
    const inRegion = keyManagerOf(keystone, 'two');
    assert.deepEqual([await inRegion(), await inRegion()], ['public two', 'public two']);
    assert.equal(readings, 1);
    assert.equal(await keyManagerOf(keystone, null)(), 'public one');
  });

  test('without a key manager says so', async () => {
    catalog = [{ type: 'key-manager', endpoints: [endpoint('public', 'one')] }];
    await refused(keyManagerOf(keystone, 'two')(), 'unavailable', /no key manager/);
    catalog = [];
    await refused(keyManagerOf(keystone, null)(), 'unavailable', /no key manager/);
  });
});

describe('from a folder', () => {
  let desk: SigningDesk;
  const put = (name: string, data: Buffer) => writeFile(path.join(desk.folder, name), data);
  before(async () => {
    desk = await SigningDesk.open();
  });
  after(() => desk.remove());

  test('under any of three endings, as new as the file', async () => {
    const source = openFolder(desk.folder);
    await refused(source.fetch(id, asked), 'certificate_refused', /not known here/);
    for (const ending of ['der', 'crt', 'pem']) {
      await put(`${id}.${ending}`, Buffer.from(ending));
      assert.equal((await source.fetch(id, asked)).toString(), ending);
    }
  });

  test('too large a file is refused', async () => {
    await put(`${id}.pem`, Buffer.alloc(largestCertificate + 1));
    const source = openFolder(desk.folder);
    await refused(source.fetch(id, asked), 'certificate_refused', /larger than 65536 bytes/);
    await put(`${id}.pem`, Buffer.alloc(largestCertificate));
    assert.equal((await source.fetch(id, asked)).length, largestCertificate);
  });

  test('what cannot be read is told as such', async () => {
    const other = id.replace('0', '1');
    await mkdir(path.join(desk.folder, `${other}.pem`));
    await refused(openFolder(desk.folder).fetch(other, asked), 'unavailable', /cannot be read/);
    assert.throws(() => openFolder(path.join(desk.folder, 'elsewhere')), /ENOENT/);
  });
});
