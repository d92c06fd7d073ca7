/** The client: one method for each thing an Image API does. */
import type { TaskRecord } from '@tintype/contract';
import { Connection, type ConnectionOptions } from './connection.ts';
import { type DownloadOptions, downloadData } from './download-data.ts';
import { segment } from './endpoint.ts';
import { findImage, getImage, getTaggedImage, type TaggedImage } from './find-image.ts';
import type { Image, ImageAttributes } from './image.ts';
import type { ImagePage, ImageQuery } from './image-query.ts';
import { type ImageSchema, imageSchema } from './image-schema.ts';
import { listImages, listPage } from './list-images.ts';
import { type ApiVersion, type Health, health, versions } from './server-state.ts';
import { type ImageChanges, type PatchOperation, type UpdateOptions, updateImage } from './update-image.ts';
import { type Uploaded, type UploadOptions, uploadData } from './upload-data.ts';
import type { ImageBody } from './upload-source.ts';

/** One piece of work on an image. */
export type ImageTask = Omit<TaskRecord, 'status'> & {
  readonly status: 'pending' | 'processing' | 'success' | 'failure';
};

/**
 * Every method throws ImageApiError when the server refuses, ConnectionError when it cannot be reached, ProtocolError when
 * something else answers, and the reason of `signal` when that is aborted.
 */
export class ImageClient {
  readonly #connection: Connection;

  /** Throws EndpointError. */
  constructor(options: ConnectionOptions) {
    this.#connection = new Connection(options);
  }

  /** The endpoint without version and final slash. */
  get endpoint(): string {
    return this.#connection.endpoint;
  }

  /** Needs no token. */
  async versions(signal?: AbortSignal): Promise<ApiVersion[]> {
    return await versions(this.#connection, signal);
  }

  /** Is the process alive; null from servers without such a page. */
  async health(signal?: AbortSignal): Promise<Health | null> {
    return await health(this.#connection, '/healthcheck', signal);
  }

  /** Can it serve; null from servers without such a page. */
  async readiness(signal?: AbortSignal): Promise<Health | null> {
    return await health(this.#connection, '/readyz', signal);
  }

  /** How the server describes an image; it depends on the server's settings. */
  async imageSchema(signal?: AbortSignal): Promise<ImageSchema> {
    return await imageSchema(this.#connection, signal);
  }

  async createImage(attributes: ImageAttributes, signal?: AbortSignal): Promise<Image> {
    return await this.#connection.json<Image>({
      method: 'POST',
      path: '/v2/images',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(attributes),
      signal,
    });
  }

  async getImage(id: string, signal?: AbortSignal): Promise<Image> {
    return await getImage(this.#connection, id, signal);
  }

  /** With its ETag, to change it only if nobody else did meanwhile. */
  async getTaggedImage(id: string, signal?: AbortSignal): Promise<TaggedImage> {
    return await getTaggedImage(this.#connection, id, signal);
  }

  /** By id, else by name. Throws AmbiguousNameError when several images have the name. */
  async findImage(nameOrId: string, signal?: AbortSignal): Promise<Image> {
    return await findImage(this.#connection, nameOrId, signal);
  }

  /** Every match; pages are requested as they are needed. */
  listImages(query: ImageQuery = {}, signal?: AbortSignal): AsyncGenerator<Image, void, undefined> {
    return listImages(this.#connection, query, signal);
  }

  /** One page; give the `next` of a page to get the one after it. */
  async listPage(query: ImageQuery | string = {}, signal?: AbortSignal): Promise<ImagePage> {
    return await listPage(this.#connection, query, signal);
  }

  /** The image as it is afterwards; all changes are made or none. */
  async updateImage(
    id: string,
    changes: readonly PatchOperation[] | ImageChanges,
    options: UpdateOptions = {},
  ): Promise<Image> {
    return await updateImage(this.#connection, id, changes, options);
  }

  async deleteImage(id: string, options: UpdateOptions = {}): Promise<void> {
    const headers: Record<string, string> =
      options.ifMatch === undefined ? {} : { 'If-Match': options.ifMatch };
    const path = `/v2/images/${segment(id)}`;
    await this.#send({ method: 'DELETE', path, headers, signal: options.signal });
  }

  /** Brings back an image whose deletion is delayed: for administrators. */
  async restoreImage(id: string, signal?: AbortSignal): Promise<void> {
    await this.#send({ method: 'POST', path: `/v2/images/${segment(id)}/actions/restore`, signal });
  }

  /** Nothing happens when the image has the tag already. */
  async addTag(id: string, tag: string, signal?: AbortSignal): Promise<void> {
    await this.#send({ method: 'PUT', path: `/v2/images/${segment(id)}/tags/${segment(tag)}`, signal });
  }

  /** Throws ImageApiError `tag_not_found` when the image has no such tag. */
  async removeTag(id: string, tag: string, signal?: AbortSignal): Promise<void> {
    await this.#send({ method: 'DELETE', path: `/v2/images/${segment(id)}/tags/${segment(tag)}`, signal });
  }

  /** Resolves when the server has the data safe. */
  async uploadData(id: string, body: ImageBody, options: UploadOptions = {}): Promise<Uploaded> {
    return await uploadData(this.#connection, id, body, options);
  }

  /** A stream that ends well only when all bytes came and, with `verify`, their digest is right. */
  async downloadData(image: Image | string, options: DownloadOptions): Promise<ReadableStream<Uint8Array>> {
    return await downloadData(this.#connection, image, options);
  }

  /** What was done to an image and how it ended, newest first. */
  async listTasks(id: string, signal?: AbortSignal): Promise<ImageTask[]> {
    const path = `/v2/images/${segment(id)}/tasks`;
    return (
      (await this.#connection.json<{ tasks?: ImageTask[] }>({ method: 'GET', path, signal })).tasks ?? []
    );
  }

  async #send(request: Parameters<Connection['send']>[0]): Promise<void> {
    const answer = await this.#connection.send(request);
    await answer.body?.cancel();
  }
}
