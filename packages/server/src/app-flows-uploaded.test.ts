/** Imports that bring an image about, of data that its owner sends, through the suite of flows. */
import { lab, uploadedImageImport } from '../../../test/support/flow-cases.ts';
import { flowContract } from './flows/flow.contract.ts';

flowContract(lab, uploadedImageImport);
