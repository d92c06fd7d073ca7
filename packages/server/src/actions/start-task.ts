/** POST /v2/tasks: an image that comes to be with its data, which is fetched from a URL (API section 8). */
import { randomUUID } from 'node:crypto';
import type { TaskRequest } from '@tintype/contract';
import { Failure } from '../base/failure.ts';
import { parseUrl, shown } from '../base/fetch/source-url.ts';
import { recordEvent } from '../events/event-records.ts';
import type { Caller } from '../identity/caller.ts';
import { draftImage } from '../images/create.ts';
import type { Image } from '../images/image.ts';
import { imageEvent } from '../images/image-event.ts';
import { addImage, moveStatus } from '../images/image-records.ts';
import { requireRoom } from '../images/quota-check.ts';
import { findTask, insertTask, type NewTask, type Task } from '../images/task-records.ts';
import { findImportSigner } from './find-import-signer.ts';
import { writeBook } from './import-book.ts';
import { taskImport } from './import-task.ts';
import type { ActionParts } from './parts.ts';
import { refinementFor } from './refinement.ts';

export interface StartTaskInput {
  readonly request: TaskRequest;
  /** Of the caller, as it came: certificates are read with it. */
  readonly token: string | null;
  readonly requestId: string;
}

/** Resolves when the import is certain to be carried out. */
export async function startTask(parts: ActionParts, caller: Caller, input: StartTaskInput): Promise<Task> {
  parts.policy.require('tasks_api_access', caller, {});
  parts.policy.require('add_task', caller, {});
  if (!parts.importMethods.includes('web-download'))
    throw new Failure('import_method', 'This server fetches nothing: import method web-download is off.');
  const { import_from: uri } = input.request.input;
  parts.fetcher.check(uri);
  const image = draftImage(parts, caller, describedBy(input.request));
  if (image.disk_format === null)
    throw new Failure(
      'import_formats_unset',
      'Give disk_format among image_properties, or import_from_format.',
    );
  const quotas = await parts.quotas.of(image.owner);
  const signer = await findImportSigner(parts, image, input.token);
  const task = newTask(image, caller, input);
  const stores = [parts.stores.default.id];
  const refinement = refinementFor(parts, caller, { stores, isSigned: signer !== null, isTask: true });

  await parts.database.transaction(async (queries) => {
    await requireRoom(queries, quotas, image.owner, { image_count_total: 1, image_count_uploading: 1 });
    await addImage(queries, image);
    const held = await moveStatus(queries, image.id, 'queued', 'importing');
    const after = await writeBook(queries, held!, { holder: task.id, importing: stores, failed: [] });
    await recordEvent(queries, imageEvent('image.create', after));
    await insertTask(queries, task, 'pending');
    const { id, owner } = image;
    await parts.engine.start(queries, {
      id: task.id,
      flow: taskImport,
      input: { image: id, owner, stores, allMustSucceed: true, signer, uri, refinement },
      project: owner,
      subject: id,
    });
  });
  return (await findTask(parts.database, task.id))!;
}

/** Formats that nobody gives are those that the source is said to have. */
function describedBy({ input }: TaskRequest): object {
  const { import_from_format: format, image_properties: properties } = input;
  return {
    container_format: 'bare',
    ...(format === undefined ? {} : { disk_format: format }),
    ...properties,
  };
}

function newTask(image: Image, caller: Caller, { request, requestId }: StartTaskInput): NewTask {
  const { import_from: uri, ...rest } = request.input;
  return {
    id: randomUUID(),
    type: 'import',
    owner: caller.projectId,
    image_id: image.id,
    user_id: caller.userId,
    request_id: requestId,
    input: { import_from: shown(parseUrl(uri)), ...rest },
    message: 'Waiting for a worker',
  };
}
