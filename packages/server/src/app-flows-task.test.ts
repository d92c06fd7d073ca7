/** Imports asked for as tasks, through the suite of flows. */
import { lab, taskImport } from '../../../test/support/flow-cases.ts';
import { flowContract } from './flows/flow.contract.ts';

flowContract(lab, taskImport);
