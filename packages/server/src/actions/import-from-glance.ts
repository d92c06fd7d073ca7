/** The flow of method glance-download: an image of another image service, its data, formats and some of its properties. */
import type { Flow, StepContext } from '../flows/flow.ts';
import { createCaller } from '../identity/caller.ts';
import type { Image } from '../images/image.ts';
import { checkImageLimits } from '../policy/limits.ts';
import { derivations } from './derivations.ts';
import { endImport } from './end-import.ts';
import type { ActionParts } from './parts.ts';
import { placements } from './placements.ts';
import { activate } from './steps/activate.ts';
import { described, describeRemote, type RemoteInput, tokenHeader, urlOf } from './steps/describe-remote.ts';
import { fetchFrom, type Origin } from './steps/fetch-source.ts';
import type { FindSource } from './steps/place.ts';
import { verifyRemote } from './steps/verify-remote.ts';

export const glanceImport = 'import-from-glance';

export function importFromGlance(parts: ActionParts): Flow<RemoteInput> {
  return {
    name: glanceImport,
    secrets: ['token'],
    steps: (input) => [
      describeRemote(parts),
      fetchFrom(parts, (context, each) => originOf(parts, context, each)),
      ...(mayBeOther(input) ? [verifyRemote(parts)] : []),
      ...derivations<RemoteInput>(parts, input),
      ...placements<RemoteInput>(parts, input, mayBeOther(input) ? undefined : asThere),
      activate<RemoteInput>(parts, (context, input, image) => takenOver(parts, context, input, image)),
    ],
    failed: (context, { image }, failure) => endImport(parts, context, image, failure),
  };
}

/** The data of an image never changes, so that its digest stands for it where the service gives no ETag. */
function originOf({ regions }: ActionParts, context: StepContext, { remote, token }: RemoteInput): Origin {
  const { endpoint, size, digests } = described(context);
  const [digest] = Object.values(digests);
  return {
    fetcher: regions.fetcherFor(endpoint),
    url: `${urlOf(endpoint, remote.image)}/file`,
    headers: tokenHeader(token),
    size,
    ...(digest === undefined ? {} : { identity: `"${digest}"` }),
  };
}

/** Whether the stores may get other data than what was fetched. */
function mayBeOther({ refinement = null }: RemoteInput): boolean {
  if (refinement === null) return false;
  const { unpack, extract, convertTo, stripSnapshots = false, copies = [] } = refinement;
  return unpack || extract || convertTo !== null || stripSnapshots || copies.length > 0;
}

/** Held against what the record there says of it, on its way. */
function asThere(find: FindSource): FindSource {
  return async (image, context) => {
    const source = await find(image, context);
    return { ...source, digests: { ...source.digests, ...described(context).digests } };
  };
}

/** The record as it becomes with what is taken over; properties that the caller may not write stay as they are. */
function takenOver(
  { protections, settings }: ActionParts,
  context: StepContext,
  input: RemoteInput,
  image: Image,
): Image {
  const { disk_format, container_format, properties } = described(context);
  const caller = createCaller(input.caller);
  const allowed = Object.entries(properties).filter(([name]) => {
    const verb = Object.hasOwn(image.properties, name) ? 'update' : 'create';
    return protections.isAllowed(verb, name, caller);
  });
  const taken = { ...image, disk_format, container_format };
  const changed = { ...taken, properties: { ...image.properties, ...Object.fromEntries(allowed) } };
  checkImageLimits(settings.limits, changed, image);
  return changed;
}
