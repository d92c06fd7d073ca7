/** What an export is at, by the step under way. */
import type { ActionStatus } from '@tintype/contract';
import { convertExportedName } from './steps/convert-exported.ts';
import { readExportedName } from './steps/read-exported.ts';

/** `step` without what says that it is undone; null: none has begun. */
export function exportStage(step: string | null): ActionStatus {
  if (step === null) return 'waiting';
  if (step === readExportedName) return 'reading';
  return step === convertExportedName ? 'converting' : 'uploading';
}

export const exportVerbs: Partial<Record<ActionStatus, string>> = {
  reading: 'Read',
  converting: 'Converted',
  uploading: 'Sent',
};
