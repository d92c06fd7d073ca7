/** What is asked again and again is parsed once. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type TestDatabase, testDatabase } from '../../../../test/support/database.ts';
import { createLog } from '../base/log.ts';
import { openPool, type Pool } from './connect.ts';

let place: TestDatabase;
let pool: Pool;

before(async () => {
  place = await testDatabase();
  const log = createLog('error');
  pool = openPool(place.config, { max: 1, applicationName: 'prepared-test', log, repeating: true });
});
after(async () => {
  await pool.end();
  await place.close();
});

async function prepared(): Promise<string[]> {
  const { rows } = await pool.query('SELECT statement FROM pg_prepared_statements');
  return rows.map(({ statement }) => statement);
}

test('a text is prepared once it has been sent often, and answers as before', async () => {
  const text = 'SELECT $1::int + 1 AS next';
  for (let number = 0; number < 30; number += 1) {
    const { rows } = await pool.query(text, [number]);
    assert.deepEqual(rows, [{ next: number + 1 }]);
    assert.equal((await prepared()).includes(text), number >= 10, `after ${number + 1}`);
  }
});

test('a text whose columns a migration may change is not, nor one without parameters', async () => {
  await pool.query('CREATE TABLE things (id int)');
  const inserting = 'INSERT INTO things VALUES ($1) RETURNING *';
  const reading = 'SELECT * FROM things WHERE id = $1';
  for (let number = 0; number < 15; number += 1) {
    await pool.query(inserting, [number]);
    assert.deepEqual((await pool.query(reading, [number])).rows, [{ id: number }]);
    await pool.query('SELECT count(*) FROM things');
  }
  await pool.query('ALTER TABLE things ADD COLUMN more text');
  assert.deepEqual((await pool.query(reading, [1])).rows, [{ id: 1, more: null }]);
  assert.ok((await prepared()).every((text) => !text.includes('things')));
});

test('an error in a prepared text is the error, and the connection goes on', async () => {
  for (let number = 0; number < 15; number += 1)
    await assert.rejects(pool.query('SELECT 1 / $1::int', [0]), { code: '22012' });
  assert.deepEqual((await pool.query('SELECT 1 / $1::int AS one', [1])).rows, [{ one: 1 }]);
});
