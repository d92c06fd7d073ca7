/** POST /v2/images: a record that exists before its data. */
import { randomUUID } from 'node:crypto';
import { Failure } from '../base/failure.ts';
import { currentTime } from '../database/clock.ts';
import { recordEvent } from '../events/event-records.ts';
import type { Caller } from '../identity/caller.ts';
import { checkImageLimits } from '../policy/limits.ts';
import { imageTarget, type Policy } from '../policy/policy.ts';
import { checkAttribute, isBaseAttribute, withoutDuplicates } from './attributes.ts';
import type { Image, Properties } from './image.ts';
import { imageEvent } from './image-event.ts';
import { addImage } from './image-records.ts';
import type { ImageParts } from './parts.ts';
import { requireRoom } from './quota-check.ts';
import { type ShowingParts, type ShownImage, shownTo } from './shown.ts';
import { requireVisibility } from './visibility.ts';

type Parts = ShowingParts & Pick<ImageParts, 'database' | 'quotas'>;

export async function createImage(parts: Parts, caller: Caller, input: unknown): Promise<ShownImage> {
  const image = draftImage(parts, caller, input);
  const quotas = await parts.quotas.of(image.owner);
  await parts.database.transaction(async (queries) => {
    await requireRoom(queries, quotas, image.owner, { image_count_total: 1 });
    await addImage(queries, image);
    await recordEvent(queries, imageEvent('image.create', image));
  });
  return await shownTo(parts, parts.database.db, caller, image);
}

/** The image that `input` describes, if the caller may create it; nothing is written. */
export function draftImage(
  parts: Pick<ImageParts, 'policy' | 'protections' | 'settings'>,
  caller: Caller,
  input: unknown,
): Image {
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    throw new Failure('bad_request', 'The request body must be a JSON object.');
  const given = Object.entries(input);
  for (const [name, value] of given) checkAttribute(name, value, parts.settings.formats);

  const image = newImage(caller, given);
  requireCreation(parts.policy, caller, image);
  requireVisibility(parts.policy, caller, image);
  for (const name of Object.keys(image.properties)) parts.protections.require('create', name, caller);
  checkImageLimits(parts.settings.limits, image);
  return image;
}

/** A new image belongs to the caller's project until it names another owner. */
function requireCreation(policy: Policy, caller: Caller, image: Image): void {
  policy.require('add_image', caller, { ...imageTarget(image), project_id: caller.projectId });
}

function newImage(caller: Caller, given: [string, unknown][]): Image {
  const base = Object.fromEntries(given.filter(([name]) => isBaseAttribute(name))) as Partial<Image>;
  const properties = Object.fromEntries(given.filter(([name]) => !isBaseAttribute(name))) as Properties;
  const now = currentTime();
  return {
    name: null,
    visibility: 'shared',
    protected: false,
    os_hidden: false,
    owner: caller.projectId,
    disk_format: null,
    container_format: null,
    min_disk: 0,
    min_ram: 0,
    ...base,
    id: (base.id ?? randomUUID()).toLowerCase(),
    status: 'queued',
    size: null,
    virtual_size: null,
    checksum: null,
    os_hash_algo: null,
    os_hash_value: null,
    tags: withoutDuplicates(base.tags ?? []),
    properties,
    created_at: now,
    updated_at: now,
  };
}
