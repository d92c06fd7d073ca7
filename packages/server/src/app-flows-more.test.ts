/** The other flows, cut, failed, repeated, cancelled and killed at every moment. */
import { copy, lab, purge } from '../../../test/support/flow-cases.ts';
import { flowContract } from './flows/flow.contract.ts';

flowContract(lab, copy);
flowContract(lab, purge);
