/** Identity mode "none": everybody is an administrator without a project; for loopback only. */
import { createCaller } from './caller.ts';
import type { Identity } from './identity.ts';

export function openNone(): Identity {
  const caller = createCaller({ roles: ['admin'] });
  return {
    mode: 'none',
    authenticate: async () => caller,
    close: async () => {},
  };
}
