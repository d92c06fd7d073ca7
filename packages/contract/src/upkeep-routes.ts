/** The routes by which services tell what upkeep would find out late, a part of the route table. */
import Type, { type Static } from 'typebox';
import type { Route } from './route.ts';

export const ImageFailing = Type.Object({
  message: Type.String({ minLength: 1, maxLength: 1000, description: 'why, for the owner of the image' }),
});
export type ImageFailing = Static<typeof ImageFailing>;

export const upkeepRoutes = {
  failImage: {
    method: 'POST',
    path: '/v2/images/:image_id/actions/fail',
    summary: 'Give up an image whose data will never come',
    body: 'json',
    request: ImageFailing,
    responses: { 204: null },
    failures: [
      'bad_request',
      'invalid_json',
      'forbidden',
      'image_not_found',
      'status_conflict',
      'body_too_large',
    ],
  },
} as const satisfies Record<string, Route>;
