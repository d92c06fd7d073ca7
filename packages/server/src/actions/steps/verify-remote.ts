/** Holds what came from another image service against what that says of it, before anything is made of it. */
import type { Step } from '../../flows/flow.ts';
import { onHeldImage } from '../import-book.ts';
import type { ActionParts } from '../parts.ts';
import { described, type RemoteInput } from './describe-remote.ts';
import { staged } from './staged.ts';
import { measureSource, verifyName } from './verify.ts';

export function verifyRemote(parts: ActionParts): Step<RemoteInput> {
  return {
    name: verifyName,
    async do(context, input) {
      const held = await onHeldImage(parts, context, input.image, async (_queries, image) => image);
      const source = await staged(parts, [])(held, context);
      await measureSource(parts, context, described(context), null, source);
    },
  };
}
