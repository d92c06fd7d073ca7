/** Client of the Image API on fetch, for browsers and Node. */
export type {
  ActionQuery,
  ActionStatus,
  ActionType,
  ImageAction,
  ImageCloneRequest,
  ImageExportRequest,
  ImageImportRequest,
  WaitOptions,
} from './actions.ts';
export { ComputeImages, type CreateOptions, type ReplaceOptions } from './compute/compute-images.ts';
export type { OldImage, OldImageAttributes, OldProperties } from './compute/old-image.ts';
export type { OldImageFilters, OldImageQuery } from './compute/old-query.ts';
export type { ConnectionOptions } from './connection.ts';
export type { DownloadOptions, PartialDownload, WholeDownload } from './download-data.ts';
export {
  AmbiguousNameError,
  ClientError,
  ConnectionError,
  type ConnectionTrouble,
  EndpointError,
  ImageApiError,
  NoDataError,
  ProtocolError,
  TokenError,
  VerificationError,
  VocabularyError,
} from './errors.ts';
export type { TaggedImage } from './find-image.ts';
export { type CreateHasher, type Digests, type Hasher, recordedDigests, verifyUpload } from './hasher.ts';
export { customProperties, type Image, type ImageAttributes, isBaseAttribute } from './image.ts';
export { ImageClient, type ImageTask } from './image-client.ts';
export type { ImageMember, MemberStatus } from './image-members.ts';
export type { ImagePage, ImageQuery } from './image-query.ts';
export type { ImageSchema } from './image-schema.ts';
export type { ImageLocation, ImportOrder, ValidationData } from './import-data.ts';
export { locationsOf, type NearestDownload, NearestImages, type NearestOptions } from './nearest-images.ts';
export type { CachedImageRecord, CachePruning, CacheState, NodeCache } from './node-cache.ts';
export type { ApiVersion, Health } from './server-state.ts';
export type { ImageChanges, PatchOperation, UpdateOptions } from './update-image.ts';
export type { Progress, Uploaded, UploadOptions } from './upload-data.ts';
export type { ImageBody } from './upload-source.ts';
export type { ImageEvent, WatchOptions } from './watch-events.ts';
