/** To be imported before the flow cases: their lab knows another region, a second server. */
import { after } from 'node:test';
import { labSettings } from './lab-settings.ts';
import { startOther } from './other-server.ts';

labSettings.ready = startOther().then((region) => {
  labSettings.region = region;
  labSettings.importing = { regions: [{ name: 'Faraway', endpoint: region.url }] };
});
after(() => labSettings.region?.close());
