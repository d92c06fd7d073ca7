/** The routes of stores (API section 6), a part of the route table. */
import type { Route } from './route.ts';
import { StoreDetailList, StoreList } from './store-records.ts';

export const storeRoutes = {
  listStores: {
    method: 'GET',
    path: '/v2/info/stores',
    summary: 'The stores that images can be in; 404 from a server that has one',
    body: 'none',
    responses: { 200: StoreList },
    failures: ['single_store'],
  },
  listStoreDetails: {
    method: 'GET',
    path: '/v2/info/stores/detail',
    summary: 'The stores with type, weight and settings: for operators and other services',
    body: 'none',
    responses: { 200: StoreDetailList },
    failures: ['single_store', 'forbidden'],
  },
  deleteFromStore: {
    method: 'DELETE',
    path: '/v2/stores/:store_id/:image_id',
    summary: 'Remove an image from one of the stores that it is in',
    body: 'none',
    responses: { 204: null },
    failures: [
      'single_store',
      'image_not_found',
      'location_not_found',
      'forbidden',
      'last_location',
      'no_such_store',
      'status_conflict',
      'image_in_use',
    ],
  },
} as const satisfies Record<string, Route>;
