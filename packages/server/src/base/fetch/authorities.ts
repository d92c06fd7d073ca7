/** Whose certificates are trusted. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { Failure } from '../failure.ts';

/** The usual authorities and those of a file (PEM). Fails with bad_request when the file cannot be read or has none. */
export function trusting(caFile: string | null): SecureContext {
  const more = caFile === null ? [] : readAuthorities(caFile);
  return createSecureContext({ ca: [...getCACertificates(), ...more] });
}

function readAuthorities(file: string): string[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new Failure('bad_request', `caFile ${file} cannot be read.`, { cause });
  }
  const found = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    for (const certificate of found) new X509Certificate(certificate);
  } catch (cause) {
    throw new Failure('bad_request', `caFile ${file} has a certificate that cannot be read.`, { cause });
  }
  if (found.length === 0) throw new Failure('bad_request', `caFile ${file} has no certificate in it (PEM).`);
  return found;
}
