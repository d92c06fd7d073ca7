/** The flows of upkeep, through the suite of flows. */
import { lab, upkeepCases } from '../../../../test/support/flow-cases.ts';
import { flowContract } from '../flows/flow.contract.ts';

for (const one of upkeepCases) flowContract(lab, one);
