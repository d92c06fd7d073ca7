/** The parts of the command that other packages use. */
export { renderCommandReference } from './reference.ts';
