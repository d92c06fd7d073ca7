/** Time filters: `gte:2026-01-02T03:04:05Z` and its kin, on the times as clients see them (whole seconds). */
import { Failure } from '../base/failure.ts';

/** Stored times have milliseconds; `from` is inclusive, `below` exclusive; `outside` inverts both. */
export interface TimeBound {
  readonly column: 'created_at' | 'updated_at';
  readonly from: Date | null;
  readonly below: Date | null;
  readonly outside: boolean;
}

const operators = ['gt', 'gte', 'lt', 'lte', 'eq', 'neq'] as const;
type Operator = (typeof operators)[number];

const iso =
  /^(\d{4})-?(\d\d)-?(\d\d)(?:[T ](\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d{1,9}))?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?)?$/i;

/** Milliseconds since the epoch, or null; a time without offset is UTC. */
function parseTime(text: string): number | null {
  const match = iso.exec(text);
  if (match === null) return null;
  const [, year, month, day, hour = '00', minute = '00', second = '00', fraction = '0', zone = 'Z'] = match;
  const offset = /^[Zz]$/.test(zone) ? 'Z' : `${zone.slice(0, 3)}:${zone.slice(3).replace(':', '') || '00'}`;
  const time = Date.parse(
    `${year}-${month}-${day}T${hour}:${minute}:${second}.${fraction.padEnd(3, '0').slice(0, 3)}${offset}`,
  );
  const dayOfMonth = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day))).getUTCDate();
  return Number.isNaN(time) || dayOfMonth !== Number(day) ? null : time;
}

/** Splits `gte:…` into operator and time; a bare time means eq. A "+" that arrived as a space is read as one. */
function split(name: string, text: string): [Operator, number] {
  const match = /^([a-z]+):(.*)$/i.exec(text);
  const operator = match === null ? 'eq' : match[1]!;
  const time = parseTime((match === null ? text : match[2]!).replace(/ (?=\d\d:?\d\d$)/, '+'));
  if (!operators.includes(operator as Operator))
    throw new Failure(
      'invalid_query',
      `Parameter '${name}' has none of the operators ${operators.join(', ')}.`,
    );
  if (time === null) throw new Failure('invalid_query', `Parameter '${name}' is not an ISO 8601 time.`);
  return [operator as Operator, time];
}

/** Fails with invalid_query. */
export function readTimeBound(name: 'created_at' | 'updated_at', text: string): TimeBound {
  const [operator, time] = split(name, text);
  // Shown times are floored to the second, so "shown > t" means "stored at or after the second after t".
  const notBefore = new Date(Math.ceil(time / 1000) * 1000);
  const after = new Date(Math.floor(time / 1000) * 1000 + 1000);
  const whole = time % 1000 === 0;
  switch (operator) {
    case 'gt':
      return { column: name, from: after, below: null, outside: false };
    case 'gte':
      return { column: name, from: notBefore, below: null, outside: false };
    case 'lt':
      return { column: name, from: null, below: notBefore, outside: false };
    case 'lte':
      return { column: name, from: null, below: after, outside: false };
    case 'eq':
      return { column: name, from: notBefore, below: whole ? after : notBefore, outside: false };
    case 'neq':
      return { column: name, from: notBefore, below: whole ? after : notBefore, outside: true };
  }
}
