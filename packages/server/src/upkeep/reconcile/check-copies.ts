/** Whether the bytes of every recorded copy in a store are there, have the right size and, in a scrub, the right digest. */
import { createHash } from 'node:crypto';
import { asFailure, Failure } from '../../base/failure.ts';
import { type CopyRecord, copiesIn, markTrouble } from '../../locations/location-records.ts';
import { pull } from '../../stores/pull.ts';
import type { Store } from '../../stores/store.ts';
import type { Finding, ReconcileParts, ReconcileRun } from './finding.ts';
import { paced } from './paced.ts';
import { remakeCopy } from './remake-copy.ts';

/** Copies looked up in one go, and looked at at the same time. */
const batch = 200;
const atOnce = 8;

type Verdict = Pick<Finding, 'kind' | 'bytes' | 'detail'> | null;

export async function checkCopies(
  parts: ReconcileParts,
  store: Store,
  before: Date,
  run: ReconcileRun,
): Promise<void> {
  let after: string | null = null;
  for (;;) {
    const some: CopyRecord[] = await copiesIn(parts.database, store.id, { before, after, most: batch });
    const left = some.values();
    const work = async () => {
      for (const copy of left) {
        run.signal.throwIfAborted();
        await settle(parts, store, copy, run);
      }
    };
    await Promise.all(Array.from({ length: run.scrub > 0 ? 1 : atOnce }, work));
    if (some.length < batch) return;
    after = some.at(-1)!.id;
  }
}

async function settle(parts: ReconcileParts, store: Store, copy: CopyRecord, run: ReconcileRun) {
  const isScrubbed = run.scrub > 0 && (copy.trouble !== null || Math.random() < run.scrub);
  const verdict = await look(store, copy, isScrubbed, run);
  run.progress();
  const trouble = verdict === null ? null : verdict.kind === 'missing' ? 'missing' : 'failed';
  // A copy that cannot be looked at may be well; one that has the right size may still be wrong.
  const isKnown = verdict === null ? isScrubbed || copy.trouble === 'missing' : verdict.kind !== 'unreadable';
  const isMarked = run.repair && isKnown && trouble !== copy.trouble;
  if (isMarked && !(await markTrouble(parts.database, copy, trouble))) return;
  if (verdict === null) return;
  const isAnew = run.repair && isKnown && (await remakeCopy(parts, store, copy, run));
  const finding = { ...verdict, ...(isAnew ? { detail: 'made anew from another copy' } : {}) };
  const about = { store: store.id, key: copy.key, image: copy.image_id };
  run.tell({ ...finding, ...about, repaired: isMarked || isAnew });
}

async function look(
  store: Store,
  copy: CopyRecord,
  isScrubbed: boolean,
  run: ReconcileRun,
): Promise<Verdict> {
  try {
    const { size: bytes } = await store.stat(copy.key);
    if (bytes !== copy.size) return { kind: 'size', bytes, detail: `${copy.size} bytes are recorded` };
    if (!isScrubbed || copy.digest === null) return null;
    const hash = createHash(copy.algorithm!);
    const chunks = paced(await store.get(copy.key), run.bytesPerSecond);
    await pull(chunks, run.signal, (chunk) => void hash.update(chunk));
    if (hash.digest('hex') === copy.digest) return null;
    return { kind: 'digest', bytes, detail: `it has another ${copy.algorithm} digest than is recorded` };
  } catch (error) {
    run.signal.throwIfAborted();
    if (error instanceof Failure && error.code === 'not_found')
      return { kind: 'missing', bytes: null, detail: null };
    const { message: detail } = asFailure(error, 'store_unavailable', 'It cannot be read.');
    return { kind: 'unreadable', bytes: null, detail };
  }
}
