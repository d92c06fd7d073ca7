/** A transaction as packages that bring their own SQL take it: an object with `query`. */
import { CompiledQuery } from 'kysely';
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
      const { rows, numAffectedRows } = await queries.executeQuery(CompiledQuery.raw(text, [...values]));
      return { rows, rowCount: Number(numAffectedRows ?? rows.length) };
    },
  };
}
