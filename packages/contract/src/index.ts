/** What goes over the wire. */
export * from './failures.ts';
