/** What others are told of an image: the fields are those of the reference's notifications. */
import type { Failure } from '../base/failure.ts';
import { seconds } from '../base/time.ts';
import { currentTime } from '../database/clock.ts';
import { deletedAt, type NewEvent, type Payload } from '../events/event.ts';
import type { Image } from './image.ts';

/** Where the bytes are is not among it: it may have credentials in it. */
function payloadOf(image: Image): Payload {
  return {
    id: image.id,
    name: image.name,
    status: image.status,
    created_at: seconds(image.created_at),
    updated_at: seconds(image.updated_at),
    min_disk: image.min_disk,
    min_ram: image.min_ram,
    protected: image.protected,
    checksum: image.checksum,
    owner: image.owner,
    disk_format: image.disk_format,
    container_format: image.container_format,
    size: image.size,
    virtual_size: image.virtual_size,
    is_public: image.visibility === 'public',
    visibility: image.visibility,
    properties: image.properties,
    tags: image.tags,
    deleted: false,
    deleted_at: null,
  };
}

/** `image` as it is afterwards. */
export function imageEvent(
  type: 'image.create' | 'image.update' | 'image.activate',
  image: Image,
  more: Payload = {},
): NewEvent {
  const payload = { ...payloadOf(image), ...more };
  return { type, priority: 'info', project: image.owner, imageId: image.id, payload };
}

/** `image` as it was. */
export function imageDeletion(image: Image, status: 'deleted' | 'pending_delete' = 'deleted'): NewEvent {
  const payload = { ...payloadOf({ ...image, status }), ...deletedAt(seconds(currentTime())) };
  return { type: 'image.delete', priority: 'info', project: image.owner, imageId: image.id, payload };
}

/** Data is about to come, or has come, into a store. */
export function dataEvent(type: 'image.prepare' | 'image.upload', image: Image, store: string): NewEvent {
  const list = (name: string) => (image.properties[name] ?? '').split(',').filter((one) => one !== '');
  const payload = {
    ...payloadOf(image),
    os_glance_importing_to_stores: list('os_glance_importing_to_stores'),
    os_glance_failed_import: list('os_glance_failed_import'),
    backend: store,
  };
  return { type, priority: 'info', project: image.owner, imageId: image.id, payload };
}

/** No data came, for the reason told. */
export function failedUpload(image: Image, { code, message }: Pick<Failure, 'code' | 'message'>): NewEvent {
  const payload = { id: image.id, owner: image.owner, code, message };
  return { type: 'image.upload', priority: 'error', project: image.owner, imageId: image.id, payload };
}
