/** Imports that bring an image about, from a packed disk that is unpacked and converted, through the suite of flows. */
import '../../../test/support/refined-lab.ts';

import { lab, refinedImageImport } from '../../../test/support/flow-cases.ts';
import { flowContract } from './flows/flow.contract.ts';

flowContract(lab, refinedImageImport);
