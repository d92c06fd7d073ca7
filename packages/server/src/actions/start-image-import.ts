/** POST /v2/image-imports: an image that comes to be with its data, and of which nothing is seen before (seed 2). */
import { randomUUID } from 'node:crypto';
import { digestLengths, type ImageImportRequest } from '@tintype/contract';
import { Failure } from '../base/failure.ts';
import { parseUrl, shown } from '../base/fetch/source-url.ts';
import type { Caller } from '../identity/caller.ts';
import { insertAction, type NewAction } from '../images/action-records.ts';
import { draftImage } from '../images/create.ts';
import { insertDraft } from '../images/draft-records.ts';
import type { Image } from '../images/image.ts';
import { mebibytes, requireRoom } from '../images/quota-check.ts';
import { checkAnnouncedSize } from '../images/receive.ts';
import { insertTask, type NewTask } from '../images/task-records.ts';
import type { ActionView } from './action-view.ts';
import { actionTarget, findOwnAction } from './find-action.ts';
import { findImportSigner } from './find-import-signer.ts';
import { writeBook } from './import-book.ts';
import { beginImageImport, storesOf } from './import-image.ts';
import type { ActionParts } from './parts.ts';

export interface StartImageImportInput {
  readonly request: ImageImportRequest;
  /** Of the caller, as it came: certificates are read with it. */
  readonly token: string | null;
  readonly requestId: string;
}

/** Resolves when the import is certain to be carried out, or its failure told. */
export async function startImageImport(
  parts: ActionParts,
  caller: Caller,
  input: StartImageImportInput,
): Promise<ActionView> {
  const { request } = input;
  parts.policy.require('add_image_import', caller, actionTarget({ owner: caller.projectId }));
  const uri = readLocation(parts, request);
  checkDigest(request);
  checkAnnouncedSize(request.size ?? null, parts.settings.sizeCap);
  const draft: Image = { ...draftImage(parts, caller, describedBy(request)), status: 'importing' };
  requireFormat(parts, draft);
  checkStores(parts, request);
  const stores = storesOf(parts, request.stores);
  const quotas = await parts.quotas.of(draft.owner);
  const signer = await findImportSigner(parts, draft, input.token);
  const action = newAction(draft, caller, input, uri);

  await parts.database.transaction(async (queries) => {
    await requireRoom(queries, quotas, draft.owner, {
      image_count_total: 1,
      image_count_uploading: 1,
      image_size_total: mebibytes(request.size ?? 0),
    });
    await insertAction(queries, action);
    await insertDraft(queries, draft);
    await writeBook(queries, draft, { holder: action.id, importing: stores, failed: [] });
    await insertTask(queries, newTask(action.id, draft, caller, input, uri, stores), 'pending');
    if (uri !== null) await beginImageImport(parts, queries, action, draft, { signer, uri, caller });
  });
  return await findOwnAction(parts, parts.database.db, caller, { id: action.id, type: 'import' });
}

/** The URL to fetch: it may be fetched as far as it tells. Null: the data will be sent. */
function readLocation(
  { importMethods, fetcher }: Pick<ActionParts, 'importMethods' | 'fetcher'>,
  { location, upload }: ImageImportRequest,
): string | null {
  if ((location === undefined) === (upload === undefined))
    throw new Failure('bad_request', 'Give the URL of the data as location, or upload: true to send it.');
  if (location === undefined) {
    if (importMethods.includes('glance-direct')) return null;
    throw new Failure(
      'import_method',
      'Nothing can be sent to this server: import method glance-direct is off.',
    );
  }
  if (!importMethods.includes('web-download'))
    throw new Failure('import_method', 'This server fetches nothing: import method web-download is off.');
  fetcher.check(location);
  return location;
}

function checkDigest({ expected }: ImageImportRequest): void {
  if (expected === undefined || expected.value.length === digestLengths[expected.algorithm]) return;
  throw new Failure('bad_request', `expected.value is not a digest of ${expected.algorithm} in hex.`);
}

function describedBy({ image_properties: properties, disk_format: format }: ImageImportRequest): object {
  if (Object.hasOwn(properties, 'id'))
    throw new Failure('bad_request', 'image_properties must not have an id: the image gets one in the end.');
  const inside = (properties as { disk_format?: unknown }).disk_format;
  if (format !== undefined && inside !== undefined && inside !== format)
    throw new Failure('bad_request', 'disk_format and image_properties name two formats: give one.');
  return {
    container_format: 'bare',
    ...(format === undefined ? {} : { disk_format: format }),
    ...properties,
  };
}

/** The format of a bare disk is found out; what a container holds is for its owner to say. */
function requireFormat({ settings }: Pick<ActionParts, 'settings'>, draft: Image): void {
  if (draft.container_format === null || (draft.disk_format === null && draft.container_format !== 'bare'))
    throw new Failure('bad_request', 'Give disk_format: it can be found out only in container_format bare.');
  if (draft.disk_format === null && !settings.requireFormatMatch)
    throw new Failure('bad_request', 'Give disk_format: this server does not look what data is.');
}

/** Fails with unknown_store. */
function checkStores({ stores }: Pick<ActionParts, 'stores'>, request: ImageImportRequest): void {
  const all = stores.all.filter(({ readOnly }) => readOnly !== true).map(({ id }) => id);
  const unknown = request.stores?.find((id) => !all.includes(id));
  if (unknown !== undefined)
    throw new Failure(
      'unknown_store',
      `There is no store '${unknown}' to import into; there are: ${all.join(', ')}.`,
    );
}

function newAction(
  draft: Image,
  caller: Caller,
  { request, requestId }: StartImageImportInput,
  uri: string | null,
): NewAction {
  return {
    id: randomUUID(),
    type: 'import',
    owner: caller.projectId,
    user_id: caller.userId,
    request_id: requestId,
    image_id: draft.id,
    request: { ...request, ...(uri === null ? {} : { location: shown(parseUrl(uri)) }) },
  };
}

function newTask(
  id: string,
  draft: Image,
  caller: Caller,
  { requestId }: StartImageImportInput,
  uri: string | null,
  stores: readonly string[],
): NewTask {
  const fetched = uri === null ? null : { name: 'web-download', uri: shown(parseUrl(uri)) };
  const method = fetched ?? { name: 'glance-direct' };
  return {
    id,
    type: 'api_image_import',
    owner: caller.projectId,
    image_id: draft.id,
    user_id: caller.userId,
    request_id: requestId,
    input: { image_id: draft.id, import_req: { method, stores }, backend: stores },
    message: uri === null ? 'Waiting for its data' : 'Waiting for a worker',
  };
}
