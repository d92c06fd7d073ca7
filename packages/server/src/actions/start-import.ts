/** POST /v2/images/{id}/import: holds the image, writes the task, starts the flow; all of it or nothing. */
import { randomUUID } from 'node:crypto';
import type { ImportRequest } from '@tintype/contract';
import { Failure } from '../base/failure.ts';
import type { Queries } from '../database/queries.ts';
import { recordEvent } from '../events/event-records.ts';
import { type Caller, factsOf } from '../identity/caller.ts';
import type { Image } from '../images/image.ts';
import { imageEvent } from '../images/image-event.ts';
import { findVisible, lockVisible, updateAndMove, type Visible } from '../images/image-records.ts';
import { type Demand, mebibytes, requireRoom } from '../images/quota-check.ts';
import { statusConflict } from '../images/status.ts';
import { insertTask } from '../images/task-records.ts';
import { activeLocations } from '../locations/location-records.ts';
import { imageCopy } from './copy-image.ts';
import { findImportSigner } from './find-import-signer.ts';
import { withBook, writeBook } from './import-book.ts';
import { glanceImport } from './import-from-glance.ts';
import { webImport } from './import-from-web.ts';
import { echoOf, type ImportOrder, readImportRequest } from './import-request.ts';
import { stagedImport } from './import-staged.ts';
import type { ActionParts, ImportMethod } from './parts.ts';
import { refinementFor } from './refinement.ts';
import type { RemoteInput } from './steps/describe-remote.ts';
import { takeOver } from './take-over.ts';

interface Kind {
  readonly rule: 'modify_image' | 'copy_image';
  /** The status that the image must have. */
  readonly needed: 'queued' | 'uploading' | 'active';
  readonly flow: string;
  /** Whether its data is unpacked and converted: not that of an image here, which is what it is. */
  readonly isRefined: boolean;
  /** What it takes of the owner's quotas to begin. */
  demand(image: Image): Demand;
}

const kinds: Readonly<Record<ImportMethod, Kind>> = {
  'glance-direct': {
    rule: 'modify_image',
    needed: 'uploading',
    flow: stagedImport,
    isRefined: true,
    demand: ({ size }) => ({ image_size_total: mebibytes(size ?? 0) }),
  },
  'web-download': {
    rule: 'modify_image',
    needed: 'queued',
    flow: webImport,
    isRefined: true,
    demand: () => ({ image_count_uploading: 1 }),
  },
  'glance-download': {
    rule: 'modify_image',
    needed: 'queued',
    flow: glanceImport,
    isRefined: true,
    demand: () => ({ image_count_uploading: 1 }),
  },
  'copy-image': {
    rule: 'copy_image',
    needed: 'active',
    flow: imageCopy,
    isRefined: false,
    demand: () => ({}),
  },
};

export interface StartImportInput {
  readonly id: string;
  readonly request: ImportRequest;
  /** X-Image-Meta-Store, or null. */
  readonly storeHeader: string | null;
  /** Of the caller, as it came: certificates and other image services are read with it. */
  readonly token: string | null;
  readonly requestId: string;
}

/** Resolves when the import is certain to be carried out, or has nothing to do. */
export async function startImport(
  parts: ActionParts,
  caller: Caller,
  input: StartImportInput,
): Promise<void> {
  const order = readImportRequest(parts, input.request, input.storeHeader);
  const seen = await findVisible(parts.database.db, parts.policy, caller, input.id);
  requireImportable(parts, caller, seen, order);
  const quotas = await parts.quotas.of(seen.image.owner);
  // What is active was verified before.
  const isCopy = order.method === 'copy-image';
  const signer = isCopy ? null : await findImportSigner(parts, seen.image, input.token);

  await parts.database.transaction(async (queries) => {
    const visible = await lockVisible(queries, parts.policy, caller, input.id);
    requireImportable(parts, caller, visible, order);
    const { image } = visible;
    const stores = await chooseStores(parts, queries, image, order);
    if (stores.length === 0) return;
    await takeOver(queries, image, parts.log);
    const { needed, flow, demand } = kinds[order.method];
    const task = randomUUID();
    await requireRoom(queries, quotas, image.owner, demand(image));
    const book = { holder: task, importing: stores, failed: [] };
    const after =
      needed === 'active'
        ? await writeBook(queries, image, book)
        : (await updateAndMove(queries, withBook(image, book), needed, 'importing'))!;
    await recordEvent(queries, imageEvent('image.update', after));
    await insertTask(queries, newTask(task, image, caller, input, order, stores), 'pending');
    const { id, owner } = image;
    const from = order.remote === null ? { uri: order.uri } : remoteSource(order.remote, caller, input);
    await parts.engine.start(queries, {
      id: task,
      flow,
      input: {
        ...{ image: id, owner, stores, signer, ...from },
        allMustSucceed: order.allMustSucceed,
        refinement: kinds[order.method].isRefined
          ? refinementFor(parts, caller, { stores, isSigned: signer !== null, isTask: false })
          : null,
      },
      project: owner,
      subject: id,
    });
  });
}

function remoteSource(remote: RemoteInput['remote'], caller: Caller, { token }: StartImportInput) {
  return { remote, token, caller: factsOf(caller) } satisfies Partial<RemoteInput>;
}

function requireImportable(
  parts: ActionParts,
  caller: Caller,
  { image, target }: Visible,
  { method }: ImportOrder,
): void {
  const { rule, needed } = kinds[method];
  parts.policy.require(rule, caller, target);
  if (image.status !== needed) throw statusConflict(image.id, image.status, needed, 'this import');
  requireFormats(image);
}

function requireFormats(image: Image): void {
  if (image.disk_format === null || image.container_format === null)
    throw new Failure(
      'import_formats_unset',
      'disk_format and container_format must be set before an image is imported.',
    );
}

/** Where the data is to go; none when a copy to all stores has nothing to do. */
async function chooseStores(
  parts: ActionParts,
  queries: Queries,
  image: Image,
  { method, stores, allStores }: ImportOrder,
): Promise<string[]> {
  const all = parts.stores.all.filter(({ readOnly }) => readOnly !== true).map(({ id }) => id);
  const unknown = stores?.find((id) => !all.includes(id));
  if (unknown !== undefined)
    throw new Failure(
      'no_such_store',
      `There is no store '${unknown}' to import into; there are: ${all.join(', ')}.`,
    );
  const wanted = allStores ? all : [...new Set(stores ?? [parts.stores.default.id])];
  if (method !== 'copy-image') return wanted;
  const has = new Set((await activeLocations(queries, image.id)).map(({ store }) => store));
  const there = wanted.find((id) => has.has(id));
  if (!allStores && there !== undefined)
    throw new Failure('store_has_image', `Image ${image.id} is already in store '${there}'.`);
  return image.size === 0 ? [] : wanted.filter((id) => !has.has(id));
}

function newTask(
  id: string,
  image: Image,
  caller: Caller,
  { request, requestId }: StartImportInput,
  order: ImportOrder,
  stores: readonly string[],
) {
  return {
    id,
    type: 'api_image_import',
    // Glance: the task belongs to whoever asks; a copy that an administrator makes is not the owner's.
    owner: caller.projectId,
    image_id: image.id,
    user_id: caller.userId,
    request_id: requestId,
    input: { image_id: image.id, import_req: echoOf(request, order), backend: stores },
    message: 'Waiting for a worker',
  };
}
