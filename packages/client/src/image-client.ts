/** The client: one method for each thing an Image API does. */
import type { TaskRecord } from '@tintype/contract';
import {
  type ActionQuery,
  getAction,
  type ImageAction,
  type ImageCloneRequest,
  type ImageExportRequest,
  type ImageImportRequest,
  listActions,
  startClone,
  startExport,
  startImport,
  tellAction,
  type WaitOptions,
  waitForAction,
} from './actions.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import { type DownloadOptions, downloadData } from './download-data.ts';
import { segment } from './endpoint.ts';
import { findImage, getImage, getTaggedImage, type TaggedImage } from './find-image.ts';
import type { Image, ImageAttributes } from './image.ts';
import { imageAs } from './image-as.ts';
import {
  addMember,
  answerSharing,
  type ImageMember,
  listMembers,
  type MemberStatus,
  removeMember,
} from './image-members.ts';
import type { ImagePage, ImageQuery } from './image-query.ts';
import { type ImageSchema, imageSchema } from './image-schema.ts';
import {
  addLocation,
  type ImageLocation,
  type ImportOrder,
  importImage,
  importMethods,
  listLocations,
  type ValidationData,
} from './import-data.ts';
import { listImages, listPage } from './list-images.ts';
import { NodeCache } from './node-cache.ts';
import { type ApiVersion, type Health, health, versions } from './server-state.ts';
import { type ImageChanges, type PatchOperation, type UpdateOptions, updateImage } from './update-image.ts';
import { type Uploaded, type UploadOptions, uploadData } from './upload-data.ts';
import type { ImageBody } from './upload-source.ts';
import { type ImageEvent, type WatchOptions, watchEvents } from './watch-events.ts';

/** One piece of work on an image. */
export type ImageTask = Omit<TaskRecord, 'status'> & {
  readonly status: 'pending' | 'processing' | 'success' | 'failure';
};

/**
 * Every method throws ImageApiError when the server refuses, ConnectionError when it cannot be reached, ProtocolError when
 * something else answers, and the reason of `signal` when that is aborted.
 */
export class ImageClient {
  /** Copies that the node keeps which answers. */
  readonly cache: NodeCache;
  readonly #connection: Connection;

