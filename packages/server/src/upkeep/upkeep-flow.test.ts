/** The flows of upkeep, through the suite of flows; by hand, each first says what is due; and what is done is counted. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { figures, lab, runJob, upkeepCases } from '../../../../test/support/flow-cases.ts';
import { flowContract } from '../flows/flow.contract.ts';
import { upkeepJobs } from './jobs.ts';

for (const one of upkeepCases) flowContract(lab, one);

describe('by hand', () => {
  for (const { job, prepare } of upkeepCases)
    test(`${job} says what is due and leaves it, and then does just that`, async () => {
      const isDone = await prepare();
      const due = await runJob(job, true);
      assert.ok(due.count > 0);
      assert.deepEqual((await runJob(job, true)).ids, due.ids);
      await assert.rejects(isDone());
      assert.deepEqual((await runJob(job, false)).ids, due.ids);
      await isDone();
      assert.equal((await runJob(job, true)).count, 0);
    });
});

test('what every job has done is counted', async () => {
  const text = await figures();
  for (const { name } of upkeepJobs) {
    const count = new RegExp(`^tintype_upkeep_total\\{job="${name}"\\} (\\d+)$`, 'm').exec(text);
    assert.ok(Number(count?.[1]) > 0, name);
  }
});
