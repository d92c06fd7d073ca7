/** POST /v2/image-exports: the data of an image goes to a URL that the caller names (seed 2). */
import { randomUUID } from 'node:crypto';
import type { ImageExportRequest } from '@tintype/contract';
import { Failure } from '../base/failure.ts';
import { parseUrl, shown } from '../base/fetch/source-url.ts';
import type { Caller } from '../identity/caller.ts';
import { insertAction } from '../images/action-records.ts';
import { findReadable } from '../images/download.ts';
import type { Image } from '../images/image.ts';
import { findVisible } from '../images/image-records.ts';
import { statusConflict } from '../images/status.ts';
import { canBeMade, canBeRead } from '../inspection/qemu-img.ts';
import type { ActionView } from './action-view.ts';
import { beginExport } from './export-image.ts';
import { actionTarget, findOwnAction } from './find-action.ts';
import type { ActionParts } from './parts.ts';

export interface StartExportInput {
  readonly request: ImageExportRequest;
  readonly requestId: string;
}

/** Resolves when the export is certain to be carried out, or its failure told. */
export async function startExport(
  parts: ActionParts,
  caller: Caller,
  { request, requestId }: StartExportInput,
): Promise<ActionView> {
  parts.policy.require('add_image_export', caller, actionTarget({ owner: caller.projectId }));
  parts.places.check(request.location);
  const image = await findExportable(parts, caller, idIn(request.image_ref));
  const to = formatFor(image, request.disk_format);
  const action = {
    id: randomUUID(),
    type: 'export',
    owner: caller.projectId,
    user_id: caller.userId,
    request_id: requestId,
    image_id: image.id,
    request: {
      image_ref: `/v2/images/${image.id}`,
      location: shown(parseUrl(request.location)),
      ...(request.disk_format === undefined ? {} : { disk_format: request.disk_format }),
    },
  } as const;

  await parts.database.transaction(async (queries) => {
    await insertAction(queries, action);
    await beginExport(parts, queries, action, {
      location: request.location,
      to,
      evenDeactivated: parts.policy.isAdmin(caller),
    });
  });
  return await findOwnAction(parts, parts.database.db, caller, { id: action.id, type: 'export' });
}

/** Whoever may download an image may have it sent. Fails as a download does, and with status_conflict while there is no data. */
export async function findExportable(parts: ActionParts, caller: Caller, id: string): Promise<Image> {
  const image = await findReadable(parts, caller, id);
  if (image !== null) return image;
  const { status } = (await findVisible(parts.database.db, parts.policy, caller, id)).image;
  throw statusConflict(id, status, 'active', 'an export');
}

function idIn(reference: string): string {
  const prefix = '/v2/images/';
  return reference.startsWith(prefix) ? reference.slice(prefix.length) : reference;
}

/** Null: it is sent as it is. Fails with bad_request. */
function formatFor(image: Image, format: string | undefined): string | null {
  if (format === undefined || format === image.disk_format) return null;
  const { container_format, disk_format, size } = image;
  if (!canBeMade(format))
    throw new Failure('bad_request', `Nothing can be converted to disk_format '${format}' here.`);
  if (container_format !== 'bare' || disk_format === null || !canBeRead(disk_format) || size === 0)
    throw new Failure(
      'bad_request',
      `An image of ${container_format} and ${disk_format} with ${size} bytes cannot be converted: leave disk_format out.`,
    );
  return format;
}
