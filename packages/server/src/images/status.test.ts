/** The table of status moves: exactly that of API section 2, and nothing gets past it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ImageStatus, imageStatuses } from '@tintype/contract';
import fc from 'fast-check';
import { assertMove, mayMove, moves, statusConflict } from './status.ts';

/** As the contract prints it; further, what is given up before it has data is killed. */
const contract: Record<ImageStatus, string> = {
  queued: 'saving, uploading, importing, active, killed, deleted',
  saving: 'active, queued, killed, deleted',
  uploading: 'importing, queued, killed, deleted',
  importing: 'active, queued, deleted',
  active: 'deactivated, pending_delete, deleted',
  deactivated: 'active, deleted',
  pending_delete: 'deleted, active',
  killed: 'deleted',
  deleted: '',
};

test('every status has exactly the moves of the contract', () => {
  assert.deepEqual(Object.keys(moves).sort(), [...imageStatuses].sort());
  for (const status of imageStatuses) assert.equal(moves[status].join(', '), contract[status], status);
});

test('every image can be deleted, and nothing comes back from that', () => {
  for (const status of imageStatuses) assert.equal(mayMove(status, 'deleted'), status !== 'deleted', status);
  assert.deepEqual(moves.deleted, []);
});

test('a move is made exactly when the table has it, wherever a walk has led', () => {
  const wishes = fc.array(fc.constantFrom(...imageStatuses), { maxLength: 40 });
  fc.assert(
    fc.property(wishes, (walk) => {
      let is: ImageStatus = 'queued';
      for (const wish of walk) {
        const listed = contract[is].split(', ').includes(wish);
        if (listed) assertMove(is, wish);
        else assert.throws(() => assertMove(is, wish), TypeError);
        if (listed) is = wish;
        // Data is immutable: once active, an image never takes data again.
        if (is === 'active') assert.ok(!mayMove(is, 'queued') && !mayMove(is, 'saving'));
      }
    }),
  );
});

test('the refusal names the image, where it is, and where it should be', () => {
  const failure = statusConflict('i1', 'active', 'queued', 'an upload');
  assert.equal(failure.code, 'status_conflict');
  assert.equal(failure.message, 'Image i1 is active; an upload needs it to be queued.');
});
