/** PUT and DELETE /v2/images/{id}/tags/{tag}. */
import { Failure } from '../base/failure.ts';
import { currentTime } from '../database/clock.ts';
import { recordEvent } from '../events/event-records.ts';
import type { Caller } from '../identity/caller.ts';
import { checkImageLimits } from '../policy/limits.ts';
import { checkAttribute } from './attributes.ts';
import { imageEvent } from './image-event.ts';
import { lockVisible, updateImage } from './image-records.ts';
import type { ImageParts } from './parts.ts';

type Parts = Pick<ImageParts, 'database' | 'policy' | 'settings'>;

/** Adding a tag that is there already changes nothing. */
export async function addTag(parts: Parts, caller: Caller, id: string, tag: string): Promise<void> {
  checkAttribute('tags', [tag], parts.settings.formats);
  await parts.database.transaction(async (queries) => {
    const { image, target } = await lockVisible(queries, parts.policy, caller, id);
    parts.policy.require('modify_image', caller, target);
    if (image.tags.includes(tag)) return;
    const tags = [...image.tags, tag];
    checkImageLimits(parts.settings.limits, { ...image, tags }, image);
    const after = { ...image, tags, updated_at: currentTime() };
    await updateImage(queries, after);
    await recordEvent(queries, imageEvent('image.update', after));
  });
}

export async function removeTag(parts: Parts, caller: Caller, id: string, tag: string): Promise<void> {
  await parts.database.transaction(async (queries) => {
    const { image, target } = await lockVisible(queries, parts.policy, caller, id);
    parts.policy.require('modify_image', caller, target);
    if (!image.tags.includes(tag)) throw new Failure('tag_not_found', `Image ${id} has no tag '${tag}'.`);
    const tags = image.tags.filter((other) => other !== tag);
    const after = { ...image, tags, updated_at: currentTime() };
    await updateImage(queries, after);
    await recordEvent(queries, imageEvent('image.update', after));
  });
}
