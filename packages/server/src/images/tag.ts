/** PUT and DELETE /v2/images/{id}/tags/{tag}. */
import { Failure } from '../base/failure.ts';
import type { Caller } from '../identity/caller.ts';
import { checkImageLimits } from '../policy/limits.ts';
import { checkAttribute } from './attributes.ts';
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
    await updateImage(queries, { ...image, tags, updated_at: new Date() });
  });
}

export async function removeTag(parts: Parts, caller: Caller, id: string, tag: string): Promise<void> {
  await parts.database.transaction(async (queries) => {
    const { image, target } = await lockVisible(queries, parts.policy, caller, id);
    parts.policy.require('modify_image', caller, target);
    if (!image.tags.includes(tag)) throw new Failure('tag_not_found', `Image ${id} has no tag '${tag}'.`);
    const tags = image.tags.filter((other) => other !== tag);
    await updateImage(queries, { ...image, tags, updated_at: new Date() });
  });
}
