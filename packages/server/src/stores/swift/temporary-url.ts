/** URLs that are good for reading one object of a Swift account, by whoever has them, for a while. */
import { createHmac } from 'node:crypto';

/**
 * `object` is the URL of the object, percent-encoded; `key` one of the two Temp-URL-Keys of the account. Those of a container
 * would not do: segments are in another one.
 */
export function temporaryUrl(object: URL, key: string, seconds: number): string {
  const expires = Math.ceil(Date.now() / 1000) + seconds;
  const text = `GET\n${expires}\n${decodeURIComponent(object.pathname)}`;
  const signature = createHmac('sha256', key).update(text).digest('hex');
  return `${object.href}?temp_url_sig=${signature}&temp_url_expires=${expires}`;
}
