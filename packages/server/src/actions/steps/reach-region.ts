/** The first step of a clone: nothing is begun where nobody answers, or where the token is none. */
import type { Step } from '../../flows/flow.ts';
import type { ActionParts } from '../parts.ts';
import { type CloneInput, regionOf } from './send-clone.ts';

export const reachName = 'reach';

export function reachRegion(parts: ActionParts): Step<CloneInput> {
  return {
    name: reachName,
    do: async ({ signal }, input) => {
      await regionOf(parts, input).greet(signal);
      return undefined;
    },
  };
}
