/** Begins a copy of an active image in another format: holds the image, writes the task, starts the flow; all of it or nothing. */
import { randomUUID } from 'node:crypto';
import { Failure } from '../base/failure.ts';
import { recordEvent } from '../events/event-records.ts';
import type { Caller } from '../identity/caller.ts';
import type { Image } from '../images/image.ts';
import { imageEvent } from '../images/image-event.ts';
import { lockVisible } from '../images/image-records.ts';
import { statusConflict } from '../images/status.ts';
import { insertTask, type Task } from '../images/task-records.ts';
import { canBeMade, canBeRead, type TargetFormat } from '../inspection/qemu-img.ts';
import { derivedCopies } from '../locations/derived-records.ts';
import { copyDerivation } from './derive-copy.ts';
import { writeBook } from './import-book.ts';
import type { ActionParts } from './parts.ts';
import type { PlaceInput } from './steps/place.ts';
import { takeOver } from './take-over.ts';

/** What its task has of it, beside the method. */
interface Derivation {
  readonly stores: readonly [string];
  readonly disk_format: string;
}

interface DerivationInput {
  /** Of the image. */
  readonly id: string;
  /** Its id. */
  readonly store: string;
  readonly diskFormat: string;
  readonly requestId: string;
}

/**
 * Resolves when the copy is certain to be made. Fails with no_such_store, status_conflict, conversion_failed when there is no
 * way from the one format to the other, replica_exists or image_busy.
 */
export async function startDerivation(
  parts: ActionParts,
  caller: Caller,
  input: DerivationInput,
): Promise<void> {
  const { store, diskFormat } = input;
  const target = parts.stores.byId(store);
  if (target === undefined || target.readOnly === true)
    throw new Failure('no_such_store', `There is no store '${store}' to put copies into.`);
  await parts.database.transaction(async (queries) => {
    const visible = await lockVisible(queries, parts.policy, caller, input.id);
    const { image } = visible;
    parts.policy.require('copy_image', caller, visible.target);
    if (image.status !== 'active') throw statusConflict(image.id, image.status, 'active', 'a copy');
    const convertTo = requireWay(image, diskFormat);
    const copies = await derivedCopies(queries, image.id);
    if (copies.some((copy) => copy.store === store && copy.disk_format === diskFormat))
      throw new Failure(
        'replica_exists',
        `Image ${image.id} is already in store '${store}' as ${diskFormat}.`,
      );
    await takeOver(queries, image, parts.log);
    const task = randomUUID();
    const { id, owner } = image;
    // No import: clients that wait for its stores would wait for a copy of the data as it is.
    const after = await writeBook(queries, image, { holder: task, importing: [], failed: [] });
    await recordEvent(queries, imageEvent('image.update', after));
    await insertTask(queries, newTask(task, image, caller, input), 'pending');
    const refinement = {
      unpack: false,
      extract: false,
      convertTo,
      compress: parts.refining.compress,
      inject: {},
    };
    const order: PlaceInput = {
      ...{ image: id, owner, stores: [store], allMustSucceed: true, signer: null },
      refinement,
    };
    await parts.engine.start(queries, {
      ...{ id: task, flow: copyDerivation, input: order },
      ...{ project: owner, subject: id },
    });
  });
}

function requireWay({ id, disk_format, container_format, size }: Image, to: string): TargetFormat {
  const isDisk = container_format === 'bare' && (size ?? 0) > 0;
  if (isDisk && canBeRead(disk_format ?? '') && canBeMade(to)) return to;
  throw new Failure(
    'conversion_failed',
    `Image ${id}, ${disk_format} in ${container_format}, cannot be converted to '${to.slice(0, 80)}'.`,
  );
}

function newTask(
  id: string,
  image: Image,
  caller: Caller,
  { store, diskFormat, requestId }: DerivationInput,
) {
  return {
    id,
    type: 'api_image_import',
    owner: caller.projectId,
    image_id: image.id,
    user_id: caller.userId,
    request_id: requestId,
    input: {
      image_id: image.id,
      import_req: { method: { name: 'copy-image' }, stores: [store], disk_format: diskFormat },
      backend: [store],
    },
    message: 'Waiting for a worker',
  };
}

/** The copy that a task makes, when it makes one in another format. */
export function derivationOf(task: Task | undefined): { store: string; diskFormat: string } | null {
  const { stores, disk_format: diskFormat } = (task?.input.import_req ?? {}) as Partial<Derivation>;
  return diskFormat === undefined || stores === undefined ? null : { store: stores[0], diskFormat };
}
