/** Who may open an image to others. */
import type { Caller } from '../identity/caller.ts';
import { imageTarget, type Policy } from '../policy/policy.ts';
import type { Image } from './image.ts';

/** Fails with forbidden when the image's visibility is more than this caller may give. */
export function requireVisibility(policy: Policy, caller: Caller, image: Image): void {
  if (image.visibility === 'public') policy.require('publicize_image', caller, imageTarget(image));
  if (image.visibility === 'community') policy.require('communitize_image', caller, imageTarget(image));
}
