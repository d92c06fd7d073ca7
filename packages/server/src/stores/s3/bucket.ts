/** The requests that an s3 store makes: each repeated when that helps, each failure told. */
import { createHash, webcrypto } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  ListPartsCommand,
  type ListPartsCommandOutput,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { Failure } from '../../base/failure.ts';
import type { OpenedObject } from '../open-reader.ts';
import { type RetryRules, retrying } from '../retry.ts';
import type { ByteRange, StoreCapacity } from '../store.ts';
import { createClient } from './client.ts';
import { isMissing, mayBeRotated, passes, statusOf, told } from './errors.ts';
import type { S3StoreOptions } from './options.ts';
import { presign } from './presign.ts';
import { askingForRoom, capacityIn, type Headers } from './room.ts';

const binary = 'application/octet-stream';

export interface Unfinished {
  readonly key: string;
  readonly upload: string;
  readonly begun: Date;
}

/** Names are those of objects in the bucket, with the prefix. */
export class Bucket {
  readonly #client: S3Client;
  /** As clients of ours reach it; only signs. */
  readonly #outside: S3Client;
  readonly #options: S3StoreOptions;
  readonly #retry: RetryRules;
  readonly #passes: (error: unknown) => boolean;
  /** Whether the server knows `If-None-Match: *`; Swift does not. */
  #conditional = true;

  constructor(options: S3StoreOptions) {
    this.#client = createClient(options);
    this.#outside = createClient({ ...options, endpoint: options.redirectEndpoint ?? options.endpoint });
    this.#options = options;
    this.#retry = { withinMs: options.idleTimeout * 500, delayMs: 200, attempts: 5 };
    this.#passes = (error) => passes(error) || (options.credentialsFile !== null && mayBeRotated(error));
  }

