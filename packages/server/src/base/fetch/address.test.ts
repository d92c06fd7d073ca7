/** No address of ours, of our neighbours or of a cloud's own services passes for a public one. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { covers, refusedAs } from './address.ts';

const refused: readonly (readonly [string, string])[] = [
  ['127.0.0.1', 'loopback'],
  ['127.255.255.254', 'loopback'],
  ['::1', 'loopback'],
  ['::ffff:127.0.0.1', 'loopback'],
  ['::ffff:7f00:1', 'loopback'],
  ['64:ff9b::7f00:1', 'loopback'],
  ['10.0.0.1', 'private'],
  ['172.16.0.1', 'private'],
  ['172.31.255.255', 'private'],
  ['192.168.1.1', 'private'],
  ['::ffff:10.0.0.1', 'private'],
  ['64:ff9b::10.0.0.1', 'private'],
  ['100.64.0.1', 'private'],
  ['100.127.255.255', 'private'],
  ['fc00::1', 'private'],
  ['fdff::1', 'private'],
  ['169.254.169.254', 'link-local'],
  ['169.254.170.2', 'link-local'],
  ['::ffff:169.254.169.254', 'link-local'],
  ['64:ff9b::a9fe:a9fe', 'link-local'],
  ['fe80::1', 'link-local'],
  ['fe80::1%eth0', 'unknown'],
  ['168.63.129.16', 'metadata'],
  ['::ffff:168.63.129.16', 'metadata'],
  ['100.100.100.200', 'metadata'],
  ['fd00:ec2::254', 'metadata'],
  ['fd00:0ec2:0:0:0:0:0:254', 'metadata'],
  ['fd20:ce::254', 'metadata'],
  ['0.0.0.0', 'reserved'],
  ['0.1.2.3', 'reserved'],
  ['::', 'reserved'],
  ['::7f00:1', 'reserved'],
  ['::ffff:0:7f00:1', 'reserved'],
  ['2002:7f00:1::', 'reserved'],
  ['2002:a9fe:a9fe::1', 'reserved'],
  ['2001:0:5ef5:79fb::1', 'reserved'],
  ['64:ff9b:1::7f00:1', 'reserved'],
  ['192.0.0.192', 'reserved'],
  ['192.0.2.1', 'reserved'],
  ['198.18.0.1', 'reserved'],
  ['198.51.100.1', 'reserved'],
  ['203.0.113.1', 'reserved'],
  ['224.0.0.1', 'reserved'],
  ['239.255.255.250', 'reserved'],
  ['ff02::1', 'reserved'],
  ['240.0.0.1', 'reserved'],
  ['255.255.255.255', 'reserved'],
  ['fec0::1', 'reserved'],
  ['2001:db8::1', 'reserved'],
  ['100::1', 'reserved'],
  ['4000::1', 'reserved'],
  ['0x7f.1', 'unknown'],
  ['2130706433', 'unknown'],
  ['0177.0.0.1', 'unknown'],
  ['localhost', 'unknown'],
  ['', 'unknown'],
];

const reachable = [
  '8.8.8.8',
  '172.15.255.255',
  '172.32.0.1',
  '100.63.255.255',
  '100.128.0.1',
  '2606:4700::1111',
];

describe('an address', () => {
  for (const [address, why] of refused) {
    test(`${address || '(none)'} is refused as ${why}`, () => {
      assert.equal(refusedAs(address, false), why);
      const opens = why === 'loopback' || why === 'private';
      assert.equal(refusedAs(address, true), opens ? null : why);
    });
  }

  for (const address of [...reachable, '::ffff:8.8.8.8', '64:ff9b::808:808']) {
    test(`${address} is public`, () => assert.equal(refusedAs(address, false), null));
  }

  test('is judged the same, however it is wrapped', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        for (const wrapped of [`::ffff:${address}`, `64:ff9b::${address}`])
          for (const allowed of [true, false])
            assert.equal(refusedAs(wrapped, allowed), refusedAs(address, allowed), wrapped);
      }),
    );
  });
});

test('a network covers its addresses, wrapped or not, and nothing else', () => {
  assert.ok(covers('10.1.0.0/16', '10.1.2.3'));
  assert.ok(covers('10.1.0.0/16', '::ffff:10.1.2.3'));
  assert.ok(covers('10.1.2.3', '64:ff9b::10.1.2.3'));
  assert.ok(covers('2606:4700::/32', '2606:4700::1'));
  assert.ok(!covers('10.1.0.0/16', '10.2.0.1'));
  assert.ok(!covers('10.1.0.0/16', '2606:4700::1'));
  assert.ok(!covers('example.org', '10.1.2.3'));
});
