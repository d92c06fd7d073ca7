/** Exports of images as they are, through the suite of flows. */
import { lab, plainExport } from '../../../test/support/flow-cases.ts';
import { flowContract } from './flows/flow.contract.ts';

flowContract(lab, plainExport);
