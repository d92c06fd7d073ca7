/** Imports of staged data, cut, failed, repeated, cancelled and killed at every moment; and no flow goes without its case. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allCases, knownFlows, lab, stagedImport } from '../../../test/support/flow-cases.ts';
import { flowContract } from './flows/flow.contract.ts';

test('every flow has its case', () => {
  assert.deepEqual(allCases.map(({ flow }) => flow).sort(), [...knownFlows].sort());
});

flowContract(lab, stagedImport);
