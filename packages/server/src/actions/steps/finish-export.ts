/** The last step of an export: what was sent is told, and what was made for it goes. */
import { Failure } from '../../base/failure.ts';
import type { Step } from '../../flows/flow.ts';
import { finishAction, lockAction } from '../../images/action-records.ts';
import { doomExport } from '../../images/export-records.ts';
import { removeBytes } from '../../locations/remove-bytes.ts';
import type { ActionParts } from '../parts.ts';
import type { ExportInput } from './exported-data.ts';
import { type SentOut, sendExportedName } from './send-exported.ts';

export function finishExport(parts: ActionParts): Step<ExportInput> {
  return {
    name: 'finish',
    decisive: true,
    async do(context) {
      const { how, ...result } = context.resultOf<SentOut>(sendExportedName)!;
      const message = [`Sent ${result.size} bytes`, ...(how === null ? [] : [how])].join(', ');
      const doomed = await parts.database.transaction(async (queries) => {
        await context.fence(queries);
        const action = await lockAction(queries, context.flow);
        if (action === undefined || action.outcome === 'cancelled')
          throw new Failure('cancelled', 'The work was cancelled.');
        if (action.outcome === 'success') return [];
        await finishAction(queries, context.flow, 'success', message, { result });
        await context.forgetSecrets(queries);
        return await doomExport(queries, context.flow);
      });
      await removeBytes(parts, doomed);
    },
  };
}
