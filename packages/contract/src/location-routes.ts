/** The routes of the locations of an image (API section 5), a part of the route table. */
import Type from 'typebox';
import { LocationCreation, LocationRecord } from './records.ts';
import { type Route, sourceFailures } from './route.ts';

export const locationRoutes = {
  addLocation: {
    method: 'POST',
    path: '/v2/images/:image_id/locations',
    summary: 'Give a queued image data that is somewhere already; what it is shows in the tasks of the image',
    body: 'json',
    request: LocationCreation,
    responses: { 202: null },
    failures: [
      'invalid_json',
      'bad_request',
      'invalid_attribute',
      'invalid_location',
      ...sourceFailures,
      'formats_unset',
      'signature_required',
      'signature_invalid',
      'certificate_refused',
      'forbidden',
      'image_not_found',
      'status_conflict',
      'body_too_large',
      'size_cap',
      'quota_exceeded',
    ],
  },
  listLocations: {
    method: 'GET',
    path: '/v2/images/:image_id/locations',
    summary: 'Where the data of an image is: for other services',
    body: 'none',
    responses: { 200: Type.Array(LocationRecord) },
    failures: ['image_not_found', 'forbidden'],
  },
} as const satisfies Record<string, Route>;
