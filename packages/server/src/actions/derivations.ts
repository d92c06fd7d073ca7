/** The steps of an import that make other data of what has arrived. */
import type { Step } from '../flows/flow.ts';
import type { ActionParts } from './parts.ts';
import { convertData } from './steps/convert.ts';
import { extractDisk } from './steps/extract.ts';
import type { PlaceInput } from './steps/place.ts';
import { unpackData } from './steps/unpack.ts';

/** Imports that began before there were any have no refinement. */
export function derivations<Input extends PlaceInput>(
  parts: ActionParts,
  { refinement = null }: PlaceInput,
): Step<Input>[] {
  const steps: Step<Input>[] = [];
  if (refinement === null) return steps;
  if (refinement.unpack) steps.push(unpackData(parts));
  if (refinement.extract) steps.push(extractDisk(parts));
  if (refinement.convertTo !== null || refinement.stripSnapshots) steps.push(convertData(parts));
  return steps;
}
