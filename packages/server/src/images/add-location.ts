/** POST /v2/images/{id}/locations: data that is somewhere already becomes that of a queued image (API section 5). */
import { recordEvent } from '../events/event-records.ts';
import { type Caller, withServiceRoles } from '../identity/caller.ts';
import { sizeOf } from '../locations/find-object.ts';
import { insertLocation, requireFree } from '../locations/location-records.ts';
import { beginCheck } from './begin-check.ts';
import { imageEvent } from './image-event.ts';
import { findVisible, lockVisible, moveStatus } from './image-records.ts';
import type { ValidationData } from './offered-location.ts';
import type { ImageParts } from './parts.ts';
import { placeFor } from './place-for.ts';
import { mebibytes, requireRoom } from './quota-check.ts';
import { requireFormats } from './required-formats.ts';
import { findSignerNow, requireSameSignature } from './signing/located.ts';
import { statusConflict } from './status.ts';

export interface AddLocationInput {
  readonly id: string;
  readonly url: string;
  /** What the data is known to be: checked before the image becomes active. */
  readonly validation: ValidationData | undefined;
  readonly requestId: string;
  /** Of the caller, as it came: certificates are read with it. */
  readonly token: string | null;
}

type Parts = Pick<
  ImageParts,
  'database' | 'policy' | 'quotas' | 'settings' | 'signatures' | 'stores' | 'checks'
>;

export async function addLocation(parts: Parts, caller: Caller, input: AddLocationInput): Promise<void> {
  const { policy, settings } = parts;
  const { image, target } = await findVisible(parts.database.db, policy, caller, input.id);
  policy.require('add_image_location', withServiceRoles(caller), target);
  if (image.status !== 'queued') throw statusConflict(image.id, image.status, 'queued', 'a location');
  requireFormats(image);
  const { store, key } = placeFor(parts, caller, input.url, undefined);
  const size = await sizeOf({ store, key }, settings.sizeCap);
  const signer = await findSignerNow(parts, image, input.token);
  const quotas = await parts.quotas.of(image.owner);

  await parts.database.transaction(async (queries) => {
    const { image: now } = await lockVisible(queries, policy, caller, image.id);
    if (now.status !== 'queued') throw statusConflict(now.id, now.status, 'queued', 'a location');
    requireFormats(now);
    requireSameSignature(image, now);
    if (!store.readOnly) await requireFree(queries, store.id, key);
    await requireRoom(queries, quotas, now.owner, { image_size_total: mebibytes(size) });
    // What must be something is nobody's to use before it is known to be that.
    const isChecked = input.validation !== undefined || signer !== null;
    const after = await moveStatus(queries, now.id, 'queued', isChecked ? 'importing' : 'active', { size });
    await recordEvent(queries, imageEvent(isChecked ? 'image.update' : 'image.activate', after!));
    const place = { image_id: now.id, store: store.id, key };
    const location = await insertLocation(queries, place, 'active');
    await beginCheck(queries, caller, now, { ...input, signer, location });
  });
  parts.checks.wake();
}
