/** A query parameter that is true or false. */
import { Failure } from '../base/failure.ts';

/** `text` null: it was not given. Fails with invalid_query. */
export function readFlag(name: string, text: string | null, standard: boolean): boolean {
  if (text === null) return standard;
  if (text !== 'true' && text !== 'false')
    throw new Failure('invalid_query', `${name} is not true or false.`);
  return text === 'true';
}
