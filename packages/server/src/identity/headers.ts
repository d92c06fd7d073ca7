/** Identity mode "headers": trusts what an authenticating proxy in front has established. */
import type { IncomingHttpHeaders } from 'node:http';
import { Failure } from '../base/failure.ts';
import { type Caller, createCaller } from './caller.ts';
import { headerText, type Identity } from './identity.ts';

function callerOf(headers: IncomingHttpHeaders): Caller {
  if (headerText(headers, 'x-identity-status')?.trim().toLowerCase() !== 'confirmed')
    throw new Failure(
      'unauthenticated',
      'The request was not authenticated by the proxy in front of this server.',
    );
  const user = headerText(headers, 'x-user-id')?.trim() || null;
  const project =
    headerText(headers, 'x-project-id')?.trim() || headerText(headers, 'x-tenant-id')?.trim() || null;
  const roles = (headerText(headers, 'x-roles') ?? '').split(',');
  return createCaller(user, project, roles);
}

export function openHeaders(): Identity {
  return {
    mode: 'headers',
    authenticate: async (headers) => callerOf(headers),
    close: async () => {},
  };
}
