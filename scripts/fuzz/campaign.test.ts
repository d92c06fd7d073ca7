/** The fuzzer finds what chance alone would not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCampaign } from './campaign.ts';
import { Chance } from './chance.ts';

/** Fails for one input of some 4000, and shows step by step how near one comes. */
function fragile(input: Buffer): void {
  if ((input[0]! & 1) !== 0) return;
  if ((input[0]! & 2) !== 2) return;
  if ((input[0]! & 4) !== 0) return;
  if ((input[0]! & 8) !== 8) return;
  if ((input[0]! & 16) !== 16) return;
  if ((input[0]! & 32) !== 0) return;
  if ((input[0]! & 64) !== 64) return;
  if ((input[0]! & 128) !== 0) return;
  if ((input[1]! & 1) !== 1) return;
  if ((input[1]! & 2) !== 0) return;
  if ((input[1]! & 4) !== 0) return;
  if ((input[1]! & 8) !== 8) return;
  throw new Error('found');
}

const isCounted = (url: string) => url === import.meta.url;
/** All bits that matter are wrong. */
const seeds = [Buffer.from([0xa5, 6])];

test('a fault behind twelve conditions is found by what code runs', async () => {
  const { findings, executions } = await runCampaign({
    seeds,
    target: fragile,
    isCounted,
    chance: new Chance(1),
    longest: 2,
    isOver: ({ executions: now, findings: found }) => found.length > 0 || now > 30_000,
  });
  assert.equal((findings[0]?.error as Error | undefined)?.message, 'found');
  assert.ok(executions <= 30_000);
});

test('and not without', async () => {
  const { findings } = await runCampaign({
    seeds,
    target: fragile,
    isCounted: () => false,
    chance: new Chance(1),
    longest: 2,
    isOver: ({ executions }) => executions > 30_000,
  });
  assert.deepEqual(findings, []);
});
