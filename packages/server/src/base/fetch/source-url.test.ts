/** A URL is judged as it is written and by where it leads, and is shown without its secrets. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Failure } from '../failure.ts';
import { checkRules, type FetchRules, parseUrl, shown } from './source-url.ts';

const rules: FetchRules = {
  allowedSchemes: ['http', 'https'],
  allowedPorts: [80, 443],
  allowedHosts: [],
  deniedHosts: [],
  allowPrivateAddresses: false,
};

function verdict(url: string, differing: Partial<FetchRules> = {}): string {
  try {
    checkRules(parseUrl(url), { ...rules, ...differing });
    return 'allowed';
  } catch (error) {
    assert.ok(error instanceof Failure, String(error));
    assert.doesNotMatch(error.message, /secret/);
    return error.code;
  }
}

describe('with the usual rules', () => {
  const verdicts: Readonly<Record<string, readonly string[]>> = {
    allowed: [
      'http://example.org/image.iso',
      'HTTPS://user:secret@EXAMPLE.org./a%20b?signature=secret#part',
      'https://example.org:443/',
      'http://[2606:4700::1111]/',
      'http://8.8.8.8/',
      'http://xn--bcher-kva.example/',
    ],
    source_url_invalid: [
      '',
      'image.iso',
      '/etc/passwd',
      '//example.org/',
      'http:example.org',
      'http:/example.org/',
      'http://',
      'http:///etc/passwd',
      'http://user:secret@/',
      'http://exa mple.org/secret',
      ' http://example.org/',
      'http://example.org/\r\nHost: secret',
      'ht\ntp://example.org/',
      'http://example.org\\@127.0.0.1/',
      'http://0x7f.1/',
      'http://0x7f000001/',
      'http://2130706433/',
      'http://0177.0.0.1/',
      'http://127.1/',
      'http://127.0.0.1./',
      'http://%31%32%37.0.0.1/',
      'http://①②⑦.0.0.1/',
      'http://user:secret@134744072/',
      'http://[fe80::1%25eth0]/',
      'http://[::1/',
      'http://example.org:99999/',
    ],
    source_not_allowed: [
      'file:///etc/passwd',
      'ftp://example.org/',
      'gopher://127.0.0.1:25/',
      'data:text/plain,secret',
      'rbd://fsid/pool/image/snap',
      'unix:/var/run/docker.sock',
      'http://example.org:22/',
      'http://user:secret@example.org:8080/',
    ],
    address_blocked: [
      'http://127.0.0.1/',
      'http://user:secret@169.254.169.254/latest/meta-data/',
      'http://[::1]/',
      'http://[::ffff:127.0.0.1]/',
      'http://[::ffff:a9fe:a9fe]/',
      'http://[64:ff9b::7f00:1]/',
      'http://[2002:7f00:1::]/',
      'http://0.0.0.0/',
      'http://10.0.0.1/',
    ],
  };
  for (const [code, urls] of Object.entries(verdicts)) {
    for (const url of urls) {
      test(`${JSON.stringify(url)} is ${code}`, () => assert.equal(verdict(url), code));
    }
  }
});

describe('a rule', () => {
  test('opens schemes and ports', () => {
    assert.equal(verdict('http://example.org/', { allowedSchemes: ['https'] }), 'source_not_allowed');
    assert.equal(verdict('file:///etc/passwd', { allowedSchemes: ['file', 'https'] }), 'source_not_allowed');
    assert.equal(verdict('http://example.org:8080/', { allowedPorts: [8080] }), 'allowed');
    assert.equal(verdict('http://example.org/', { allowedPorts: [8080] }), 'source_not_allowed');
    assert.equal(verdict('http://example.org:1/', { allowedPorts: [] }), 'allowed');
  });

  test('opens hosts, by name and below a name', () => {
    const allowedHosts = ['Images.example.org', '*.example.net', '[2606:4700::1111]', '8.8.8.8'];
    for (const host of ['images.EXAMPLE.org', 'images.example.org.', 'a.example.net', 'a.b.example.net'])
      assert.equal(verdict(`http://${host}/`, { allowedHosts }), 'allowed', host);
    for (const host of ['[2606:4700::1111]', '8.8.8.8'])
      assert.equal(verdict(`http://${host}/`, { allowedHosts }), 'allowed', host);
    for (const host of ['example.org', 'a.images.example.org', 'example.net', 'badexample.net', '8.8.4.4'])
      assert.equal(verdict(`http://${host}/`, { allowedHosts }), 'source_not_allowed', host);
  });

  test('that denies a host wins over one that allows it', () => {
    const deniedHosts = ['bad.example.org', 'BÜCHER.example.org', '*.worse.example.org', '8.8.8.0/24'];
    const both = { allowedHosts: ['*.example.org'], deniedHosts };
    assert.equal(verdict('http://good.example.org/', both), 'allowed');
    for (const host of [
      'bad.example.org.',
      'BAD.example.org..',
      'xn--bcher-kva.example.org',
      'a.worse.example.org',
    ])
      assert.equal(verdict(`http://${host}/`, both), 'source_not_allowed', host);
    assert.equal(verdict('http://8.8.8.8/', { deniedHosts }), 'source_not_allowed');
    assert.equal(verdict('http://[::ffff:8.8.8.8]/', { deniedHosts }), 'source_not_allowed');
  });

  test('that allows private addresses allows no metadata, link-local or reserved ones', () => {
    const open = { allowPrivateAddresses: true };
    for (const host of ['127.0.0.1', '[::1]', '192.168.0.1', '100.64.0.1', '[fd00::1]'])
      assert.equal(verdict(`http://${host}/`, open), 'allowed', host);
    for (const host of ['169.254.169.254', '100.100.100.200', '[fd00:ec2::254]', '0.0.0.0', '[fe80::1]'])
      assert.equal(verdict(`http://${host}/`, open), 'address_blocked', host);
  });
});

test('a URL is shown without credentials, query and fragment, and not endlessly', () => {
  const url = parseUrl('https://user:secret@example.org:8443/a/b?X-Amz-Signature=secret#secret');
  assert.equal(shown(url), 'https://example.org:8443/a/b?…');
  assert.ok(shown(parseUrl(`https://example.org/${'x'.repeat(5000)}`)).length < 400);
});