  /** Throws EndpointError. */
  constructor(options: ConnectionOptions) {
    this.#connection = new Connection(options);
    this.cache = new NodeCache(this.#connection);
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

  /** Its data is for administrators only from now on. Nothing happens when it is deactivated already. */
  async deactivateImage(id: string, signal?: AbortSignal): Promise<void> {
    await this.#send({ method: 'POST', path: `/v2/images/${segment(id)}/actions/deactivate`, signal });
  }

  /** Nothing happens when the image is active already. */
  async reactivateImage(id: string, signal?: AbortSignal): Promise<void> {
    await this.#send({ method: 'POST', path: `/v2/images/${segment(id)}/actions/reactivate`, signal });
  }

  /** The projects that a shared image is shared with; of a project that is one of them, only itself. */
  async listMembers(id: string, signal?: AbortSignal): Promise<ImageMember[]> {
    return await listMembers(this.#connection, id, signal);
  }

  /** The project can read the image by its id from now on, and has it in its lists once it has accepted it. */
  async addMember(id: string, project: string, signal?: AbortSignal): Promise<ImageMember> {
    return await addMember(this.#connection, id, project, signal);
  }

  /** For the project itself: whether the image is in its lists. */
  async answerSharing(
    id: string,
    project: string,
    status: MemberStatus,
    signal?: AbortSignal,
  ): Promise<ImageMember> {
    return await answerSharing(this.#connection, id, project, status, signal);
  }

  /** Throws ImageApiError `member_not_found` when the image is not shared with the project. */
  async removeMember(id: string, project: string, signal?: AbortSignal): Promise<void> {
    await removeMember(this.#connection, id, project, signal);
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

  /** The record with size and digests of the copy that it has in this format; null in both when there is none. */
  async imageAs(image: Image, diskFormat: string, signal?: AbortSignal): Promise<Image> {
    return await imageAs(this.#connection, image, diskFormat, signal);
  }

  /** A stream that ends well only when all bytes came and, with `verify`, their digest is right. */
  async downloadData(image: Image | string, options: DownloadOptions): Promise<ReadableStream<Uint8Array>> {
    return await downloadData(this.#connection, image, options);
  }

  /** What `importImage` can be told to do; none: the server imports nothing. */
  async importMethods(signal?: AbortSignal): Promise<string[]> {
    return await importMethods(this.#connection, signal);
  }

  /** Resolves when the server has taken the work on. How it goes is in the image, how it ends in `listTasks`. */
  async importImage(id: string, order: ImportOrder, signal?: AbortSignal): Promise<void> {
    await importImage(this.#connection, id, order, signal);
  }

  /**
   * The data of a queued image is at `url` already. Active when it resolves; with `validation` once the server has compared, and
   * queued again when the data is something else.
   */
  async addLocation(
    id: string,
    url: string,
    validation?: ValidationData,
    signal?: AbortSignal,
  ): Promise<void> {
    await addLocation(this.#connection, id, url, validation, signal);
  }

  /** For services and administrators. */
  async listLocations(id: string, signal?: AbortSignal): Promise<ImageLocation[]> {
    return await listLocations(this.#connection, id, signal);
  }

  /** What was done to an image and how it ended, newest first. */
  async listTasks(id: string, signal?: AbortSignal): Promise<ImageTask[]> {
    const path = `/v2/images/${segment(id)}/tasks`;
    return (
      (await this.#connection.json<{ tasks?: ImageTask[] }>({ method: 'GET', path, signal })).tasks ?? []
    );
  }

  /** An image that comes to be with its data, which the server fetches: there is none before. */
  async startImport(request: ImageImportRequest, signal?: AbortSignal): Promise<ImageAction> {
    return await startImport(this.#connection, request, signal);
  }

  /** The image comes to be in another region, too; the server shows the client's token there. */
  async startClone(request: ImageCloneRequest, signal?: AbortSignal): Promise<ImageAction> {
    return await startClone(this.#connection, request, signal);
  }

  /** The data of an image goes to a URL that takes it with PUT, where the server sends it. */
  async startExport(request: ImageExportRequest, signal?: AbortSignal): Promise<ImageAction> {
    return await startExport(this.#connection, request, signal);
  }

  /** An import, an export, or other work of one's project. */
  async getAction(id: string, signal?: AbortSignal): Promise<ImageAction> {
    return await getAction(this.#connection, id, signal);
  }

  /** Newest first; pages are requested as they are needed. */
  listActions(query: ActionQuery = {}, signal?: AbortSignal): AsyncGenerator<ImageAction, void, undefined> {
    return listActions(this.#connection, query, signal);
  }

  /** What failed goes on at the step that failed. Throws ImageApiError `flow_state` when it kept nothing for that. */
  async retryAction(id: string, signal?: AbortSignal): Promise<void> {
    await tellAction(this.#connection, id, 'retry', signal);
  }

  /** Ends it, and takes back what it did; its record stays for a while. */
  async cancelAction(id: string, signal?: AbortSignal): Promise<void> {
    await tellAction(this.#connection, id, 'cancel', signal);
  }

  /** Ends it, takes back what it did, and forgets it; an image that is there stays. */
  async forgetAction(id: string, signal?: AbortSignal): Promise<void> {
    await tellAction(this.#connection, id, 'forget', signal);
  }

  /** Resolves when it has ended, however that was. */
  async waitForAction(id: string, options: WaitOptions = {}): Promise<ImageAction> {
    return await waitForAction(this.#connection, id, options);
  }

  /** What happens on the server, for as long as it is iterated. */
  watchEvents(options: WatchOptions = {}): AsyncGenerator<ImageEvent, void, undefined> {
    return watchEvents(this.#connection, options);
  }

  async #send(request: Parameters<Connection['send']>[0]): Promise<void> {
    const answer = await this.#connection.send(request);
    await answer.body?.cancel();
  }
}
