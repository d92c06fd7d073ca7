/** Imports whose data is unpacked and converted, through the suite of flows: no program, file or byte outlives a step. */
import '../../../test/support/refined-lab.ts';

import { lab, refinedImport } from '../../../test/support/flow-cases.ts';
import { flowContract } from './flows/flow.contract.ts';

flowContract(lab, refinedImport);
