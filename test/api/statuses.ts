/** The table of statuses as the contract has it, and what an observer may see of it (API section 2). */
import assert from 'node:assert/strict';

const moves: Readonly<Record<string, readonly string[]>> = {
  queued: ['saving', 'uploading', 'importing', 'active', 'killed', 'deleted'],
  saving: ['active', 'queued', 'killed', 'deleted'],
  uploading: ['importing', 'queued', 'killed', 'deleted'],
  importing: ['active', 'queued', 'deleted'],
  active: ['deactivated', 'pending_delete', 'deleted'],
  deactivated: ['active', 'deleted'],
  pending_delete: ['deleted', 'active'],
  killed: ['deleted'],
  deleted: [],
};

/** Statuses that can follow, after any number of moves that nobody saw. */
function reachable(from: string): Set<string> {
  const found = new Set([from]);
  for (const status of found) for (const next of moves[status] ?? []) found.add(next);
  return found;
}

/** Follows one image; `saw` fails when the status cannot have come from the one seen before. */
export class StatusTrail {
  readonly seen: string[] = [];

  saw(status: string): void {
    assert.ok(Object.hasOwn(moves, status), `${status} is no status`);
    const last = this.seen.at(-1);
    if (last !== undefined)
      assert.ok(reachable(last).has(status), `an image went ${[...this.seen, status].join(' → ')}`);
    if (last !== status) this.seen.push(status);
  }
}
