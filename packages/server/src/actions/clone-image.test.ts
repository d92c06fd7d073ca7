/** Clones in another region that is away, cut off, or not what it says; and what becomes of the token they are made with. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { after, before, beforeEach, describe, test } from 'node:test';
import { imageData, openLab, type ServerLab } from '../../../../test/support/flow-lab.ts';
import { type Detour, forward } from '../../../../test/support/forward.ts';
import { type OtherServer, startOther } from '../../../../test/support/other-server.ts';
import { until } from '../../../../test/support/process.ts';

type Record_ = Record<string, unknown>;

let lab: ServerLab;
/** The region behind `lab.web`. */
let there: OtherServer;
/** What becomes of a request on its way; a number: it is answered with this status; null: with nothing. */
let way: (request: IncomingMessage) => Detour | number | null | Promise<Detour>;

before(async () => {
  lab = await openLab();
  there = await startOther();
  lab.answer = async (request: IncomingMessage, response: ServerResponse) => {
    const detour = await way(request);
    if (detour === null) response.socket?.destroy();
    else if (typeof detour === 'number') response.writeHead(detour).end();
    else forward(there.url, request, response, detour);
  };
});
beforeEach(async () => {
  way = () => ({});
  lab.isWorking = true;
  lab.web.requests.length = 0;
});
after(async () => {
  await lab?.close();
  await there?.close();
});

const isData = ({ method }: IncomingMessage) => method === 'PUT';

async function activeImage(): Promise<string> {
  const image = await lab.createImage({ name: 'original' });
  await lab.call('PUT', `/v2/images/${image}/file`, imageData);
  return image;
}

async function start(image: string, token = there.token): Promise<string> {
  const order = { image_ref: image, region: 'elsewhere' };
  const { status, body } = await lab.ask('POST', '/v2/image-clones', order, { 'X-Auth-Token': token });
  assert.equal(status, 201, JSON.stringify(body));
  return body.id as string;
}

const show = (id: string) => lab.call('GET', `/v2/image-clones/${id}`);

async function ended(id: string): Promise<Record_> {
  await lab.ended(id);
  return await show(id);
}

async function tell(id: string, what: 'retry' | 'cancel', token = there.token): Promise<void> {
  const headers = { 'X-Auth-Token': token };
  const answer = await lab.ask('POST', `/v2/image-clones/${id}/${what}`, undefined, headers);
  assert.equal(answer.status, 202, JSON.stringify(answer.body));
}

async function inStatus(id: string, status: string): Promise<Record_> {
  return await until(`status ${status}`, async () => {
    const record = await show(id);
    return record.status === status && record;
  });
}

/** The only image there, whole. */
async function requireOne({ target }: Record_): Promise<void> {
  const { image_ref, os_hash_value } = target as { image_ref: string; os_hash_value: string };
  const images = await there.images();
  assert.deepEqual(
    images.map(({ id, status, size, os_hash_value: digest }) => [`/v2/images/${id}`, status, size, digest]),
    [[image_ref, 'active', imageData.length, os_hash_value]],
  );
  assert.equal((await there.ask('DELETE', image_ref)).status, 204);
}

async function requireNothing(): Promise<void> {
  assert.deepEqual(await there.images(), []);
  await until('no bytes there', async () => (await there.storedFiles()).length === 0);
}

function failureOf({ status, error }: Record_): unknown[] {
  const { code, step, retryable } = error as Record_;
  return [status, code, step, retryable];
}

const puts = () => lab.web.requests.filter(({ path }) => path.endsWith('/file')).length;

