/** Imports from URLs, through the suite of flows. */
import { lab, taskImport, webImport } from '../../../test/support/flow-cases.ts';
import { flowContract } from './flows/flow.contract.ts';

flowContract(lab, webImport);
flowContract(lab, taskImport);
