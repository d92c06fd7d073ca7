/** One import at a time holds an image; one that nothing was heard of for long loses it to the next. */
import { Failure } from '../base/failure.ts';
import type { Log } from '../base/log.ts';
import type { Queries } from '../database/queries.ts';
import { cancelFlows } from '../flows/flow-cancel.ts';
import { factsOfFlows } from '../flows/flow-records.ts';
import { type FlowFacts, viewFlow } from '../flows/flow-state.ts';
import type { Image } from '../images/image.ts';
import { finishTask } from '../images/task-records.ts';
import { readBook } from './import-book.ts';

/** Seconds that an import may go without a sign, and that one may wait for a worker. */
const silent = 60 * 60;
const waiting = 120 * 60;

/** The caller holds the image's row. Fails with image_busy while its holder is at work. */
export async function takeOver(queries: Queries, image: Image, log: Log): Promise<void> {
  const { holder } = readBook(image);
  if (holder === null) return;
  const [facts] = await factsOfFlows(queries, [holder]);
  if (facts !== undefined && isAtWork(facts))
    throw new Failure('image_busy', `Image has active task: ${holder} is importing image ${image.id}.`);
  log.warn({ image: image.id, flow: holder }, 'an import loses its image to another');
  await cancelFlows(queries, { id: holder });
  await finishTask(queries, holder, 'failure', 'Nothing was heard of it for long: another import took over.');
}

function isAtWork(facts: FlowFacts): boolean {
  const { state } = viewFlow(facts);
  if (state === 'success' || state === 'failed' || state === 'cancelled') return false;
  if (state === 'waiting') return facts.age < waiting;
  return (facts.still_for ?? facts.age) < silent;
}
