/** Sends the data of an export to its place. What has arrived there stays: the URL is good for nothing but a PUT. */
import { Measure } from '../../base/measure.ts';
import type { Step, StepContext } from '../../flows/flow.ts';
import type { Image } from '../../images/image.ts';
import type { ActionParts } from '../parts.ts';
import { type Converted, convertExportedName } from './convert-exported.ts';
import { type ExportInput, exportedBytes, findExported } from './exported-data.ts';

export const sendExportedName = 'send';

type Digests = Pick<Image, 'checksum' | 'os_hash_algo' | 'os_hash_value'>;

/** What was sent. */
export type SentOut = { readonly [K in keyof Digests]: Digests[K] } & {
  readonly size: number;
  readonly disk_format: string | null;
  /** Ends a sentence about the export; null: it was sent as it is. */
  readonly how: string | null;
};

interface Outgoing extends Pick<SentOut, 'size' | 'disk_format' | 'how'> {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** That the data is known to have; null: they are found out. */
  readonly digests: Digests | null;
}

export function sendExported(parts: ActionParts): Step<ExportInput> {
  return {
    name: sendExportedName,
    async do(context, input) {
      const { chunks, digests, ...facts } = await outgoing(parts, context, input);
      const { size } = facts;
      const { hashAlgorithm, legacyMd5 } = parts.settings;
      const measure = new Measure({
        cap: size,
        expectedSize: size,
        hashAlgorithm: digests === null ? hashAlgorithm : null,
        md5: digests === null && legacyMd5,
      });
      const told = async function* () {
        for await (const chunk of measure.through(chunks)) {
          yield chunk;
          context.progress(measure.size, size);
        }
      };
      context.progress(0, size);
      await parts.places.put(input.location, { size, chunks: told(), signal: context.signal });
      return { ...facts, ...(digests ?? found(measure)) } satisfies SentOut;
    },
  };
}

async function outgoing(parts: ActionParts, context: StepContext, input: ExportInput): Promise<Outgoing> {
  const made = context.resultOf<Converted>(convertExportedName);
  if (made !== undefined) {
    const { size, disk_format, how, key } = made;
    return { size, disk_format, how, digests: null, chunks: stagedBytes(parts, key) };
  }
  const image = await findExported(parts, input);
  const { size, disk_format, checksum, os_hash_algo, os_hash_value } = image;
  const digests = os_hash_value === null ? null : { checksum, os_hash_algo, os_hash_value };
  return { size: size!, disk_format, how: null, digests, chunks: exportedBytes(parts, image) };
}

/** Opened when they are asked for. */
async function* stagedBytes({ stores }: ActionParts, key: string): AsyncGenerator<Uint8Array> {
  yield* await stores.staging.get(key);
}

function found(measure: Measure): Digests {
  const { checksum, hashAlgorithm, hashValue } = measure.result();
  return { checksum, os_hash_algo: hashAlgorithm, os_hash_value: hashValue };
}
