/** Where requests come in: the address is taken at the start, and given back when the work under way has ended. */
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { Failure } from '../base/failure.ts';
import type { RunningUploads } from '../images/running-uploads.ts';

/** What the system says about an address, in words. */
const troubles: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use by another process: stop that one, or choose another address with --listen',
  EADDRNOTAVAIL: 'is no address of this machine: choose another one with --listen',
  EACCES: 'is not open to this user, as ports below 1024 often are: choose another one with --listen',
  ENOTFOUND: 'has a host that is not known: give an address of this machine with --listen',
};

/** Resolves with the URL, the port filled in when 0 was asked for. Fails with unavailable, saying why. */
export async function listen(server: FastifyInstance, address: string): Promise<string> {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '');
  try {
    await server.listen({ host, port: Number(address.slice(colon + 1)) });
  } catch (cause) {
    const trouble = troubles[(cause as NodeJS.ErrnoException).code ?? ''];
    if (trouble === undefined) throw cause;
    throw new Failure('unavailable', `${address} ${trouble}.`, { cause });
  }
  const { port } = server.server.address() as AddressInfo;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Accepts no connection any more, waits for the work under way, then ends what is left. */
export async function stopServing(
  server: FastifyInstance,
  uploads: RunningUploads,
  graceMs: number,
): Promise<void> {
  const closed = server.close();
  const drained = uploads.drain(graceMs);
  const late = setTimeout(() => server.server.closeAllConnections(), graceMs + 1000);
  // A connection that its client keeps open after the answer would hold us until then.
  const idle = setInterval(() => server.server.closeIdleConnections(), 100);
  await drained;
  await closed;
  clearInterval(idle);
  clearTimeout(late);
}
