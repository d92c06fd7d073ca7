/** What it costs to judge one rule of policy: by the defaults, and by a large file of an operator's. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { createLog } from '../../packages/server/src/base/log.ts';
import { type Caller, createCaller } from '../../packages/server/src/identity/caller.ts';
import { imageTarget, openPolicy, type Policy } from '../../packages/server/src/policy/policy.ts';
import { ruleDefaults } from '../../packages/server/src/policy/rule-names.ts';
import { median, quantile } from '../measure/figures.ts';
import type { Parts } from './parts.ts';

const target = { atMost: 20 };
const rounds = 2000;
const batches = 20;
const teams = 500;
const names = [...ruleDefaults.keys()];
const callers = [['admin'], ['member'], ['reader'], ['stranger']].map((roles) =>
  createCaller({ userId: 'user', projectId: 'project', roles }),
);
const image = imageTarget({ owner: 'another project', visibility: 'private', properties: {} });

/** Every rule overridden, with eight more ways to be allowed, each through rules of its own. */
function operatorsFile(): string {
  const rules: Record<string, string> = {};
  for (let team = 0; team < teams; team += 1)
    rules[`team_${team}`] =
      `role:team_${team} and (project_id:%(project_id)s or 'shared':%(visibility)s) and not role:suspended`;
  for (const [index, [name, { check }]] of [...ruleDefaults].entries()) {
    const more = Array.from({ length: 8 }, (_, way) => `rule:team_${(index * 8 + way) % teams}`);
    rules[name] = [check === '' ? '!' : `(${check})`, ...more].join(' or ');
  }
  return stringify(rules);
}

/** Microseconds of judging a rule once; of several measurements the middle one, whatever else the machine does. */
function judge(policy: Policy, name: string, caller: Caller): number {
  const measured = Array.from({ length: batches }, () => {
    const started = performance.now();
    for (let round = 0; round < rounds / batches; round += 1) policy.isAllowed(name, caller, image);
    return ((performance.now() - started) / (rounds / batches)) * 1000;
  });
  return median(measured);
}

/** Each rule for each caller, in ascending order. */
function judgeAll(policy: Policy): number[] {
  return names.flatMap((name) => callers.map((caller) => judge(policy, name, caller))).sort((a, b) => a - b);
}

/** Microseconds of one judgement in each of many turns of the event loop: the file is looked at in each. */
async function judgeInTurns(policy: Policy): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await new Promise(setImmediate);
    const started = performance.now();
    policy.isAllowed('get_image', callers[round % callers.length]!, image);
    times.push((performance.now() - started) * 1000);
  }
  return median(times);
}

export async function policy({ report }: Parts): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'tintype-bench-policy-'));
  try {
    const file = join(folder, 'policy.yaml');
    await writeFile(file, operatorsFile());
    for (const [what, opened] of [
      ['the defaults', openPolicy(null, createLog('error'))],
      [`a file of ${names.length + teams} rules`, openPolicy(file, createLog('error'))],
    ] as const) {
      judgeAll(opened);
      const times = judgeAll(opened);
      report({ what: `${what}: a rule, p50`, value: quantile(times, 0.5), unit: 'µs', target });
      report({ what: `${what}: the slowest rule`, value: times.at(-1)!, unit: 'µs', target });
      report({ what: `${what}: first of a request`, value: await judgeInTurns(opened), unit: 'µs', target });
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}
