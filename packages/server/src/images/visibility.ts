/** Who may open an image to others. */
import type { Caller } from '../identity/caller.ts';
import { require } from '../policy/enforcer.ts';
import type { Image } from './image.ts';

/** Fails with forbidden when the image's visibility is more than this caller may give. */
export function requireVisibility(caller: Caller, image: Image): void {
  if (image.visibility === 'public') require('publicize_image', caller, image);
  if (image.visibility === 'community') require('communitize_image', caller, image);
}
