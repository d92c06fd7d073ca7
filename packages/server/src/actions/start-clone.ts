/** POST /v2/image-clones, and /v2/image-actions with clone: an image that can be read here comes to be in another region, too (seed 2). */
import { randomUUID } from 'node:crypto';
import type { ImageCloneRequest } from '@tintype/contract';
import { Failure } from '../base/failure.ts';
import type { Caller } from '../identity/caller.ts';
import { insertAction } from '../images/action-records.ts';
import { checkAttribute, withoutDuplicates } from '../images/attributes.ts';
import { findReadable } from '../images/download.ts';
import type { Image } from '../images/image.ts';
import { findVisible } from '../images/image-records.ts';
import { readable } from '../images/readable.ts';
import { statusConflict } from '../images/status.ts';
import type { ActionView } from './action-view.ts';
import { imageClone } from './clone-image.ts';
import { actionTarget, findOwnAction } from './find-action.ts';
import { withoutBook } from './import-book.ts';
import type { ActionParts } from './parts.ts';
import type { CloneInput } from './steps/send-clone.ts';

export interface StartCloneInput {
  readonly request: ImageCloneRequest;
  /** Of the caller, as it came: it is shown to the other region. */
  readonly token: string | null;
  readonly requestId: string;
}

/** Resolves when the clone is certain to be carried out, or its failure told. */
export async function startClone(
  parts: ActionParts,
  caller: Caller,
  { request, token, requestId }: StartCloneInput,
): Promise<ActionView> {
  parts.policy.require('add_image_clone', caller, actionTarget({ owner: caller.projectId }));
  const wanted = request.image_ref.replace(/^\/v2\/images\//, '').toLowerCase();
  const image = await findClonable(parts, caller, wanted);
  const record = recordThere(parts, caller, image, request.image_properties ?? {});
  const endpoint = await parts.regions.endpointOf({ region: request.region, interface: 'public' }, token);
  const id = randomUUID();
  const { region, store = null } = request;
  const input: CloneInput = { image: image.id, to: { region, endpoint }, token, record, store };

  await parts.database.transaction(async (queries) => {
    await insertAction(queries, {
      id,
      type: 'clone',
      owner: caller.projectId,
      user_id: caller.userId,
      request_id: requestId,
      image_id: image.id,
      request: { ...request, image_ref: `/v2/images/${image.id}` },
    });
    const project = caller.projectId;
    await parts.engine.start(queries, { id, flow: imageClone, input, project, subject: image.id });
  });
  return await findOwnAction(parts, parts.database.db, caller, { id, type: 'clone' });
}

/** Whoever may download an image may clone it. Fails as a download does, and with status_conflict unless it is active. */
export async function findClonable(parts: ActionParts, caller: Caller, id: string): Promise<Image> {
  const image = await findReadable(parts, caller, id);
  if (image?.status === 'active') return image;
  const { status } = image ?? (await findVisible(parts.database.db, parts.policy, caller, id)).image;
  throw statusConflict(id, status, 'active', 'a clone');
}

/** What an image there does not get by a request for a clone: what the data is, whose it is, and what would keep it from being undone. */
const fixed = ['id', 'owner', 'disk_format', 'container_format', 'protected'];

/** Good only where it was made: keys and certificates of this region, other images of it. */
const local = [/^img_signature/, /^cinder_encryption_key_/, /^(kernel|ramdisk)_id$/, /^os_glance/];

/** The record of the clone: that of the image as the caller reads it, and `changes`. */
function recordThere(
  parts: ActionParts,
  caller: Caller,
  image: Image,
  changes: object,
): CloneInput['record'] {
  for (const [name, value] of Object.entries(changes)) {
    if (fixed.includes(name))
      throw new Failure('bad_request', `image_properties of a clone cannot have '${name}'.`);
    checkAttribute(name, value, parts.settings.formats);
  }
  const { name, disk_format, container_format, min_disk, min_ram, tags, properties } = readable(
    parts,
    caller,
    image,
  );
  const travelling = Object.entries(withoutBook(properties)).filter(
    ([property, value]) => value !== null && !local.some((one) => one.test(property)),
  );
  const visibility = image.visibility === 'private' ? 'private' : 'shared';
  const base = { name, visibility, disk_format, container_format, min_disk, min_ram, tags } as const;
  const record = { ...base, ...Object.fromEntries(travelling), ...changes };
  return { ...record, tags: withoutDuplicates(record.tags) } as CloneInput['record'];
}
