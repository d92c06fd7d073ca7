/** What the configuration says of signatures, opened. */
import type { KeyManagerPlace } from './app-barbican.ts';
import type { Log } from './base/log.ts';
import type { Config } from './config/schema.ts';
import { readBundle, type Signatures } from './images/signing/signatures.ts';
import { openBarbican } from './images/signing/sources/barbican.ts';
import { openFolder } from './images/signing/sources/folder.ts';
import { type CertificateSource, noCertificates } from './images/signing/sources/source.ts';
import { openUrl } from './images/signing/sources/url.ts';
import { WatchedFile } from './policy/watched-file.ts';

export type OpenSignatures = Signatures & { close(): Promise<void> };

/** `keyManager` is there when the certificates are to be read from it. */
export function openSignatures(
  { signatures }: Config,
  keyManager: KeyManagerPlace | null,
  log: Log,
): OpenSignatures {
  const { required, trustedCertificates: file } = signatures;
  const trusted =
    file === null ? null : open('trustedCertificates', () => new WatchedFile(file, readBundle, log));
  const certificates = open('certificates', () => openSource(signatures.certificates, keyManager));
  return { required, certificates, trusted, close: () => certificates.close() };
}

/** What fails names the setting. */
function open<T>(setting: string, opens: () => T): T {
  try {
    return opens();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`signatures.${setting} cannot be used: ${why}`, { cause });
  }
}

function openSource(
  settings: Config['signatures']['certificates'],
  keyManager: KeyManagerPlace | null,
): CertificateSource {
  switch (settings.source) {
    case 'none':
      return noCertificates;
    case 'folder':
      return openFolder(settings.folder!);
    case 'url':
      return openUrl(settings.url!, settings);
    case 'barbican':
      return openBarbican(keyManager!.find, settings);
  }
}
