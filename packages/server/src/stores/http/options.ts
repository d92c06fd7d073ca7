/** The settings of the http store. */
import Type, { type Static } from 'typebox';
import { fetchSettings } from '../../base/fetch/settings.ts';

export const httpStoreOptions = Type.Object(
  {
    id: Type.String({ pattern: '^[A-Za-z0-9_.-]{1,64}$', description: 'Name in the API' }),
    type: Type.Literal('http', { description: 'Web servers of others: read-only' }),
    ...fetchSettings,
    weight: Type.Integer({ default: 0, description: 'Higher is read from first' }),
    description: Type.Union([Type.String({ minLength: 1 }), Type.Null()], {
      default: null,
      description: 'Shown to users',
    }),
  },
  { additionalProperties: false },
);

export type HttpStoreOptions = Static<typeof httpStoreOptions>;

/** It keeps nothing of its own, so that two of them are never in each other's way. */
export function placeOfHttpStore({ id }: Pick<HttpStoreOptions, 'id'>): string {
  return id;
}
