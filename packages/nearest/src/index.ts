/** Which of several places with the same bytes to read from. */
export { PlaceHealth, type Reading } from './place-health.ts';
