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
  const text = (name: string) => headerText(headers, name)?.trim() || null;
  const list = (name: string) => (headerText(headers, name) ?? '').split(',');
  return createCaller({
    userId: text('x-user-id'),
    projectId: text('x-project-id') ?? text('x-tenant-id'),
    domainId: text('x-domain-id'),
    systemScope: text('openstack-system-scope'),
    userDomainId: text('x-user-domain-id'),
    projectDomainId: text('x-project-domain-id'),
    roles: list('x-roles'),
    serviceRoles: list('x-service-roles'),
  });
}

export function openHeaders(): Identity {
  return {
    mode: 'headers',
    authenticate: async (headers) => callerOf(headers),
    close: async () => {},
  };
}
