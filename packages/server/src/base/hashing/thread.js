/**
 * A thread that hashes: adds what it is sent to the digests that it keeps, in the order of the orders. Plain JavaScript: what
 * Node needs to read TypeScript would take half as much memory again in every thread.
 */
import { createHash } from 'node:crypto';
import { parentPort } from 'node:worker_threads';

/** @type {Map<number, import('node:crypto').Hash[]>} */
const all = new Map();

/** @param {number} id */
function hashesOf(id) {
  const hashes = all.get(id);
  if (hashes === undefined) throw new Error(`There are no digests ${id} in this thread.`);
  return hashes;
}

parentPort?.on('message', (/** @type {import('./threads.ts').Order} */ order) => {
  const { id } = order;
  if ('begin' in order)
    all.set(
      id,
      order.begin.map((name) => createHash(name)),
    );
  else if ('forget' in order) all.delete(id);
  else if ('update' in order) {
    for (const hash of hashesOf(id)) hash.update(order.update);
    parentPort?.postMessage(null);
  } else parentPort?.postMessage(hashesOf(id).map((hash) => hash.digest('hex')));
});
