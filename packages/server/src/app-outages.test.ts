/** Flows whose database dies at any moment of any step: the engine waits for it, and gives nothing up. */
import { lab, plainExport, stagedImport } from '../../../test/support/flow-cases.ts';
import { flowOutages } from './flows/flow.contract.ts';

flowOutages(lab, stagedImport);
flowOutages(lab, plainExport);
