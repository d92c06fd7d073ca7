/** The suite that every driver calls once, from its own test file: what `store.ts` promises, case by case. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Cases, given, type MakeObject } from './contract/cases.ts';
import { deleteCases, keyCases, listCases, urlCases } from './contract/delete.ts';
import { getCases } from './contract/get.ts';
import { cutCases, putCases } from './contract/put.ts';
import { readOnlyCases } from './contract/read-only.ts';
import type { Store } from './store.ts';

const groups: Readonly<Record<string, Cases>> = {
  put: putCases,
  cut: cutCases,
  get: getCases,
  delete: deleteCases,
  list: listCases,
  key: keyCases,
  url: urlCases,
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
  const made = (store: Store) => (size: number) => given(store, size);
  runCases(name, groups, makeStore, made, skips);
}

/** The same for a read-only store; `made` makes objects that it can read. */
export function readOnlyStoreContract(name: string, makeStore: () => Promise<Store>, made: MakeObject): void {
  runCases(name, { get: getCases, 'read-only': readOnlyCases }, makeStore, () => made, {});
}

function runCases(
  name: string,
  groups: Readonly<Record<string, Cases>>,
  makeStore: () => Promise<Store>,
  made: (store: Store) => MakeObject,
  skips: Readonly<Record<string, string>>,
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
        test(`${group}: ${title}`, { skip: skips[title], timeout: 60_000 }, () => check(store, made(store)));
      }
    }
  });
}