describe('a clone', () => {
  test('whose data is cut, or not taken for a moment, is sent again, and there is no second record', async () => {
    const troubles: (Detour | number)[] = [{ cutAfter: imageData.length / 2 }, 503];
    way = (request) => (isData(request) ? (troubles.shift() ?? {}) : {});
    const done = await ended(await start(await activeImage()));
    assert.equal(done.status, 'success', String(done.message));
    assert.equal(puts(), 3);
    await requireOne(done);
  });

  test('is not sent again when only the answer was lost', async () => {
    let losses = 1;
    way = (request) => (isData(request) && losses-- > 0 ? { loseAnswer: true } : {});
    const done = await ended(await start(await activeImage()));
    assert.equal(done.status, 'success', String(done.message));
    assert.equal(puts(), 1);
    await requireOne(done);
  });

  test('goes on after a kill -9 in the middle of its data', async () => {
    lab.isWorking = false;
    let isHeld = true;
    way = (request) => {
      if (isData(request) && isHeld) request.pause();
      return {};
    };
    const image = await activeImage();
    const worker = await lab.forkWorker();
    await lab.command(worker, {
      hit: { record: 'clone', when: 'progress', signal: 'SIGKILL' },
      failAt: null,
    });
    const gone = once(worker, 'exit');
    const id = await start(image);
    await gone;
    isHeld = false;
    lab.isWorking = true;
    const done = await ended(id);
    assert.equal(done.status, 'success', String(done.message));
    assert.deepEqual(
      (await lab.view(id)).attempts.map(({ step, state }) => `${step} ${state}`),
      ['reach done', 'clone lost', 'clone done', 'confirm done'],
    );
    await requireOne(done);
  });

  test('waits for a region that is away, or breaks off again and again, and goes on by a retry', async () => {
    way = () => null;
    const id = await start(await activeImage());
    const failed = await ended(id);
    assert.deepEqual(failureOf(failed), ['failure', 'region_unavailable', 'reach', true]);
    assert.match(String(failed.message), /region 'elsewhere' cannot be reached/);
    way = (request) => (isData(request) ? { cutAfter: imageData.length / 2 } : {});
    await tell(id, 'retry');
    await until('another failure', async () => (await show(id)).error !== undefined);
    const again = await ended(id);
    assert.deepEqual(failureOf(again), ['failure', 'region_unavailable', 'clone', true]);
    await requireNothing();
    way = () => ({});
    await tell(id, 'retry');
    await requireOne(await inStatus(id, 'success'));
  });

  test('that the region refuses leaves nothing, and says what it was told', async () => {
    way = (request) => (isData(request) ? 413 : {});
    const failed = await ended(await start(await activeImage()));
    assert.deepEqual(failureOf(failed), ['failure', 'region_refused', 'clone', false]);
    assert.match(String(failed.message), /refused the data: 413/);
    await requireNothing();
    way = () => ({ rewrite: () => '{"hello":"world"}' });
    const other = await ended(await start(await activeImage()));
    assert.deepEqual(failureOf(other), ['failure', 'region_refused', 'reach', false]);
  });

  test('that arrives as something else is deleted there', async () => {
    const rewrite = (text: string) => text.replace(/("os_hash_value":")[^"]{4}/, '$1beef');
    way = (request) => (request.method === 'GET' ? { rewrite } : {});
    const failed = await ended(await start(await activeImage()));
    assert.deepEqual(failureOf(failed), ['failure', 'digest_mismatch', 'confirm', false]);
    assert.match(String(failed.message), /another sha512 digest/);
    await requireNothing();
  });

  test('of data that is not what it was is none', async () => {
    const image = await activeImage();
    const [file] = (await readdir(lab.at('one'), { recursive: true })).filter((name) => name.includes(image));
    const spoilt = Buffer.from(imageData);
    spoilt[spoilt.length - 1]! ^= 1;
    await writeFile(lab.at('one', file!), spoilt);
    const failed = await ended(await start(image));
    assert.deepEqual(failureOf(failed), ['failure', 'digest_mismatch', 'clone', false]);
    await requireNothing();
  });

  test('that has expired is found no more, and forgotten by upkeep, with what it had kept', async () => {
    const done = await start(await activeImage());
    await requireOne(await ended(done));
    const failed = await start(await activeImage(), 'not-a-token');
    await ended(failed);
    const ids = [done, failed].sort();
    await lab.rows(`UPDATE actions SET ended_at = now() - interval '100 days' WHERE id = ANY ($1)`, [ids]);
    for (const id of ids) assert.equal((await lab.ask('GET', `/v2/image-clones/${id}`)).status, 404);
    const { image_actions: listed } = await lab.call('GET', '/v2/image-actions?action_type=clone');
    assert.ok((listed as Record_[]).every(({ id }) => !ids.includes(String(id))));
    await lab.rows(
      'UPDATE tintype_engine.workflow_status SET completed_at = 1 WHERE workflow_uuid = ANY ($1)',
      [ids],
    );
    const run = (dryRun: boolean) => lab.upkeep('expired-actions', dryRun);
    assert.deepEqual((await run(true)).ids.toSorted(), ids);
    assert.deepEqual((await run(false)).ids.toSorted(), ids);
    assert.deepEqual(await lab.rows('SELECT id FROM actions WHERE id = ANY ($1)', [ids]), []);
    await until('the end of what was kept', async () => (await lab.view(failed)).state === 'cancelled');
    assert.deepEqual(await lab.tablesWith('not-a-token'), []);
  });

  test('ends with its image', async () => {
    const image = await activeImage();
    way = (request) => {
      if (isData(request)) request.pause();
      return {};
    };
    const id = await start(image);
    await until('its data on the way', () => puts() === 1);
    await lab.call('DELETE', `/v2/images/${image}`);
    assert.deepEqual(failureOf(await ended(id)), ['failure', 'image_deleted', 'clone', false]);
    await requireNothing();
  });
});

