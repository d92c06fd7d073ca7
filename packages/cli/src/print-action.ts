/** One action, as the commands print it. */
import type { ImageAction } from '@tintype/client';
import { formatBytes } from './amounts.ts';
import { printFields, printJson, printLine } from './output.ts';
import type { Settings } from './settings.ts';

export function printAction(action: ImageAction, { json, quiet }: Settings): void {
  if (json) printJson(action);
  else if (quiet) printLine(action.id);
  else printForPeople(action);
}

function printForPeople(action: ImageAction): void {
  const { error, progress } = action;
  const optional: [string, string | null | undefined][] = [
    ['image', action.image_ref?.replace(/^.*\//, '')],
    ['location', action.location],
    ['region', action.region],
    ['image there', action.target?.image_ref.replace(/^.*\//, '')],
    ['disk_format', action.disk_format],
    ...digestsOf(action),
    ['step', progress === null ? null : `${progress.step} (attempt ${action.attempt})`],
    ['heartbeat', action.heartbeat_at],
    ['failure', error && `${error.code} at ${error.step}${error.retryable ? ': can be retried' : ''}`],
    ['kept until', action['expires-by']],
  ];
  printFields([
    ['id', action.id],
    ['type', action.action_type],
    ['status', statusOf(action)],
    ['message', action.message],
    ...optional.filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
    ['created', action.created_at],
    ['updated', action.updated_at],
  ]);
}

/** Of what an export has sent. */
function digestsOf({ action_type, status, size, checksum, os_hash_algo, os_hash_value }: ImageAction) {
  if (action_type !== 'export' || status !== 'success') return [];
  const pairs: [string, string | null | undefined][] = [
    ['size', size === undefined ? null : formatBytes(size)],
    ['checksum', checksum],
    ['os_hash_algo', os_hash_algo],
    ['os_hash_value', os_hash_value],
  ];
  return pairs;
}

export function statusOf({ status, stalled }: ImageAction): string {
  return stalled ? `${status} (stalled)` : status;
}

export function doneOf({ progress }: ImageAction): string {
  if (progress === null) return '';
  const { done, total } = progress;
  return total === null ? formatBytes(done) : `${formatBytes(done)} of ${formatBytes(total)}`;
}
