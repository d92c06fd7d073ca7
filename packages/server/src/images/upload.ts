/** PUT /v2/images/{id}/file: from queued to active in one pass over the data, or back to queued with the reason told. */
import { Failure } from '../base/failure.ts';
import type { Caller } from '../identity/caller.ts';
import type { Store } from '../stores/store.ts';
import { findVisible } from './image-records.ts';
import type { ImageParts } from './parts.ts';
import { checkAnnouncedSize, type ReceivedInput, receive } from './receive.ts';
import { requireFormats } from './required-formats.ts';
import { openVerifier } from './signing/verifier.ts';
import { statusConflict } from './status.ts';
import { storeData } from './store-data.ts';
import { activateUpload } from './upload-records.ts';

export interface UploadInput extends ReceivedInput {
  readonly storeId: string | null;
  /** Of the caller, as it came: certificates are read with it. */
  readonly token: string | null;
}

export async function uploadImage(parts: ImageParts, caller: Caller, input: UploadInput): Promise<void> {
  checkAnnouncedSize(input.expectedSize, parts.settings.sizeCap);
  const store = chooseStore(parts, input.storeId);
  const { image, target } = await findVisible(parts.database.db, parts.policy, caller, input.id);
  parts.policy.require('upload_image', caller, target);
  if (image.status !== 'queued') throw statusConflict(image.id, image.status, 'queued', 'an upload');
  requireFormats(image);

  const { expectedSize, expectedDigests, token } = input;
  await receive(parts, caller, {
    input,
    image,
    store,
    quota: 'image_size_total',
    async take({ key }, arrival, signal) {
      const verifier = await openVerifier(parts.signatures, image, { token, signal });
      const pass = { image, store, key, expectedSize, expectedDigests, verifier, signal };
      return await storeData(parts.settings, { ...pass, chunks: arrival() });
    },
    record: (upload, facts, hasRoom) => activateUpload(parts.database, upload, facts, hasRoom),
  });
}

function chooseStore(parts: ImageParts, id: string | null): Store {
  // Glance: with a single store the header is ignored.
  if (id === null || !parts.stores.several) return parts.stores.default;
  const store = parts.stores.byId(id);
  if (store === undefined) throw new Failure('unknown_store', `There is no store '${id}'.`);
  if (store.readOnly) throw new Failure('store_read_only', `Store '${id}' takes no data: it is read-only.`);
  return store;
}
