/** How much one image may carry. */
import { Failure } from '../base/failure.ts';

export interface ImageLimits {
  readonly maxProperties: number;
  readonly maxTags: number;
}

/** Fails with quota_properties or quota_tags; a limit below zero means none. */
export function checkImageLimits(limits: ImageLimits, properties: object, tags: readonly string[]): void {
  const count = Object.keys(properties).length;
  if (limits.maxProperties >= 0 && count > limits.maxProperties)
    throw new Failure(
      'quota_properties',
      `An image may have ${limits.maxProperties} properties; this makes ${count}.`,
    );
  if (limits.maxTags >= 0 && tags.length > limits.maxTags)
    throw new Failure('quota_tags', `An image may have ${limits.maxTags} tags; this makes ${tags.length}.`);
}