  /** Fails unless the bucket is there and ours. */
  async check(): Promise<void> {
    await this.#call((abortSignal) =>
      this.#client.send(new HeadBucketCommand(this.#bucket), { abortSignal }),
    );
  }

  /** Fails as `check`. */
  async capacity(): Promise<StoreCapacity> {
    let headers: Headers = {};
    await this.#call((abortSignal) => {
      const command = askingForRoom(new HeadBucketCommand(this.#bucket), (told) => {
        headers = told;
      });
      return this.#client.send(command, { abortSignal });
    });
    return capacityIn(headers);
  }

  /** Null when there is none. */
  async head(name: string): Promise<{ size: number } | null> {
    try {
      const command = new HeadObjectCommand(this.#at(name));
      const { ContentLength } = await this.#ask((abortSignal) => this.#client.send(command, { abortSignal }));
      return { size: ContentLength ?? 0 };
    } catch (error) {
      if (!isMissing(error)) throw this.#told(error);
      // To a HEAD the server does not say what is not there.
      await this.check();
      return null;
    }
  }

  /** Null when there is none; fails with range_not_satisfiable when `first` is beyond its end. */
  async get(
    name: string,
    range: ByteRange | null,
    etag: string | null,
    signal?: AbortSignal,
  ): Promise<OpenedObject | null> {
    const command = new GetObjectCommand({
      ...this.#at(name),
      ...(range === null ? {} : { Range: `bytes=${range.first}-${range.last}` }),
      ...(etag === null ? {} : { IfMatch: etag }),
    });
    try {
      const answer = await this.#ask((abortSignal) => this.#client.send(command, { abortSignal }), signal);
      const total = /\/(\d+)$/.exec(answer.ContentRange ?? '')?.[1];
      const body = answer.Body as unknown as IncomingMessage;
      const size = Number(total ?? answer.ContentLength);
      if (Number.isSafeInteger(size)) return { body, size, etag: answer.ETag ?? null };
      body.destroy();
      throw this.#lost('does not say how large an object is');
    } catch (error) {
      if (statusOf(error) === 416)
        throw new Failure('range_not_satisfiable', 'The object ends before this range.', { cause: error });
      if (isMissing(error)) return null;
      if (statusOf(error) === 412) throw this.#lost('has another object there now', error);
      throw this.#told(error);
    }
  }

  /** In one piece; fails with image_exists, or when the server has understood other bytes. */
  async put(name: string, bytes: Buffer): Promise<void> {
    const digest = await sha256(bytes);
    const send = (condition: object) => {
      const input = { ...this.#at(name), ...this.#encryption, ...condition, ContentType: binary };
      const command = new PutObjectCommand({ ...input, Body: bytes, ContentLength: bytes.length });
      return this.#client.send(signedWith(command, digest));
    };
    const answer = await this.#onlyNew(send);
    const hasMd5 = answer.ServerSideEncryption === undefined || answer.ServerSideEncryption === 'AES256';
    const etag = answer.ETag?.replaceAll('"', '') ?? '';
    if (!hasMd5 || !/^[0-9a-f]{32}$/i.test(etag)) return;
    if (createHash('md5').update(bytes).digest('hex') !== etag.toLowerCase())
      throw this.#lost('has taken other bytes than it was sent');
  }

  async beginUpload(name: string): Promise<string> {
    const command = new CreateMultipartUploadCommand({
      ...this.#at(name),
      ...this.#encryption,
      ContentType: binary,
    });
    const { UploadId } = await this.#call((abortSignal) => this.#client.send(command, { abortSignal }));
    return UploadId!;
  }

  async putPart(
    name: string,
    upload: string,
    number: number,
    bytes: Buffer,
    signal: AbortSignal,
  ): Promise<CompletedPart> {
    const digest = await sha256(bytes);
    const send = (abortSignal?: AbortSignal) => {
      const input = { ...this.#at(name), UploadId: upload, PartNumber: number };
      const command = new UploadPartCommand({ ...input, Body: bytes, ContentLength: bytes.length });
      return this.#client.send(signedWith(command, digest), { abortSignal });
    };
    const { ETag } = await this.#call(send, signal);
    return { PartNumber: number, ETag };
  }

  /** Fails with image_exists where the server can tell. */
  async finishUpload(name: string, upload: string, parts: readonly CompletedPart[]): Promise<void> {
    const send = async (condition: object) => {
      const input = { ...this.#at(name), UploadId: upload, MultipartUpload: { Parts: [...parts] } };
      return await this.#client.send(new CompleteMultipartUploadCommand({ ...input, ...condition }));
    };
    await this.#onlyNew(send);
  }

  /** An upload that is not there any more is fine. */
  async abortUpload(name: string, upload: string, signal?: AbortSignal): Promise<void> {
    const command = new AbortMultipartUploadCommand({ ...this.#at(name), UploadId: upload });
    try {
      await this.#ask((abortSignal) => this.#client.send(command, { abortSignal }), signal);
    } catch (error) {
      if (statusOf(error) !== 404) throw this.#told(error);
    }
  }

  async delete(name: string, signal?: AbortSignal): Promise<void> {
    const command = new DeleteObjectCommand(this.#at(name));
    try {
      await this.#ask((abortSignal) => this.#client.send(command, { abortSignal }), signal);
    } catch (error) {
      if (!isMissing(error)) throw this.#told(error);
    }
  }

  /** At which it can be read by whoever has the URL. */
  async signedUrlOf(name: string): Promise<string> {
    try {
      return await presign(
        this.#outside,
        new GetObjectCommand(this.#at(name)),
        this.#options.redirectSeconds,
      );
    } catch (error) {
      throw this.#told(error);
    }
  }

  async *list(prefix: string): AsyncGenerator<{ name: string; size: number; storedAt: Date }> {
    let token: string | undefined;
    do {
      const command = new ListObjectsV2Command({
        ...this.#bucket,
        Prefix: prefix,
        ContinuationToken: token,
      });
      const page: ListObjectsV2CommandOutput = await this.#call((abortSignal) =>
        this.#client.send(command, { abortSignal }),
      );
      for (const { Key, Size = 0, LastModified = new Date() } of page.Contents ?? [])
        yield { name: Key!, size: Size, storedAt: LastModified };
      token = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  async *unfinished(prefix: string): AsyncGenerator<Unfinished> {
    let marker: { KeyMarker?: string; UploadIdMarker?: string } | null = {};
    while (marker !== null) {
      const command = new ListMultipartUploadsCommand({ ...this.#bucket, Prefix: prefix, ...marker });
      const page: ListMultipartUploadsCommandOutput = await this.#call((abortSignal) =>
        this.#client.send(command, { abortSignal }),
      );
      for (const { Key, UploadId, Initiated } of page.Uploads ?? [])
        yield { key: Key!, upload: UploadId!, begun: Initiated ?? new Date() };
      marker = page.IsTruncated
        ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker }
        : null;
    }
  }

  /** When its last part came; null when it has none. */
  async lastPart(name: string, upload: string): Promise<Date | null> {
    let last: Date | null = null;
    let marker: string | undefined = '0';
    while (marker !== undefined) {
      const input = { ...this.#at(name), UploadId: upload, PartNumberMarker: marker };
      const command = new ListPartsCommand(input);
      const page: ListPartsCommandOutput = await this.#call((abortSignal) =>
        this.#client.send(command, { abortSignal }),
      );
      for (const { LastModified = null } of page.Parts ?? [])
        if (last === null || (LastModified !== null && LastModified > last)) last = LastModified;
      marker = page.IsTruncated ? String(page.NextPartNumberMarker) : undefined;
    }
    return last;
  }

  close(): void {
    this.#client.destroy();
    this.#outside.destroy();
  }

  get #bucket(): { Bucket: string } {
    return { Bucket: this.#options.bucket };
  }

  #at(name: string): { Bucket: string; Key: string } {
    return { ...this.#bucket, Key: name };
  }

  get #encryption(): object {
    const { encryption, kmsKeyId } = this.#options;
    if (encryption === 'none') return {};
    const key = encryption === 'aws:kms' && kmsKeyId !== null ? { SSEKMSKeyId: kmsKeyId } : {};
    return { ServerSideEncryption: encryption, ...key };
  }

  /**
   * A call that shall replace no object. Repeated, it comes without the condition: the object may be its own then, and so
   * may an upload that is not there any more.
   */
  async #onlyNew<T>(send: (condition: object) => Promise<T>): Promise<T> {
    let calls = 0;
    const once = () => {
      calls += 1;
      return send(calls === 1 && this.#conditional ? { IfNoneMatch: '*' } : {});
    };
    try {
      return await this.#ask(once);
    } catch (error) {
      if (statusOf(error) !== 501 || !this.#conditional) throw this.#told(error);
      this.#conditional = false;
      return await this.#call(once);
    }
  }

  async #call<T>(send: (signal?: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    try {
      return await this.#ask(send, signal);
    } catch (error) {
      signal?.throwIfAborted();
      throw this.#told(error);
    }
  }

  #ask<T>(send: (signal?: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return retrying(this.#retry, this.#passes, signal, () => send(signal));
  }

  #lost(what: string, cause?: unknown): Failure {
    return new Failure('store_unavailable', `Store ${this.#options.id} ${what}.`, { cause });
  }

  #told(error: unknown): unknown {
    return told(error, this.#options.id);
  }
}

/** In another thread: the one here has enough to do with the data. */
async function sha256(bytes: Buffer): Promise<string> {
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)).toString(
    'hex',
  );
}

interface Signable {
  readonly middlewareStack: {
    add(
      middleware: (next: (args: { request: unknown }) => unknown) => (args: { request: unknown }) => unknown,
      options: { step: 'build' },
    ): void;
  };
}

/** The server holds the body against the digest that was signed; the SDK need not compute it once more. */
function signedWith<Command>(command: Command, digest: string): Command {
  (command as Signable).middlewareStack.add(
    (next) => (args) => {
      (args.request as { headers: Record<string, string> }).headers['x-amz-content-sha256'] = digest;
      return next(args);
    },
    { step: 'build' },
  );
  return command;
}
