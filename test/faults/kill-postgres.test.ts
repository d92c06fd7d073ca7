/** kill -9 of PostgreSQL under the server, and of both at once, while clients work. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { makeHome, type ServerHome, type ServerProcess, signalTo, until } from '../support/process.ts';
import { chanceOfThisRun } from './bytes.ts';
import { listImages } from './calls.ts';
import { Ledger } from './ledger.ts';
import { randomMoment } from './moment.ts';
import { Traffic } from './traffic.ts';

describe('kill -9 of PostgreSQL', { skip: process.platform !== 'linux' && 'needs /proc' }, () => {
  const chance = chanceOfThisRun();
  const ledger = new Ledger();
  let home: ServerHome;
  let server: ServerProcess;

  before(async () => {
    home = await makeHome();
    server = await home.start();
  });
  after(async () => await home.remove());

  for (const round of [1, 2]) {
    test(`the server survives, and mends what was under way: ${round} of 2`, async () => {
      const traffic = new Traffic(server.url, ledger, chance, true);
      const struck = { at: 0, uploaded: 0, moment: '' };
      try {
        struck.moment = await randomMoment(traffic, chance);
        struck.at = performance.now();
        struck.uploaded = traffic.tally.uploaded;
        assert.ok(signalTo((await home.postmaster()) ?? Number.NaN, 'SIGKILL'));
        const again = () => server.hasExited || traffic.tally.uploaded >= struck.uploaded + 6;
        await until('uploads succeed again', again, 30_000);
      } finally {
        await traffic.stop();
      }
      assert.equal(server.hasExited, false, server.output.slice(-2000));
      console.log(
        `PostgreSQL killed after ${struck.moment}: ${JSON.stringify(traffic.tally)}, ` +
          `six more uploads within ${(performance.now() - struck.at).toFixed(0)} ms`,
      );
      assert.deepEqual(traffic.faults, []);
      await until(
        'nothing is saving',
        async () => (await listImages(server.url, 'saving')).length === 0,
        5000,
      );
      await until(
        'no bytes but those of active images',
        async () => (await home.storedFiles()).length === (await listImages(server.url, 'active')).length,
        5000,
      );
      await ledger.judge(server.url, home);
    });
  }

  test('both at once: the next start mends it', async () => {
    const traffic = new Traffic(server.url, ledger, chance, true);
    const moment = await randomMoment(traffic, chance);
    signalTo((await home.postmaster()) ?? Number.NaN, 'SIGKILL');
    await server.kill();
    await traffic.stop();
    assert.deepEqual(traffic.faults, []);
    server = await home.start();
    console.log(`both killed after ${moment}: ready again after ${server.readyMs.toFixed(0)} ms`);
    await ledger.judge(server.url, home);
    await ledger.judgeAllBytes(server.url);
  });
});
