/** A thread that talks to a cluster: carries out one command after the other, and answers with what came of it. */
import { parentPort } from 'node:worker_threads';
import { type Answer, commands, type Order } from './commands/table.ts';
import { CephError } from './errors.ts';
import { type Library, loadLibrary } from './library.ts';

const library = loadLibrary();

function carryOut({ id, name, args }: Order): Answer {
  try {
    const command = commands[name] as (library: Library, ...args: readonly unknown[]) => unknown;
    return { id, result: command(library, ...args) };
  } catch (error) {
    if (error instanceof CephError) return { id, call: error.call, errno: error.errno };
    return { id, error: String(error) };
  }
}

// A thread that is ended while it loads the libraries takes the process with it: so it says when it has, and ends itself.
parentPort!.on('message', (order: Order | null) => {
  if (order === null) parentPort!.close();
  else parentPort!.postMessage(carryOut(order));
});
parentPort!.postMessage(null);
