/** Imports of staged data, cut, failed, repeated, cancelled and killed at every moment; and no flow goes without its case. */
import assert from 'node:assert/strict';
import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import * as flowCases from '../../../test/support/flow-cases.ts';
import { type FlowCase, flowContract } from './flows/flow.contract.ts';

/** What is exported beside the tools: a case, or a list of them. */
const named = Object.entries(flowCases).flatMap(([name, value]): [string, FlowCase[]][] => {
  const all = [value].flat() as unknown[];
  const isCase = (one: unknown) => typeof one === 'object' && one !== null && 'flow' in one && 'start' in one;
  return all.every(isCase) ? [[name, all as FlowCase[]]] : [];
});

test('every flow has its case', () => {
  const flows = named.flatMap(([, cases]) => cases.map(({ flow }) => flow));
  assert.deepEqual([...new Set(flows)].sort(), [...flowCases.knownFlows].sort());
});

test('every case is run by a file of tests', async () => {
  const run = new Set<string>();
  for await (const file of glob('**/*.test.ts', { cwd: import.meta.dirname })) {
    const text = await readFile(join(import.meta.dirname, file), 'utf8');
    for (const [, list, one] of text.matchAll(
      /^(?:for \(const one of (\w+)\) )?flowContract\(lab, (\w+)\);$/gm,
    ))
      run.add(list ?? one!);
  }
  assert.deepEqual([...run].sort(), named.map(([name]) => name).sort());
});

const { lab, stagedImport } = flowCases;
flowContract(lab, stagedImport);
