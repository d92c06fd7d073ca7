/** A step that puts what an export goes on with into the staging area; back: nothing of it is there. */
import { RunOver } from '../../flows/attempt.ts';
import type { Json, Step, StepContext } from '../../flows/flow.ts';
import { doomExported, reserveExported } from '../../images/export-records.ts';
import { removeBytes } from '../../locations/remove-bytes.ts';
import type { ActionParts } from '../parts.ts';
import type { ExportInput } from './exported-data.ts';

/** What such a step leaves to those after it. */
export type Kept = {
  /** In the staging area. */
  readonly key: string;
  /** Bytes. */
  readonly size: number;
};

export interface KeepWork {
  readonly context: StepContext;
  readonly input: ExportInput;
  /** Where in the staging area to put it. */
  readonly key: string;
  /** To be called before as many bytes are there, as far as that is known. */
  reserve(size: number): Promise<void>;
}

/** One object an attempt. */
function keyOf(flow: string, attempt: string): string {
  return `${flow}.${attempt}`;
}

export function keepExported<Made extends { readonly [key: string]: Json; readonly size: number }>(
  parts: ActionParts,
  name: string,
  make: (work: KeepWork) => Promise<Made>,
): Step<ExportInput> {
  return {
    name,
    async do(context, input) {
      const quotas = await parts.quotas.of(input.owner);
      const key = keyOf(context.flow, context.attempt);
      const place = { key, action: context.flow, owner: input.owner };
      const reserve = (size: number) =>
        parts.database.transaction(async (queries) => {
          await context.fence(queries);
          await reserveExported(queries, quotas, place, size);
        });
      await clear(parts, context);
      await reserve(0);
      const made = await make({ context, input, key, reserve });
      try {
        await reserve(made.size);
      } catch (error) {
        // Whoever has the flow now may have cleared up before these bytes were there.
        if (error instanceof RunOver) await parts.stores.staging.delete(key).catch(() => {});
        throw error;
      }
      return { ...made, key } satisfies Kept;
    },
    undo: (context) => clear(parts, context),
  };
}

/** What the attempts before have made goes. */
async function clear(parts: ActionParts, context: StepContext): Promise<void> {
  const keys = context.attempts.map((attempt) => keyOf(context.flow, attempt));
  const doomed = await parts.database.transaction(async (queries) => {
    await context.fence(queries);
    return await doomExported(queries, context.flow, keys);
  });
  await removeBytes(parts, doomed);
}
