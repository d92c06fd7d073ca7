/** What runs queries: the database itself or a transaction on it. */
import type { Kysely } from 'kysely';
import type { Tables } from './tables.ts';

export type Queries = Kysely<Tables>;
