/** How much one image may carry. */
import { Failure } from '../base/failure.ts';

export interface ImageLimits {
  readonly maxProperties: number;
  readonly maxTags: number;
  readonly maxLocations: number;
}

interface Load {
  readonly properties: object;
  readonly tags: readonly string[];
}

const nothing: Load = { properties: {}, tags: [] };

/**
 * Fails with quota_properties or quota_tags when `image` carries more than its limit and more than `before`: an
 * image from the time of a higher limit can still be changed. A limit below zero means none.
 */
export function checkImageLimits(limits: ImageLimits, image: Load, before: Load = nothing): void {
  const count = countProperties(image);
  if (isTooMany(count, countProperties(before), limits.maxProperties))
    throw new Failure(
      'quota_properties',
      `An image may have ${limits.maxProperties} properties; this makes ${count}.`,
    );
  if (isTooMany(image.tags.length, before.tags.length, limits.maxTags))
    throw new Failure(
      'quota_tags',
      `An image may have ${limits.maxTags} tags; this makes ${image.tags.length}.`,
    );
}

/** Fails with quota_locations, as `checkImageLimits` does for the rest. */
export function checkLocationLimit({ maxLocations }: ImageLimits, count: number, before: number): void {
  if (isTooMany(count, before, maxLocations))
    throw new Failure('quota_locations', `An image may have ${maxLocations} locations; this makes ${count}.`);
}

/** Those of our own bookkeeping are nobody's load. */
function countProperties({ properties }: Load): number {
  return Object.keys(properties).filter((name) => !name.startsWith('os_glance_')).length;
}

function isTooMany(count: number, before: number, limit: number): boolean {
  return limit >= 0 && count > limit && count > before;
}
