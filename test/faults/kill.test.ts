/** kill -9 of the server while clients work: nothing acknowledged is lost, nothing is left over. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { makeHome, type ServerHome, type ServerProcess, until } from '../support/process.ts';
import { chanceOfThisRun } from './bytes.ts';
import { Ledger } from './ledger.ts';
import { randomMoment } from './moment.ts';
import { Traffic } from './traffic.ts';

const rounds = 20;

describe('kill -9 of the server', { skip: process.platform !== 'linux' && 'needs /proc' }, () => {
  const chance = chanceOfThisRun();
  const ledger = new Ledger();
  const starts: number[] = [];
  let home: ServerHome;
  let server: ServerProcess;

  before(async () => {
    home = await makeHome();
    server = await home.start();
  });
  after(async () => await home.remove());

  async function restart(): Promise<void> {
    // Now and then killed once more while it mends what the first kill left.
    if (chance.next() < 0.25) {
      const hasty = home.spawn();
      await until('its database', () => /PostgreSQL/.test(hasty.output));
      await delay(chance.between(0, 200));
      await hasty.kill();
    }
    server = await home.start();
    starts.push(server.readyMs);
  }

  for (let round = 1; round <= rounds; round += 1) {
    test(`round ${round} of ${rounds}`, async () => {
      const traffic = new Traffic(server.url, ledger, chance, false);
      const moment = await randomMoment(traffic, chance);
      await server.kill();
      await traffic.stop();
      console.log(`killed after ${moment}: ${JSON.stringify(traffic.tally)}`);
      assert.deepEqual(traffic.faults, []);
      await restart();
      await ledger.judge(server.url, home);
    });
  }

  test('at the end every byte is there, and a clean stop leaves nothing running', async () => {
    const bytes = await ledger.judgeAllBytes(server.url);
    const sorted = starts.toSorted((a, b) => a - b);
    console.log(
      `${ledger.active.length} images with ${bytes} bytes are whole; ready again after ` +
        `${sorted[sorted.length >> 1]?.toFixed(0)} ms (median), ${sorted.at(-1)?.toFixed(0)} ms (longest)`,
    );
    server.signal('SIGTERM');
    assert.deepEqual(await server.exited, { code: 0, signal: null });
    assert.deepEqual(home.family(), []);
  });
});
