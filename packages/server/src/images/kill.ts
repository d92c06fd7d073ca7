/** An image that nothing will come of: killed, unlisted, and the reason in its tasks for as long as it can be shown. */
import { randomUUID } from 'node:crypto';
import { Failure } from '../base/failure.ts';
import type { Queries } from '../database/queries.ts';
import { notifyIn } from '../database/topics.ts';
import { recordEvent } from '../events/event-records.ts';
import { cancelFlows } from '../flows/flow-cancel.ts';
import type { Location } from '../locations/location-records.ts';
import type { Image } from './image.ts';
import { imageEvent } from './image-event.ts';
import { moveStatus, noData } from './image-records.ts';
import { doomStaged } from './staged-records.ts';
import { insertFailure } from './task-records.ts';

/** Announced to every server process: `{ id }`. */
export const imageKilled = 'image-killed';

export interface Killing {
  readonly type: 'fail' | 'expire';
  readonly code: 'image_failed' | 'image_expired';
  /** Why, as the owner reads it. */
  readonly message: string;
  readonly userId: string | null;
  readonly requestId: string | null;
}

/** The caller holds the image's row. Resolves with what has to be removed now. */
export async function killImage(queries: Queries, image: Image, killing: Killing): Promise<Location[]> {
  const { type, code, message, userId, requestId } = killing;
  if (image.status === 'importing') await moveStatus(queries, image.id, 'importing', 'queued', noData);
  const from = image.status === 'importing' ? 'queued' : image.status;
  const killed = await moveStatus(queries, image.id, from, 'killed', noData);
  await recordEvent(queries, imageEvent('image.update', killed!));
  await cancelFlows(queries, { subject: image.id });
  const task = {
    id: randomUUID(),
    type,
    owner: image.owner,
    image_id: image.id,
    user_id: userId,
    request_id: requestId,
    input: {},
    message,
  };
  await insertFailure(queries, task, { error: { code, message } });
  await notifyIn(queries, imageKilled, { id: image.id });
  return await doomStaged(queries, image.id);
}

/** What an upload to such an image ends with. */
export function killedMeanwhile(imageId: string): Failure {
  return new Failure('image_failed', `Image ${imageId} was given up during the upload: its tasks tell why.`);
}
