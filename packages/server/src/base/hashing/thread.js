/**
 * A thread that hashes: adds what it is sent to the digests that it keeps, in the order of the orders. Plain JavaScript: what
 * Node needs to read TypeScript would take half as much memory again in every thread.
 */
import { createHash } from 'node:crypto';
import { parentPort } from 'node:worker_threads';

/** @type {Map<number, import('node:crypto').Hash>} */
const hashes = new Map();

/** @param {number} id */
function hashOf(id) {
  const hash = hashes.get(id);
  if (hash === undefined) throw new Error(`There is no digest ${id} in this thread.`);
  return hash;
}

parentPort?.on('message', (/** @type {import('./threads.ts').Order} */ order) => {
  const { id } = order;
  if ('begin' in order) hashes.set(id, createHash(order.begin));
  else if ('forget' in order) hashes.delete(id);
  else if ('update' in order) {
    hashOf(id).update(order.update);
    parentPort?.postMessage(null);
  } else parentPort?.postMessage(hashOf(id).digest('hex'));
});
