/** An image service for callers that speak the vocabulary of Image API v1, on top of v2. */
import type { DownloadOptions } from '../download-data.ts';
import type { Image } from '../image.ts';
import type { ImageClient } from '../image-client.ts';
import type { ImageBody } from '../upload-source.ts';
import { baseNames, type IsBase } from './base-names.ts';
import { changeImage } from './change-image.ts';
import { creationOf } from './creation.ts';
import { discard } from './discard.ts';
import type { OldImage, OldImageAttributes } from './old-image.ts';
import { listRequest, type OldImageQuery } from './old-query.ts';
import { type SendOptions, sendData } from './send-data.ts';
import { takeData } from './take-data.ts';
import { type NewWords, requireOneSource, toNewWords } from './to-new.ts';
import { toOldImage } from './to-old.ts';

export interface CreateOptions extends SendOptions {
  readonly data?: ImageBody;
}

export interface ReplaceOptions extends CreateOptions {
  /**
   * true: the properties given replace all that the image has, so that none given takes all away. false: they are added to
   * them. Unless said, true without data and false with data.
   */
  readonly purge_props?: boolean;
}

/**
 * Every method throws what those of ImageClient do, and VocabularyError, before anything is changed, for what the old
 * vocabulary can say and the API cannot.
 */
export class ComputeImages {
  readonly #client: ImageClient;
  #isBase: IsBase | null = null;

  constructor(client: ImageClient) {
    this.#client = client;
  }

  async show(id: string, signal?: AbortSignal): Promise<OldImage> {
    return toOldImage(await this.#client.getImage(id, signal), await this.#baseNames(signal));
  }

  /** Every match, newest first unless the query says otherwise; pages are requested as they are needed. */
  async *detail(query: OldImageQuery = {}, signal?: AbortSignal): AsyncGenerator<OldImage, void, undefined> {
    const isBase = await this.#baseNames(signal);
    const request = listRequest(query, isBase);
    let left = query.limit ?? Number.POSITIVE_INFINITY;
    if (left <= 0) return;
    for await (const image of this.#client.listImages(request.query, signal)) {
      if (!request.accepts(image)) continue;
      yield toOldImage(image, isBase);
      left -= 1;
      if (left <= 0) return;
    }
  }

  /**
   * A new image; active when it returns if there is data, or `size` is 0. When the data cannot be sent, or the server refuses
   * its `location` or `copy_from`, nothing is left behind, but an image whose id the caller chose stays queued: an id cannot
   * be used twice. Data that is copied comes later: the image is `saving`, then active, or queued again with the reason in
   * its tasks.
   */
  async create(attributes: OldImageAttributes, options: CreateOptions = {}): Promise<OldImage> {
    const { signal } = options;
    const isBase = await this.#baseNames(signal);
    const words = toNewWords(attributes, isBase);
    const { source } = words;
    requireOneSource(source, options.data);
    const isEmpty = options.data === undefined && source === null && words.data.size === 0;
    const data = isEmpty ? new Uint8Array() : options.data;
    const image = await this.#client.createImage(creationOf(words, attributes.id, isEmpty), signal);
    if (data === undefined && source === null) return toOldImage(image, isBase);
    try {
      return toOldImage(await this.#fill(image.id, words, data, options), isBase);
    } catch (thrown) {
      if (attributes.id === undefined) await discard(this.#client, image.id, image.protected);
      throw thrown;
    }
  }

  /** The image as it is afterwards. Attributes that are not given stay; for properties see `purge_props`. */
  async update(id: string, attributes: OldImageAttributes, options: ReplaceOptions = {}): Promise<OldImage> {
    const { data, signal, purge_props = data === undefined } = options;
    const isBase = await this.#baseNames(signal);
    const words = toNewWords(attributes, isBase);
    const { source } = words;
    requireOneSource(source, data);
    const change = { words, purge: purge_props, forData: data !== undefined || source !== null };
    const changed = await changeImage(this.#client, id, change, isBase, signal);
    if (data === undefined && source === null) return toOldImage(changed, isBase);
    return toOldImage(await this.#fill(id, words, data, options), isBase);
  }

  async delete(id: string, signal?: AbortSignal): Promise<void> {
    await this.#client.deleteImage(id, { signal });
  }

  /** As of ImageClient. */
  async download(id: string, options: DownloadOptions): Promise<ReadableStream<Uint8Array>> {
    return await this.#client.downloadData(id, options);
  }

  async #fill(
    id: string,
    words: NewWords,
    data: ImageBody | undefined,
    options: SendOptions,
  ): Promise<Image> {
    return data === undefined
      ? await takeData(this.#client, id, words.source!, words.data, options.signal)
      : await sendData(this.#client, id, data, words.data, options);
  }

  /** Asked for once. */
  async #baseNames(signal?: AbortSignal): Promise<IsBase> {
    this.#isBase ??= baseNames(await this.#client.imageSchema(signal));
    return this.#isBase;
  }
}
