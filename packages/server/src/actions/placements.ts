/** The steps of an import that bring its data into the stores, each of which gets it as it wants it. */
import { Failure } from '../base/failure.ts';
import type { Step } from '../flows/flow.ts';
import type { CopyWanted } from './kept-formats.ts';
import type { ActionParts } from './parts.ts';
import { convertFor } from './steps/convert.ts';
import { copyStep, derivedFor, type FindDerived, lastDerived } from './steps/derived.ts';
import { type FindSource, type PlaceInput, place } from './steps/place.ts';
import { recordMade } from './steps/record-made.ts';
import { staged } from './steps/staged.ts';

/** `check` is asked for the data that the image itself gets. */
export function placements<Input extends PlaceInput>(
  parts: ActionParts,
  { stores, allMustSucceed, refinement }: PlaceInput,
  check: (find: FindSource) => FindSource = (find) => find,
): Step<Input>[] {
  const copies = refinement?.copies ?? [];
  const own = stores.filter((id) => !copies.some((copy) => copy.stores.includes(id)));
  return [
    ...own.map((id) => place<Input>(parts, check(staged(parts, own)), id, !allMustSucceed)),
    ...copies.flatMap((copy) => [
      convertFor<Input>(parts, copy.format, !allMustSucceed),
      ...copy.stores.map((id) => placeCopy<Input>(parts, copy, own, id, !allMustSucceed)),
    ]),
  ];
}

/** What is no disk, or is in that format already, goes there as it is: as one more place of the image's own data. */
function placeCopy<Input extends PlaceInput>(
  parts: ActionParts,
  copy: CopyWanted,
  own: readonly string[],
  store: string,
  isOptional: boolean,
): Step<Input> {
  const ofCopy: FindDerived = (context) => derivedFor(context, copy);
  const made: FindDerived = (context) => ofCopy(context) ?? lastDerived(context);
  const find: FindSource = async (image, context) => {
    const failure = context.failureOf(copyStep(copy));
    if (failure !== undefined) throw new Failure(failure.code, failure.message);
    const alike = ofCopy(context) === null ? [...own, ...copy.stores] : copy.stores;
    return await staged(parts, alike, made)(image, context);
  };
  return place<Input>(parts, find, store, isOptional, { made, record: recordMade(ofCopy) });
}
