/** To be imported before the flow cases: their lab unpacks and converts what is imported, for one store otherwise than for the other. */
import { labSettings } from './lab-settings.ts';

labSettings.importing = { decompress: true, convertTo: 'raw' };
labSettings.stores = { two: { convertTo: 'qcow2' } };
