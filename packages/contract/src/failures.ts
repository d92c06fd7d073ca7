/** The fixed list of failure codes: each with its HTTP status and what a person can do about it. */

/** One entry of the list. `remedy` ends up in the generated page `docs/reference/errors.md`. */
export interface FailureKind {
  readonly status: number;
  readonly remedy: string;
}

export const failures = {
  bad_request: { status: 400, remedy: 'Correct the request as the message says.' },
  body_not_allowed: { status: 400, remedy: 'Send this request without a body.' },
  invalid_json: { status: 400, remedy: 'Send valid JSON in UTF-8.' },
  invalid_attribute: {
    status: 400,
    remedy: 'Give the attribute a value of the type and range that the image schema names.',
  },
  invalid_patch: {
    status: 400,
    remedy: 'Send an array of add, remove and replace operations with one-segment paths.',
  },
  invalid_query: { status: 400, remedy: 'Correct the query parameter that the message names.' },
  invalid_marker: { status: 400, remedy: 'Start again from the first page.' },
  several_ranges: { status: 400, remedy: 'Ask for one range a request.' },
  formats_unset: { status: 400, remedy: 'Set disk_format and container_format, then upload again.' },
  import_method: { status: 400, remedy: 'Use one of the methods that GET /v2/info/import lists.' },
  not_cacheable: {
    status: 400,
    remedy: 'Wait until the image is active and its data has a digest: only then is there something to keep.',
  },
  store_has_image: { status: 400, remedy: 'The data is there already: nothing has to be done.' },
  unknown_store: { status: 400, remedy: 'Name a store that the server has.' },
  invalid_location: {
    status: 400,
    remedy: 'Give a URL that this server can read now, of data that is of no other image.',
  },
  size_mismatch: { status: 400, remedy: 'Upload again, with as many bytes as announced.' },
  digest_mismatch: {
    status: 400,
    remedy:
      'The bytes were changed on the way or are not the ones expected: check the source and upload again.',
  },
  signature_required: {
    status: 400,
    remedy: 'Sign the data, set the four img_signature properties, and upload again.',
  },
  signature_invalid: {
    status: 400,
    remedy: 'Correct the img_signature property that the message names, then upload again.',
  },
  signature_mismatch: {
    status: 400,
    remedy: 'Sign these very bytes with the key of the certificate, set img_signature, and upload again.',
  },
  certificate_refused: {
    status: 400,
    remedy:
      'Set img_signature_certificate_uuid and img_signature_key_type to a certificate that is as the message says, then upload again.',
  },
  upload_cut: { status: 400, remedy: 'The connection ended before the data did: upload again.' },
  source_url_invalid: { status: 400, remedy: 'Give an absolute http or https URL, percent-encoded.' },
  source_not_allowed: {
    status: 400,
    remedy: 'Use a scheme, port and host that the message names, or ask the operator to allow this one.',
  },
  address_blocked: {
    status: 400,
    remedy: 'Use a host with a public address; private ones are for the operator to allow.',
  },
  source_unreachable: {
    status: 400,
    remedy: 'Check the URL, and that its server runs and can be reached from here; then try again.',
  },
  source_refused: {
    status: 400,
    remedy: 'Check that the URL still exists and can be read by everybody, or has credentials in it.',
  },
  source_unavailable: { status: 400, remedy: 'The source has troubles of its own: try again later.' },
  source_stalled: { status: 400, remedy: 'Check that the source gives data without pausing; try again.' },
  source_cut: {
    status: 400,
    remedy: 'Try again; a source with ranges and a strong ETag is continued after a cut.',
  },
  source_changed: { status: 400, remedy: 'Wait until the source is not being replaced, then start again.' },
  source_unusable: {
    status: 400,
    remedy: 'Use an image that is active there, and in formats that this server accepts.',
  },
  no_such_region: {
    status: 400,
    remedy: 'Name a region and an interface that the service catalogue has an image service for.',
  },
  region_refused: {
    status: 400,
    remedy: 'Look at what the message says that the other region answered, put it right, and start again.',
  },
  source_size_unknown: {
    status: 400,
    remedy: 'Use a source that tells the size of its data (Content-Length).',
  },
  target_unreachable: {
    status: 400,
    remedy: 'Check the URL, and that its server runs and can be reached from here; then retry.',
  },
  target_refused: {
    status: 400,
    remedy:
      'Check that the URL takes a PUT of this size, is signed for that and has not expired; a retry asks it again.',
  },
  target_unavailable: {
    status: 400,
    remedy: 'The place to send to has troubles of its own: retry later.',
  },
  target_stalled: {
    status: 400,
    remedy: 'Check that the place to send to takes data without pausing; then retry.',
  },
  upload_stalled: {
    status: 408,
    remedy: 'No data arrived for too long: check the network and upload again.',
  },
  region_unauthorized: {
    status: 401,
    remedy: 'Retry with a token that the other region takes; the one before may have run out.',
  },
  unauthenticated: { status: 401, remedy: 'Send a valid X-Auth-Token.' },
  forbidden: { status: 403, remedy: 'Ask somebody with the role that the message names.' },
  read_only: { status: 403, remedy: 'Leave this attribute out: the server sets it.' },
  reserved_attribute: { status: 403, remedy: 'Choose another name for the property.' },
  image_protected: { status: 403, remedy: 'Set protected to false first.' },
  formats_fixed: {
    status: 403,
    remedy: 'Formats can change only while the image is queued or importing: create a new image.',
  },
  status_forbidden: { status: 403, remedy: 'The image must have the status that the message names.' },
  last_location: {
    status: 403,
    remedy: 'Add another location first, or delete the image.',
  },
  not_shared: { status: 403, remedy: 'Set visibility to shared first.' },
  namespace_protected: { status: 403, remedy: 'Set protected of the namespace to false first.' },
  image_deactivated: { status: 403, remedy: 'Ask an administrator to reactivate the image.' },
  image_not_found: {
    status: 404,
    remedy: 'Check the id; the image may belong to another project or be deleted.',
  },
  member_not_found: { status: 404, remedy: 'List the members of the image.' },
  tag_not_found: { status: 404, remedy: 'Read the image to see its tags.' },
  namespace_not_found: {
    status: 404,
    remedy: 'List the namespaces; it may belong to another project or be deleted.',
  },
  definition_not_found: {
    status: 404,
    remedy: 'Read the namespace to see what it defines.',
  },
  location_not_found: { status: 404, remedy: 'Read the image: its stores are named in it.' },
  single_store: {
    status: 404,
    remedy: 'This server has one store: leave stores out of your requests.',
  },
  action_not_found: {
    status: 404,
    remedy:
      'List what there is; it may belong to another project, and what has ended is kept until expires-by.',
  },
  cache_off: { status: 404, remedy: 'This server keeps no copies: the operator can set cache.enabled.' },
  not_cached: { status: 404, remedy: 'List what is in the cache of this node; others may have the image.' },
  format_not_found: {
    status: 404,
    remedy: 'Ask for a format that GET /v2/images/{id}/replicas lists, or have a copy made in this one.',
  },
  task_not_found: { status: 404, remedy: 'List the tasks; finished ones are kept for two days.' },
  flow_not_found: {
    status: 404,
    remedy: 'List what there is with tintype flow list; what has ended is kept for some days.',
  },
  not_found: { status: 404, remedy: 'Check the path.' },
  method_not_allowed: { status: 405, remedy: 'Use a method named in the Allow header.' },
  image_exists: { status: 409, remedy: 'Choose another id: an id is never used twice, even after deletion.' },
  member_exists: { status: 409, remedy: 'The image is shared with this project already.' },
  namespace_exists: { status: 409, remedy: 'Choose another name: namespaces are unique in the cloud.' },
  definition_exists: { status: 409, remedy: 'Choose another name, or replace the definition with PUT.' },
  property_missing: { status: 409, remedy: 'Read the image again: the property is not there.' },
  property_exists: { status: 409, remedy: 'Use replace instead of add.' },
  status_conflict: {
    status: 409,
    remedy: 'Wait until the image has the status that the message names, or create a new image.',
  },
  no_such_store: { status: 409, remedy: 'Name a store that the server has (GET /v2/info/stores).' },
  replica_exists: { status: 409, remedy: 'The data is there already: nothing has to be done.' },
  validation_conflict: {
    status: 409,
    remedy: 'Read the image: what is recorded of its data stays.',
  },
  cancelled: { status: 409, remedy: 'Start it again if it is still wanted.' },
  flow_state: {
    status: 409,
    remedy: 'Look at the state of the work first: the message names what it must be.',
  },
  image_busy: {
    status: 409,
    remedy: 'Wait until the work that the message names has ended: the tasks of the image show it.',
  },
  image_in_use: {
    status: 409,
    remedy: 'Delete what was cloned from the image, or flatten it: it needs the data still.',
  },
  import_formats_unset: {
    status: 409,
    remedy: 'Set disk_format and container_format, then import again.',
  },
  image_failed: { status: 410, remedy: 'The image was given up, its tasks tell why: create a new one.' },
  image_expired: { status: 410, remedy: 'Create the image again, and send its data in time.' },
  image_deleted: { status: 410, remedy: 'The image was deleted meanwhile: create a new one.' },
  store_read_only: {
    status: 410,
    remedy: 'Name a store that takes writes: those without read-only at /v2/info/stores.',
  },
  precondition_failed: {
    status: 412,
    remedy: 'Read the image again and repeat the change on what it is now.',
  },
  body_too_large: { status: 413, remedy: 'Send a smaller document.' },
  size_cap: { status: 413, remedy: 'Upload a smaller image, or ask the operator to raise images.sizeCap.' },
  source_too_large: { status: 413, remedy: 'Use a smaller source, or ask the operator for a higher limit.' },
  virtual_size_cap: {
    status: 413,
    remedy: 'Upload an image of a smaller disk, or ask the operator to raise images.virtualSizeCap.',
  },
  store_full: { status: 413, remedy: 'The store has no room: ask the operator for space and upload again.' },
  unpack_cap: {
    status: 413,
    remedy:
      'Import the image unpacked and converted, or ask the operator to raise import.unpackRatio or images.sizeCap.',
  },
  quota_exceeded: {
    status: 413,
    remedy: 'Delete images, or ask the operator to raise the quota that the message names.',
  },
  quota_properties: { status: 413, remedy: 'Remove properties first.' },
  quota_tags: { status: 413, remedy: 'Remove tags first.' },
  quota_metadefs: {
    status: 413,
    remedy: 'Remove metadata definitions first, or spread them over more namespaces.',
  },
  quota_locations: { status: 413, remedy: 'Remove locations first.' },
  quota_members: { status: 413, remedy: 'Remove members first.' },
  unsupported_media_type: { status: 415, remedy: 'Send the Content-Type that the message names.' },
  format_mismatch: {
    status: 415,
    remedy:
      'Declare the format that the data has, or upload other data; `tintype inspect` says what a file is.',
  },
  unsafe_image: {
    status: 415,
    remedy: 'Flatten the image into one self-contained file (qemu-img convert) and upload that.',
  },
  conversion_failed: {
    status: 415,
    remedy:
      'Convert the image yourself (qemu-img convert) and import the result; `tintype inspect` says what a file is.',
  },
  range_not_satisfiable: { status: 416, remedy: 'Ask for bytes within the size of the image.' },
  header_too_large: { status: 431, remedy: 'Send a shorter header.' },
  internal: { status: 500, remedy: 'Report the request id to the operator.' },
  worker_lost: {
    status: 500,
    remedy:
      'The server died several times at this step: the operator sees the attempts with tintype flow show.',
  },
  unknown_method: { status: 501, remedy: 'Use an HTTP method that the service knows.' },
  unavailable: { status: 503, remedy: 'Try again in a moment.' },
  region_unavailable: {
    status: 503,
    remedy: 'The other region cannot be reached or broke off: try again later.',
  },
  conversion_unavailable: {
    status: 503,
    remedy: 'Import or export the image as it is, or ask the operator to install what the log names.',
  },
  store_unavailable: { status: 503, remedy: 'Try again later; the operator sees the cause in the log.' },
  step_stalled: {
    status: 503,
    remedy: 'Nothing moved for too long: check the stores, then try again.',
  },
  interrupted: { status: 503, remedy: 'The server stopped during the work: try again.' },
} as const satisfies Record<string, FailureKind>;

export type FailureCode = keyof typeof failures;

/** The body of every error answer (API section 1: exactly one top-level object value). */
export interface ErrorBody {
  error: { code: number; title: string; message: string; reason: FailureCode };
}