describe('the token of whoever asks', () => {
  test('is shown to the region alone, and kept nowhere afterwards', async () => {
    const done = await ended(await start(await activeImage()));
    assert.equal(done.status, 'success', String(done.message));
    assert.ok(lab.web.requests.every(({ headers }) => headers['x-auth-token'] === there.token));
    assert.deepEqual(await lab.tablesWith(there.token), []);
    await requireOne(done);
  });

  test('that is not taken is told, and another one goes on', async () => {
    const id = await start(await activeImage(), 'not-a-token');
    const failed = await ended(id);
    assert.deepEqual(failureOf(failed), ['failure', 'region_unauthorized', 'reach', true]);
    assert.match(String(failed.message), /region 'elsewhere' does not take the token/);
    await tell(id, 'retry');
    await requireOne(await inStatus(id, 'success'));
    assert.deepEqual(await lab.tablesWith(there.token), []);
    // Nothing had begun of this one: there is nothing to take back.
    const other = await start(await activeImage(), 'not-a-token');
    await ended(other);
    await tell(other, 'cancel', 'nor-this-one');
    await inStatus(other, 'cancelled');
    assert.deepEqual(await lab.tablesWith('nor-this-one'), []);
  });

  for (const [when, detour, step] of [
    ['once the data is there', {}, 'confirm'],
    ['and the answer of the data with it', { loseAnswer: true }, 'clone'],
  ] as const)
    test(`that runs out ${when} is asked for anew, and nothing is sent or done again`, async () => {
      const [old, fresh] = [await there.issueToken(), await there.issueToken()];
      way = async (request) => {
        if (isData(request)) return detour;
        if (puts() > 0) await there.revokeToken(old);
        return {};
      };
      const id = await start(await activeImage(), old.token);
      const failed = await ended(id);
      assert.deepEqual(failureOf(failed), ['failure', 'region_unauthorized', step, true]);
      assert.match(String(failed.message), /does not take the token.* Get a new one and retry with that/);
      await tell(id, 'retry', old.token);
      const failures = async () =>
        (await lab.view(id)).attempts.filter(({ code }) => code === 'region_unauthorized').length;
      await until('another refusal', async () => (await failures()) === 2);
      assert.deepEqual(failureOf(await ended(id)), ['failure', 'region_unauthorized', step, true]);
      await tell(id, 'retry', fresh.token);
      const done = await inStatus(id, 'success');
      assert.equal(puts(), 1);
      const made = (await lab.view(id)).attempts.filter(({ state }) => state === 'done');
      const steps = made.map(({ step: name }) => name).filter((name) => name !== 'last word');
      assert.deepEqual(steps, ['reach', 'clone', 'confirm']);
      for (const { token } of [old, fresh]) assert.deepEqual(await lab.tablesWith(token), []);
      await requireOne(done);
    });

  for (const [how, finish] of [
    ['cancelled', (id: string) => tell(id, 'cancel')],
    [
      'forgotten',
      (id: string) => lab.ask('DELETE', `/v2/image-clones/${id}`, undefined, { 'X-Auth-Token': there.token }),
    ],
  ] as const)
    test(`that runs out on the way keeps the record there until it is ${how} with another`, async () => {
      let isExpired = false;
      way = (request) => {
        isExpired ||= isData(request);
        return isExpired && request.headers['x-auth-token'] === there.token ? 401 : {};
      };
      const id = await start(await activeImage());
      assert.deepEqual(failureOf(await ended(id)), ['failure', 'region_unauthorized', 'clone', true]);
      await tell(id, 'cancel');
      const isStuck = (record: Record_) => (record.error as Record_ | undefined)?.step === 'undo:clone';
      const stuck = await until('a way back that fails', async () => {
        const record = await show(id);
        return isStuck(record) && record;
      });
      assert.deepEqual(failureOf(stuck), ['failure', 'region_unauthorized', 'undo:clone', true]);
      const { image_clones: failures } = await lab.call('GET', '/v2/image-clones?status=failure');
      assert.ok((failures as Record_[]).some((record) => record.id === id));
      assert.equal((await there.images()).length, 1);
      way = () => ({});
      await finish(id);
      await until('nothing there', async () => (await there.images()).length === 0);
      await requireNothing();
    });
});
