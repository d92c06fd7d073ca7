/** Imports from another image service, through the suite of flows. */
import { glanceImport, lab } from '../../../test/support/flow-cases.ts';
import { flowContract } from './flows/flow.contract.ts';

flowContract(lab, glanceImport);
