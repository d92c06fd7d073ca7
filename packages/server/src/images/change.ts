/** PATCH /v2/images/{id}: all operations apply, in order, or none. */
import { Failure } from '../base/failure.ts';
import { currentTime } from '../database/clock.ts';
import type { Queries } from '../database/queries.ts';
import type { NewEvent } from '../events/event.ts';
import { recordEvents } from '../events/event-records.ts';
import type { Caller } from '../identity/caller.ts';
import { activeLocations, type Location, requireFree, setLocations } from '../locations/location-records.ts';
import { urlOf } from '../locations/reading-order.ts';
import { removeBytes } from '../locations/remove-bytes.ts';
import { checkImageLimits, checkLocationLimit } from '../policy/limits.ts';
import { applyToLocations, type Draft, type LocationRules } from './apply-location.ts';
import { applyOperation, type PatchRules } from './apply-operation.ts';
import { beginCheck } from './begin-check.ts';
import {
  findOffered,
  foundAt,
  type Offered,
  requireLocationRights,
  touchesLocations,
} from './find-offered.ts';
import { type Image, revisionOf } from './image.ts';
import { imageEvent } from './image-event.ts';
import { lockVisible, moveStatus, updateImage } from './image-records.ts';
import type { ImageParts } from './parts.ts';
import { type Operation, type PatchForm, readPatch } from './patch.ts';
import { mebibytes, requireRoom } from './quota-check.ts';
import { requireRemovable } from './require-removable.ts';
import { type ShownImage, shownTo } from './shown.ts';
import { requireSameSignature } from './signing/located.ts';
import { requireVisibility } from './visibility.ts';

export interface ChangeInput {
  readonly id: string;
  readonly body: unknown;
  readonly form: PatchForm;
  /** Decides from the record's revision whether the change may happen (If-Match). */
  readonly precondition: (revision: string) => boolean;
  readonly requestId: string;
  /** Of the caller, as it came. */
  readonly token: string | null;
}

type Parts = Omit<ImageParts, 'session' | 'uploads'>;

export async function changeImage(parts: Parts, caller: Caller, input: ChangeInput): Promise<ShownImage> {
  const { policy, settings } = parts;
  const operations = readPatch(input.body, input.form);
  const offered = await findOffered(parts, caller, input, operations);
  const rules = locationRulesOf(parts, offered);
  if (offered.signedAs !== null) await requireRemovable(parts, offered.signedAs, operations, rules);
  const { shown, doomed } = await parts.database.transaction(async (queries) => {
    const { image: before, target } = await lockVisible(queries, policy, caller, input.id);
    policy.require('modify_image', caller, target);
    requireLocationRights(parts, caller, target, operations);
    const was = await shownTo(parts, queries, caller, before);
    checkPrecondition(was, input.precondition);
    if (operations.length === 0) return { shown: was, doomed: [] };

    const locations = touchesLocations(operations) ? await activeLocations(queries, before.id) : [];
    const draft = applyAll(parts, caller, { image: before, locations }, operations, rules, input.form);
    const after = { ...draft.image, updated_at: currentTime() };
    if (after.owner !== before.owner && !policy.isAdmin(caller))
      throw new Failure('forbidden', 'Only an administrator may change the owner of an image.');
    if (after.visibility !== before.visibility) requireVisibility(policy, caller, after);
    checkImageLimits(settings.limits, after, before);
    checkLocationLimit(settings.limits, draft.locations.length, locations.length);

    const doomed = touchesLocations(operations)
      ? await storeLocations(
          parts,
          queries,
          caller,
          before,
          { ...draft, image: after },
          { ...offered, ...input },
        )
      : [];
    await updateImage(queries, after);
    await recordEvents(queries, changeEvents(before, after));
    return { shown: await shownTo(parts, queries, caller, after), doomed };
  });
  if (touchesLocations(operations)) parts.checks.wake();
  await removeBytes(parts, doomed);
  return shown;
}

/** The first location of an image is its data. */
function changeEvents(before: Image, after: Image): NewEvent[] {
  const isActivated = after.status !== before.status;
  return [...(isActivated ? [imageEvent('image.activate', after)] : []), imageEvent('image.update', after)];
}

/** Fails with precondition_failed when the image is not what the caller believes. */
export function checkPrecondition(image: Image, precondition: (revision: string) => boolean): void {
  if (!precondition(revisionOf(image)))
    throw new Failure('precondition_failed', `Image ${image.id} has changed since you read it.`);
}

function locationRulesOf({ stores }: Parts, offered: Offered): LocationRules {
  return {
    foundAt: (url) => foundAt(offered, url),
    urlOf: (location) => urlOf(stores, location),
  };
}

function applyAll(
  { protections, settings }: Parts,
  caller: Caller,
  before: Draft,
  operations: readonly Operation[],
  locationRules: LocationRules,
  form: PatchForm,
): Draft {
  const rules: PatchRules = {
    form,
    formats: settings.formats,
    requireProperty: (verb, name) => protections.require(verb, name, caller),
  };
  let draft = { ...before, image: { ...before.image, properties: { ...before.image.properties } } };
  for (const operation of operations)
    draft =
      operation.name === 'locations'
        ? applyToLocations(draft, operation, locationRules)
        : { ...draft, image: applyOperation(draft.image, operation, rules) };
  return draft;
}

/** Resolves with the locations that the image has no more. Fails with quota_exceeded or invalid_location. */
async function storeLocations(
  { stores }: Parts,
  queries: Queries,
  caller: Caller,
  before: Image,
  { image, locations }: Draft,
  { quotas, signer, signedAs, requestId }: Offered & Pick<ChangeInput, 'requestId'>,
): Promise<Location[]> {
  const added = locations.filter(({ isNew }) => isNew);
  for (const { store, key } of added)
    if (!stores.byId(store)?.readOnly) await requireFree(queries, store, key);
  if (image.status !== before.status) {
    if (signedAs !== null) requireSameSignature(signedAs, image);
    await requireRoom(queries, quotas, image.owner, { image_size_total: mebibytes(image.size ?? 0) });
    await moveStatus(queries, image.id, before.status, image.status);
  }
  for (const location of added)
    await beginCheck(queries, caller, image, { location, validation: undefined, signer, requestId });
  return await setLocations(queries, image.id, locations);
}
