/** Imports from URLs, through the suite of flows. */
import { lab, webImport } from '../../../test/support/flow-cases.ts';
import { flowContract } from './flows/flow.contract.ts';

flowContract(lab, webImport);
