/** How long a server asks to be left in peace before it is asked again (RFC 9110, 10.2.3). */
import type { IncomingHttpHeaders } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

/** Milliseconds at most: a server that wants longer is asked again before. */
const longest = 60_000;

/** The three forms of a date in HTTP; the last one is in GMT without saying so. */
const dates = [
  /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/,
  /^[A-Z][a-z]+day, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} GMT$/,
  /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/,
];

/** Whether a status tells of trouble that may pass by itself. */
export function isPassing(status: number): boolean {
  return status >= 500 || status === 408 || status === 425 || status === 429;
}

/** Milliseconds; 0 when it asks for nothing, or for nothing that makes sense. A date is read on the watch of the server that gives it. */
export function pauseAskedFor(status: number, headers: IncomingHttpHeaders): number {
  const asked = headers['retry-after'];
  if (asked === undefined || !isPassing(status)) return 0;
  if (/^\d+$/.test(asked)) return Math.min(Number(asked) * 1000, longest);
  const end = timeOf(asked);
  if (end === null) return 0;
  const now = timeOf(headers.date ?? '') ?? Date.now();
  return Math.min(Math.max(end - now, 0), longest);
}

/** Null: it is no date. */
function timeOf(text: string): number | null {
  if (!dates.some((form) => form.test(text))) return null;
  const time = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  return Number.isNaN(time) ? null : time;
}

/** Fails with the reason of `signal`. */
export async function leaveInPeace(ms: number, signal: AbortSignal): Promise<void> {
  if (ms === 0) return;
  try {
    await delay(ms, undefined, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}
