/** Servers that are slow, cut off or taken for dead while they work: their uploads finish or are told, nothing between. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type ServerProcess, until } from '../support/process.ts';
import { knownBytes } from './bytes.ts';
import { compareData, createImage, statusOf, tasksOf, Upload, upload } from './calls.ts';
import { type Cluster, makeCluster, upkeepMs } from './cluster.ts';

const mebibyte = 1024 * 1024;
const role = `fault_${process.pid}`;

describe('a server out of touch', { skip: process.platform !== 'linux' && 'needs /proc' }, () => {
  let cluster: Cluster;
  let a: ServerProcess;
  let b: ServerProcess;

  before(async () => {
    cluster = await makeCluster();
    b = await cluster.server();
    await cluster.admin.query(`CREATE ROLE ${role} LOGIN;
      GRANT ALL ON SCHEMA tintype_engine TO ${role};
      GRANT ALL ON ALL TABLES IN SCHEMA public, tintype_engine TO ${role};
      GRANT ALL ON ALL SEQUENCES IN SCHEMA public, tintype_engine TO ${role}`);
    a = await cluster.server(role);
  });
  after(async () => {
    await cluster.admin.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    await cluster.close();
  });

  async function halfAnUpload(server: ServerProcess): Promise<{ id: string; body: Buffer; sending: Upload }> {
    const id = await createImage(b.url);
    const body = knownBytes(id, 6 * mebibyte);
    const sending = new Upload(server.url, id, body, { holdAt: 3 * mebibyte });
    if (!(await sending.begun)) assert.fail(`the upload was refused: ${(await sending.answer)?.text}`);
    await sending.written;
    return { id, body, sending };
  }

  /** Resolves when the upkeep of a live server has judged every server once more: it buried one killed now. */
  async function upkeepRan(meanwhile: () => Promise<unknown> = async () => {}): Promise<void> {
    const canary = await cluster.server();
    const { id } = await halfAnUpload(canary);
    await canary.kill();
    await until(
      'the upkeep of a live server',
      async () => {
        await meanwhile();
        return (await statusOf(b.url, id)) === 'queued';
      },
      upkeepMs,
    );
  }

  /** Active with every byte, or queued with the failure that its client read, and nothing in the store. */
  async function assertWholeOrTold(id: string, body: Buffer, sending: Upload): Promise<string> {
    const answer = await sending.answer;
    await until('an end', async () => (await statusOf(b.url, id)) !== 'saving', upkeepMs);
    const files = async () => (await cluster.files()).filter((name) => name.startsWith(id)).length;
    const [task] = await tasksOf(b.url, id);
    if ((await statusOf(b.url, id)) === 'active') {
      assert.equal(await compareData(b.url, id, body), body.length);
      assert.equal(task?.status, 'success');
      assert.equal(await files(), 1);
      return 'active';
    }
    assert.equal(answer?.status, 503);
    assert.equal(task?.status, 'failure');
    await until('no bytes', async () => (await files()) === 0, upkeepMs);
    assert.equal((await upload(b.url, id, body))?.status, 204);
    return answer.json.error.reason;
  }

  /** Neither `a` nor anything else with its role reaches the database until `allow`. */
  async function forbid(): Promise<void> {
    await cluster.admin.query(`ALTER ROLE ${role} CONNECTION LIMIT 0`);
    await cluster.admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1', [
      role,
    ]);
  }

  async function allow(): Promise<void> {
    await cluster.admin.query(`ALTER ROLE ${role} CONNECTION LIMIT -1`);
    await until('it is ready again', async () => {
      return (await fetch(`${a.url}/readyz`)).status === 200;
    });
  }

  test('one that stands still keeps its upload, however long the others wait', async () => {
    const { id, body, sending } = await halfAnUpload(a);
    a.signal('SIGSTOP');
    await upkeepRan().finally(() => a.signal('SIGCONT'));
    assert.equal(await statusOf(b.url, id), 'saving');
    await sending.resume();
    assert.equal((await sending.answer)?.status, 204);
    assert.equal(await assertWholeOrTold(id, body, sending), 'active');
  });

  test('one whose session is cut is back at once, and its upload goes on', async () => {
    const { id, body, sending } = await halfAnUpload(a);
    await until('it has a session, which is cut', async () => await cluster.cutSession(a));
    await until('it is back', async () => a.logged('the connection of this process is back').length > 0);
    await sending.resume();
    const end = await assertWholeOrTold(id, body, sending);
    console.log(`a session cut once: ${end}`);
  });

  test('one whose session is cut again and again has its upload whole or told', async () => {
    const { id, body, sending } = await halfAnUpload(a);
    let cuts = 0;
    await upkeepRan(async () => {
      if (await cluster.cutSession(a)) cuts += 1;
    });
    await sending.resume();
    const end = await assertWholeOrTold(id, body, sending);
    console.log(`a session cut ${cuts} times: ${end}`);
  });

  test('one cut off from the database and taken for dead is told so at the end of its upload', async () => {
    const { id, body, sending } = await halfAnUpload(a);
    await forbid();
    await upkeepRan();
    assert.equal(await statusOf(b.url, id), 'queued');
    await allow();
    await sending.resume();
    assert.equal(await assertWholeOrTold(id, body, sending), 'interrupted');
  });

  test('one that ends its upload while it is cut off leaves no bytes either', async () => {
    const { id, body, sending } = await halfAnUpload(a);
    await forbid();
    await upkeepRan();
    await sending.resume();
    const answer = await sending.answer;
    assert.equal(answer?.status, 503);
    assert.equal(answer.json.error.reason, 'unavailable');
    await allow();
    await assertWholeOrTold(id, body, sending);
  });
});
