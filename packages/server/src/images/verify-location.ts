/** Reads the data at a location once: what it is, and whether it is what the image says. */
import { Measure } from '../base/measure.ts';
import { Inspector } from '../inspection/inspect.ts';
import type { Location } from '../locations/location-records.ts';
import { pull } from '../stores/pull.ts';
import type { LocationCheck } from './check-records.ts';
import type { Image } from './image.ts';
import type { DataFacts } from './image-records.ts';
import type { ImageParts } from './parts.ts';
import { SignatureVerifier } from './signing/verifier.ts';

/**
 * Fails with size_mismatch, digest_mismatch, format_mismatch, unsafe_image, virtual_size_cap or signature_mismatch when
 * the data is not what it should be, with anything else when it could not be read.
 */
export async function verifyLocation(
  { stores, settings }: Pick<ImageParts, 'stores' | 'settings'>,
  image: Image,
  { store, key }: Location,
  { algorithm, digest, signer }: LocationCheck,
  signal: AbortSignal,
): Promise<DataFacts> {
  const holder = stores.byId(store);
  if (holder === undefined) throw new Error(`There is no store "${store}" in the configuration.`);
  const inspector = new Inspector({
    diskFormat: image.disk_format!,
    containerFormat: image.container_format!,
    requireMatch: settings.requireFormatMatch,
    virtualSizeCap: settings.virtualSizeCap,
  });
  const verifier = signer === null ? null : new SignatureVerifier(signer);
  let virtualSize: number | null = null;
  const measure = new Measure({
    cap: settings.sizeCap,
    expectedSize: image.size,
    hashAlgorithm: algorithm ?? image.os_hash_algo ?? settings.hashAlgorithm,
    md5: settings.legacyMd5 || image.checksum !== null,
    expectedDigests: expectedDigests(image, algorithm, digest),
    observe: {
      update: (chunk) => {
        inspector.update(chunk);
        verifier?.update(chunk);
      },
      finish: () => {
        virtualSize = inspector.finish().virtualSize;
        verifier?.finish();
      },
    },
  });
  await pull(measure.through(await holder.get(key)), signal, () => undefined);
  const { size, checksum, hashAlgorithm, hashValue } = measure.result();
  return {
    size,
    virtual_size: virtualSize,
    checksum,
    os_hash_algo: hashAlgorithm,
    os_hash_value: hashValue,
  };
}

function expectedDigests(
  { checksum, os_hash_algo, os_hash_value }: Image,
  algorithm: string | null,
  digest: string | null,
): Record<string, string> {
  return {
    ...(checksum === null ? {} : { md5: checksum }),
    ...(os_hash_algo === null || os_hash_value === null ? {} : { [os_hash_algo]: os_hash_value }),
    ...(algorithm === null || digest === null ? {} : { [algorithm]: digest }),
  };
}
