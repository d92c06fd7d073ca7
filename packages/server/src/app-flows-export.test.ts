/** Exports of images that are converted on their way, through the suite of flows. */
import { imageExport, lab } from '../../../test/support/flow-cases.ts';
import { flowContract } from './flows/flow.contract.ts';

flowContract(lab, imageExport);
