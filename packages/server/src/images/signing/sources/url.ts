/** Certificates at addresses that the operator names: https://host/{uuid}.pem. */
import { CertificateDownload, type DownloadOptions } from './download.ts';
import type { CertificateSource } from './source.ts';

export function openUrl(template: string, options: DownloadOptions): CertificateSource {
  const download = new CertificateDownload(options);
  return {
    fetch: (id, { signal }) => download.get(id, template.replaceAll('{uuid}', id), {}, signal),
    close: () => download.close(),
  };
}
