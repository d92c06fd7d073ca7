/** A failed upload, told together with the image that it leaves behind. */
import type { Call } from './call.ts';
import { CommandError } from './command-error.ts';
import { reportOf } from './failure-report.ts';

export async function leftImage(call: Call, id: string, thrown: unknown): Promise<CommandError> {
  const report = await reportOf(thrown);
  const status = await statusOf(call, id);
  const outcome =
    status === null ? 'is left, its status could not be read' : `is left, its status is ${status}`;
  const details = { ...report, image: { id, status }, cause: thrown };
  return new CommandError(`${report.message}\n  image ${id} ${outcome}`, details);
}

async function statusOf(call: Call, id: string): Promise<string | null> {
  try {
    return (await call.client.getImage(id)).status;
  } catch {
    return null;
  }
}
