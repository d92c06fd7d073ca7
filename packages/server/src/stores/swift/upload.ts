/** Brings a stream into a container: small ones in one piece, others in segments, with a manifest at the end. */
import { randomBytes } from 'node:crypto';
import { Failure } from '../../base/failure.ts';
import { sendInParts } from '../parts.ts';
import type { Account, Segment } from './account.ts';
import { type Spot, segmentsOf } from './containers.ts';
import type { SwiftStoreOptions } from './options.ts';

const mebi = 1024 * 1024;

/** Milliseconds that a failed upload waits for its segments to be removed. */
const patienceMs = 10_000;

interface Target {
  readonly account: Account;
  readonly options: SwiftStoreOptions;
  /** Uploads under way here, and those that failed, with their containers: a segment may arrive when the others were removed already. */
  readonly underWay: Set<string>;
  readonly leftovers: Map<string, string>;
  readonly at: Spot;
}

/** What the names of an upload's segments begin with; the key comes last, since it may be long. */
function uploadName(key: string): string {
  return `${randomBytes(8).toString('hex')}/${key}`;
}

/** Fails with what `body` throws, the reason of `signal`, image_exists, store_full or store_unavailable. */
export async function upload(
  target: Target,
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<{ size: number }> {
  const name = uploadName(target.at.name);
  target.underWay.add(name);
  try {
    return await bring(target, name, body, signal);
  } finally {
    target.underWay.delete(name);
  }
}

async function bring(
  target: Target,
  name: string,
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<{ size: number }> {
  const { account, options, at } = target;
  const { container } = at;
  const cleanUp = async () => {
    target.leftovers.set(name, container);
    await removeSegments(account, { container, name }, AbortSignal.timeout(patienceMs)).catch(() => {});
  };
  const { size, whole, sent } = await sendInParts(body, signal, {
    partBytes: () => options.segmentSize * mebi,
    atOnce: options.segmentsAtOnce,
    begin: async () => {},
    send: (number, bytes, aborted) => account.putSegment(segment(container, name, 0, number), bytes, aborted),
  }).catch(async (error) => {
    await cleanUp();
    throw error;
  });
  try {
    signal?.throwIfAborted();
    // Not aborted midway: whether Swift has it would then be unknown.
    if (whole === null) await account.putManifest(at, name, await nested(target, name, sent));
    else await account.put(at, whole);
    await checkSize(target, size);
    signal?.throwIfAborted();
    return { size };
  } catch (error) {
    const isOurs = !(error instanceof Failure && error.code === 'image_exists');
    if (isOurs) await account.delete(at, AbortSignal.timeout(patienceMs)).catch(() => {});
    if (whole === null) await cleanUp();
    throw error;
  }
}

function segment(container: string, name: string, level: number, number: number): Spot {
  return { container, name: `${name}/${level}-${String(number).padStart(8, '0')}` };
}

/** As many manifests of manifests as it takes for the last one to be short enough. */
async function nested(
  { account, options, at: { container } }: Target,
  name: string,
  segments: readonly Segment[],
): Promise<readonly Segment[]> {
  let parts = segments;
  for (let level = 1; parts.length > options.maxSegments; level += 1) {
    const inner: Segment[] = [];
    for (let at = 0; at < parts.length; at += options.maxSegments) {
      const group = parts.slice(at, at + options.maxSegments);
      inner.push(await account.putInnerManifest(segment(container, name, level, inner.length + 1), group));
    }
    parts = inner;
  }
  return parts;
}

async function checkSize({ account, options, at }: Target, size: number): Promise<void> {
  const found = await account.head(at);
  if (found?.size === size) return;
  const kept = found === null ? 'none' : String(found.size);
  throw new Failure('store_unavailable', `Store ${options.id} has kept ${kept} of ${size} bytes.`);
}

/** All that an upload has written among the segments of a container, manifests too. Resolves with their number. */
export async function removeSegments(
  account: Account,
  { container, name }: Spot,
  signal?: AbortSignal,
): Promise<number> {
  let removed = 0;
  for await (const entry of account.list(segmentsOf(container), `${name}/`, '')) {
    if (entry.name === undefined) continue;
    await account.deleteSegment({ container, name: entry.name }, signal);
    removed += 1;
  }
  return removed;
}
