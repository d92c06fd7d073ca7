/** Bytes, rates and times as people write and read them. */
import { UsageError } from './command-error.ts';

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** `15.5 MiB` */
export function formatBytes(bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), units.length - 1);
  const value = bytes / 1024 ** power;
  return `${power === 0 ? value : value.toFixed(value < 100 ? 1 : 0)} ${units[power]}`;
}

/** `95.0 MiB/s` */
export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(Math.round(bytesPerSecond))}/s`;
}

/** `9 s`, `2 min 05 s`, `1 h 07 min` */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const pad = (value: number) => String(value).padStart(2, '0');
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${pad(Math.floor((whole % 3600) / 60))} min`;
}

const millisecondsOf: Record<string, number> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** The moment `30d` from `now` on (units s m h d w), or the one that an ISO 8601 date names. Throws UsageError. */
export function parseExpiry(text: string, now: Date): Date {
  const [, amount, unit] = /^(\d+)([smhdw])$/.exec(text) ?? [];
  const isDate = /^\d{4}-\d{2}-\d{2}([T ].*)?$/.test(text);
  const time =
    amount === undefined || unit === undefined
      ? Date.parse(isDate ? text : '')
      : now.getTime() + Number(amount) * millisecondsOf[unit]!;
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) {
    throw new UsageError(`"${text}" is neither a duration such as 12h or 30d nor a date such as 2027-01-31`);
  }
  if (date <= now) throw new UsageError(`${date.toISOString()} is not in the future`);
  return date;
}
