/** A thread that hashes: adds what it is sent to the digests that it keeps, in the order of the orders. */
import { createHash, type Hash } from 'node:crypto';
import { parentPort } from 'node:worker_threads';

/** `update` and `finish` are answered, in the order in which they came. */
export type Order = { readonly id: number } & (
  | { readonly begin: string }
  | { readonly update: Uint8Array }
  | { readonly finish: true }
  | { readonly forget: true }
);

/** The digest in hex, after `finish`. */
export type Answer = string | null;

const hashes = new Map<number, Hash>();

parentPort!.on('message', (order: Order) => {
  const { id } = order;
  if ('begin' in order) hashes.set(id, createHash(order.begin));
  else if ('forget' in order) hashes.delete(id);
  else if ('update' in order) {
    hashes.get(id)!.update(order.update);
    parentPort!.postMessage(null);
  } else parentPort!.postMessage(hashes.get(id)!.digest('hex'));
});
