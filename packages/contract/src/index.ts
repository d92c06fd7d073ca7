/** What goes over the wire. */
export * from './action-records.ts';
export * from './action-schema.ts';
export * from './cache-records.ts';
export { EventRecord } from './event-routes.ts';
export * from './failures.ts';
export * from './image-schema.ts';
export { ImportRequest, TaskRequest } from './import-routes.ts';
export * from './member-schema.ts';
export * from './metadef-records.ts';
export * from './metadef-schema.ts';
export * from './records.ts';
export { ReplicaCreation, ReplicaList, type ReplicaRecord } from './replica-routes.ts';
export * from './route.ts';
export * from './routes.ts';
export * from './store-records.ts';
export * from './task-schema.ts';
export { ImageFailing } from './upkeep-routes.ts';
export * from './versions.ts';
