/** How PostgreSQL values become JavaScript values: exact numbers, exact instants. */
import pg from 'pg';
import { Failure } from '../base/failure.ts';

const int8 = 20;
const timestamptz = 1184;
const textArray: number = 1009;

/** Numbers that a double holds exactly; a larger one is refused rather than rounded. */
function parseInt8(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  throw new Failure('internal', `The database holds the number ${text}, which is larger than 2^53.`);
}

const isoForm = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)([+-]\d\d)(:\d\d)?$/;
const parseOther = pg.types.getTypeParser(timestamptz);

/** The instant to the millisecond, finer digits cut off. Infinite and pre-Christian times go the driver's way. */
export function parseTimestamptz(text: string): Date {
  // As our sessions get it: two times a row, so worth a short cut.
  if (text[10] === ' ' && text.endsWith('+00'))
    return new Date(`${text.slice(0, 10)}T${text.slice(11, -3)}Z`);
  const parts = isoForm.exec(text);
  if (parts === null) return parseOther(text) as Date;
  return new Date(`${parts[1]}T${parts[2]}${parts[3]}${parts[4] ?? ':00'}`);
}

const parseAnyArray = pg.types.getTypeParser(textArray);

/** Most arrays have nothing that is quoted or null: several times faster than the driver. */
function parseTextArray(text: string): (string | null)[] {
  if (text === '{}') return [];
  return /["\\]|NULL/.test(text) ? parseAnyArray(text) : text.slice(1, -1).split(',');
}

/** For the `types` option of a client or pool. */
export const valueTypes: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    if (format !== 'binary') {
      if (oid === int8) return parseInt8;
      if (oid === timestamptz) return parseTimestamptz;
      if (oid === textArray) return parseTextArray;
    }
    return pg.types.getTypeParser(oid, format as 'text');
  }) as pg.CustomTypesConfig['getTypeParser'],
};
