/** Clones in another region, a second server, through the suite of flows: nothing half-made is left there. */
import '../../../test/support/clone-lab.ts';

import { clone, lab } from '../../../test/support/flow-cases.ts';
import { flowContract } from './flows/flow.contract.ts';

flowContract(lab, clone);
