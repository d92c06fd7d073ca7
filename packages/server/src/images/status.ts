/** The one table of legal status moves (API section 2, and killed for what is given up); every move is a compare-and-set against it. */
import type { ImageStatus } from '@tintype/contract';
import { Failure } from '../base/failure.ts';

/** What is deleted has no row any more: `deleted` is a tombstone. */
export const moves: Readonly<Record<ImageStatus, readonly ImageStatus[]>> = {
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

export function mayMove(from: ImageStatus, to: ImageStatus): boolean {
  return moves[from].includes(to);
}

/** Guards against a move that the table does not have: a fault of the caller, never of the client. */
export function assertMove(from: ImageStatus, to: ImageStatus): void {
  if (!mayMove(from, to)) throw new TypeError(`An image never goes from ${from} to ${to}.`);
}

/** The refusal a client sees when the image is not where the verb needs it. */
export function statusConflict(id: string, is: ImageStatus, needed: ImageStatus, verb: string): Failure {
  return new Failure('status_conflict', `Image ${id} is ${is}; ${verb} needs it to be ${needed}.`);
}
