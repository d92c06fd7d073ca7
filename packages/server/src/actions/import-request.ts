/** What POST /v2/images/{id}/import asks for, read and checked as far as that needs no image. */
import type { ImportRequest } from '@tintype/contract';
import { Failure } from '../base/failure.ts';
import { parseUrl, shown } from '../base/fetch/source-url.ts';
import { isImageId } from '../images/image.ts';
import { type ActionParts, type ImportMethod, importMethods } from './parts.ts';
import type { RemoteInput } from './steps/describe-remote.ts';

export interface ImportOrder {
  readonly method: ImportMethod;
  /** Of web-download: it may be fetched as far as the URL tells. */
  readonly uri: string | null;
  /** Of glance-download. */
  readonly remote: RemoteInput['remote'] | null;
  /** Ids; null: the default store. */
  readonly stores: readonly string[] | null;
  readonly allStores: boolean;
  readonly allMustSucceed: boolean;
}

/** `storeHeader`: X-Image-Meta-Store. Fails with import_method, bad_request, or as `Fetcher.check` does. */
export function readImportRequest(
  parts: Pick<ActionParts, 'importMethods' | 'stores' | 'fetcher'>,
  request: ImportRequest,
  storeHeader: string | null,
): ImportOrder {
  const { name } = request.method;
  const method = importMethods.find((known) => known === name);
  if (method === undefined || !parts.importMethods.includes(method))
    throw new Failure(
      'import_method',
      `Import method '${name}' is not available here; there are: ${parts.importMethods.join(', ')}.`,
    );
  const uri = method === 'web-download' ? readUri(parts, request) : null;
  const remote = method === 'glance-download' ? readRemote(request) : null;
  const { stores = null, all_stores: allStores = false, all_stores_must_succeed: all = true } = request;
  if (allStores && (stores !== null || storeHeader !== null))
    throw new Failure('bad_request', 'Give all_stores or stores, not both.');
  if (stores !== null && storeHeader !== null)
    throw new Failure('bad_request', 'Give stores or the header X-Image-Meta-Store, not both.');
  if (stores !== null && stores.length === 0) throw new Failure('bad_request', 'stores names no store.');
  if (!all && parts.stores.all.length === 1)
    throw new Failure('bad_request', 'all_stores_must_succeed is for servers with several stores.');
  const named = stores ?? (storeHeader === null ? null : [storeHeader]);
  return { method, uri, remote, stores: named, allStores, allMustSucceed: all };
}

function readUri({ fetcher }: Pick<ActionParts, 'fetcher'>, { method }: ImportRequest): string {
  if (method.uri === undefined)
    throw new Failure('bad_request', 'Method web-download needs the URL to fetch, as uri in method.');
  fetcher.check(method.uri);
  return method.uri;
}

function readRemote({ method }: ImportRequest): RemoteInput['remote'] {
  const { glance_region: region, glance_image_id: image, glance_service_interface: named } = method;
  if (region === undefined || image === undefined)
    throw new Failure(
      'bad_request',
      'Method glance-download needs glance_region and glance_image_id in method.',
    );
  if (!isImageId(image))
    throw new Failure('bad_request', `Remote image id does not look like a UUID: ${image}`);
  return { region, image: image.toLowerCase(), interface: named ?? 'public' };
}

function echoOfRemote(remote: RemoteInput['remote'] | null): object {
  if (remote === null) return {};
  return {
    glance_region: remote.region,
    glance_image_id: remote.image,
    glance_service_interface: remote.interface,
  };
}

/** What the task echoes: a URL without what is secret in it. */
export function echoOf(request: ImportRequest, { uri, remote }: ImportOrder): ImportRequest {
  const { method, stores, all_stores, all_stores_must_succeed } = request;
  return {
    method: {
      name: method.name,
      ...(uri === null ? {} : { uri: shown(parseUrl(uri)) }),
      ...echoOfRemote(remote),
    },
    ...(stores === undefined ? {} : { stores }),
    ...(all_stores === undefined ? {} : { all_stores }),
    ...(all_stores_must_succeed === undefined ? {} : { all_stores_must_succeed }),
  };
}
