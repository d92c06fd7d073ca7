/** The suite that every driver calls once, from its own test file: what `store.ts` promises, case by case. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Cases } from './contract/cases.ts';
import { deleteCases, keyCases, listCases } from './contract/delete.ts';
import { getCases } from './contract/get.ts';
import { cutCases, putCases } from './contract/put.ts';
import type { Store } from './store.ts';

const groups: Readonly<Record<string, Cases>> = {
  put: putCases,
  cut: cutCases,
  get: getCases,
  delete: deleteCases,
  list: listCases,
  key: keyCases,
};

export interface StoreContractOptions {
  /** Why a case cannot hold for this driver, by its name; a name that is no case is an error. */
  readonly skips?: Readonly<Record<string, string>>;
}

/** `makeStore` gives an open store, empty or not; it is closed when the suite ends. */
export function storeContract(
  name: string,
  makeStore: () => Promise<Store>,
  { skips = {} }: StoreContractOptions = {},
): void {
  const known = Object.values(groups).flatMap((cases) => Object.keys(cases));
  for (const skipped of Object.keys(skips)) assert.ok(known.includes(skipped), `no such case: ${skipped}`);
  describe(`store contract: ${name}`, () => {
    let store: Store;
    before(async () => {
      store = await makeStore();
    });
    after(() => store.close());
    for (const [group, cases] of Object.entries(groups)) {
      for (const [title, check] of Object.entries(cases)) {
        test(`${group}: ${title}`, { skip: skips[title], timeout: 60_000 }, () => check(store));
      }
    }
  });
}
