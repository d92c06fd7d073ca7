/** Everything that can go wrong between a program and an Image API, as classes to tell apart. */
import type { FailureCode } from '@tintype/contract';

/** What every error of this package is. */
export abstract class ClientError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The address given as endpoint cannot be one. Never repeats the address when it may hold a password. */
export class EndpointError extends ClientError {}

/** The token given cannot be one. */
export class TokenError extends ClientError {}

/** What was asked for in the old vocabulary cannot be said in that of the API. */
export class VocabularyError extends ClientError {}

/** The server refused the request. */
export class ImageApiError extends ClientError {
  /** The server's `error.reason`; null from servers that send none. A newer server may know further codes. */
  readonly code: FailureCode | null;
  /** HTTP status. */
  readonly status: number;
  /** `X-Openstack-Request-Id` of the answer, for the operator's log. */
  readonly requestId: string | null;

  constructor(
    message: string,
    details: { code: FailureCode | null; status: number; requestId?: string | null },
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.code = details.code;
    this.status = details.status;
    this.requestId = details.requestId ?? null;
  }
}

/** What stopped a request from being answered. */
export type ConnectionTrouble =
  | 'refused'
  | 'unknown_host'
  | 'unreachable'
  | 'untrusted'
  | 'timeout'
  | 'cut'
  | 'other';

/** No answer, or not all of it. */
export class ConnectionError extends ClientError {
  readonly trouble: ConnectionTrouble;

  constructor(message: string, trouble: ConnectionTrouble, options?: ErrorOptions) {
    super(message, options);
    this.trouble = trouble;
  }
}

/** Something answered that does not speak the Image API. */
export class ProtocolError extends ClientError {}

/** Several images have the name. */
export class AmbiguousNameError extends ClientError {
  readonly imageName: string;
  /** Ids of the images found so far, newest first; there may be more. */
  readonly ids: readonly string[];

  constructor(imageName: string, ids: readonly string[]) {
    super(`several images are named "${imageName}": name one by its id (${ids.join(', ')})`);
    this.imageName = imageName;
    this.ids = ids;
  }
}

/** The image has a record but no bytes. */
export class NoDataError extends ClientError {
  readonly imageId: string;

  constructor(imageId: string) {
    super(`image ${imageId} has no data yet`);
    this.imageId = imageId;
  }
}

/** The bytes are not, or cannot be shown to be, those of the image. */
export class VerificationError extends ClientError {
  readonly imageId: string;
  /** `size`: too few or too many bytes; `digest`: other bytes; `unverifiable`: nothing to compare with. */
  readonly trouble: 'size' | 'digest' | 'unverifiable';

  constructor(message: string, imageId: string, trouble: VerificationError['trouble']) {
    super(message);
    this.imageId = imageId;
    this.trouble = trouble;
  }
}
