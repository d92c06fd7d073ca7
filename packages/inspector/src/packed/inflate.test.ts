/** What zlib packs is unpacked alike, whole or cut, and nothing else breaks it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constants, deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { inflateStart } from './inflate.ts';

/** Runs and noise, so that all kinds of blocks and codes come up. */
const content = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 300 })), {
    maxLength: 12,
  })
  .map((parts) => Buffer.concat(parts.flatMap(([bytes, times]) => Array(times).fill(bytes))));
const settings = fc.record({
  level: fc.integer({ min: 0, max: 9 }),
  strategy: fc.constantFrom(constants.Z_DEFAULT_STRATEGY, constants.Z_FIXED, constants.Z_HUFFMAN_ONLY),
});

test('whole', () => {
  fc.assert(
    fc.property(content, settings, (data, options) => {
      const inflated = inflateStart(deflateRawSync(data, options), data.length + 1);
      assert.equal(inflated?.end, 'all');
      assert.ok(data.equals(inflated.bytes));
    }),
  );
});

test('up to a limit', () => {
  fc.assert(
    fc.property(content, fc.nat(5000), (data, limit) => {
      const inflated = inflateStart(deflateRawSync(data), limit);
      assert.equal(inflated?.end, data.length > limit ? 'limit' : 'all');
      assert.ok(data.subarray(0, limit).equals(inflated.bytes));
    }),
  );
});

test('cut anywhere, as far as it goes', () => {
  fc.assert(
    fc.property(content, fc.double({ min: 0, max: 0.99, noNaN: true }), (data, part) => {
      const packed = deflateRawSync(data);
      const inflated = inflateStart(packed.subarray(0, Math.floor(packed.length * part)), data.length + 1);
      assert.equal(inflated?.end, 'input');
      assert.ok(data.subarray(0, inflated.bytes.length).equals(inflated.bytes));
    }),
  );
});

test('of anything at all', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), (data) => {
      const inflated = inflateStart(data, 1000);
      assert.ok(inflated === null || inflated.bytes.length <= 1000);
    }),
    { numRuns: 2000 },
  );
});
