/** A transaction as packages that bring their own SQL take it: an object with `query`. */
import { CompiledQuery } from 'kysely';
import { countUse } from './prepared.ts';
import type { Queries } from './queries.ts';

export interface QueryClient {
  query(
    text: string,
    values?: readonly unknown[],
  ): Promise<{ readonly rows: unknown[]; readonly rowCount: number }>;
}

export function asClient(queries: Queries): QueryClient {
  return {
    async query(text, values = []) {
      if (values.length > 0) countUse(text);
      const { rows, numAffectedRows } = await queries.executeQuery(CompiledQuery.raw(text, [...values]));
      return { rows, rowCount: Number(numAffectedRows ?? rows.length) };
    },
  };
}
