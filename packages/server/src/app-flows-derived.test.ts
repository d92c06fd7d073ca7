/** Copies in another format, through the suite of flows: no program, file or byte outlives a step. */
import { derivedCopy, lab } from '../../../test/support/flow-cases.ts';
import { flowContract } from './flows/flow.contract.ts';

flowContract(lab, derivedCopy);
