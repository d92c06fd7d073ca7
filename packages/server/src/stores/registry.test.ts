/** The registry opens what is configured, all or none, and says clearly what is wrong with a configuration. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { openedStores, openStores, type StoreConfig } from './registry.ts';
import type { LocalStore } from './store.ts';

const root = mkdtempSync(join(tmpdir(), 'tintype-registry-'));
after(() => rmSync(root, { recursive: true, force: true }));

function config(id: string, more: Record<string, unknown> = {}): StoreConfig {
  return { id, type: 'file', path: join(root, id), ...more };
}

const staging = join(root, 'staging');

test('the first store is the default unless another is named', async () => {
  const configs = [config('one', { weight: 5, description: 'fast disks' }), config('two')];
  const stores = await openStores(configs, staging);
  assert.equal(stores.default.id, 'one');
  assert.deepEqual(
    stores.all.map(({ id, type, weight, description }) => [id, type, weight, description]),
    [
      ['one', 'file', 5, 'fast disks'],
      ['two', 'file', 0, null],
    ],
  );
  assert.equal(stores.byId('two'), stores.all[1]);
  assert.equal(stores.byId('three'), undefined);
  assert.equal(stores.byId('os_glance_staging'), undefined, 'clients cannot name the staging area');
  assert.equal(stores.holding('os_glance_staging'), stores.staging);
  assert.equal(stores.holding('one'), stores.all[0]);
  await stores.close();
  assert.equal((await openStores(configs, staging, 'two')).default.id, 'two');
});

test('a store that is only read is never the default', async () => {
  const rules = { allowedSchemes: ['https'], allowedPorts: [443], allowedHosts: [], deniedHosts: [] };
  const common = { weight: 0, description: null, allowPrivateAddresses: false, caFile: null };
  const web = { id: 'web', type: 'http', ...rules, ...common };
  const stores = await openStores([web, config('one')], staging);
  assert.deepEqual([stores.default.id, stores.byId('web')?.readOnly], ['one', true]);
  await stores.close();
  const refused = (message: RegExp) => ({ name: 'Failure', code: 'bad_request', message });
  await assert.rejects(openStores([web, config('one')], staging, 'web'), refused(/web, which is read-only/));
  await assert.rejects(openStores([web], staging), refused(/Every store is read-only/));
});

describe('a configuration', () => {
  const wrong: readonly (readonly [string, StoreConfig[], string | null, RegExp])[] = [
    ['without a store', [], null, /No store is configured/],
    ['with an id twice', [config('one'), config('one')], null, /Two stores have the id one/],
    ['with a reserved id', [config('os_glance_staging')], null, /os_glance_staging: .* reserved/],
    ['with an unknown type', [config('one', { type: 'floppy' })], null, /type floppy; known are file/],
    ['with a type that every object has', [config('one', { type: 'constructor' })], null, /type constructor/],
    ['with an unknown default', [config('one')], 'two', /defaultStore is two, but the stores are one/],
    [
      'with one folder for two stores',
      [config('one'), config('two', { path: join(root, 'x', '..', 'one') })],
      null,
      /Stores one and two are at the same place/,
    ],
    [
      'with a store in the staging area',
      [config('one', { path: staging })],
      null,
      /Stores one and os_glance_staging are at the same place/,
    ],
    ['without a path', [{ id: 'one', type: 'file' }], null, /Store one: .*path/],
    ['with an option that is none', [config('one', { colour: 'red' })], null, /Store one: .*colour/],
    [
      'with a weight that is no number',
      [config('one', { weight: 'heavy' })],
      null,
      /Store one: weight .*integer/,
    ],
  ];
  for (const [title, configs, defaultId, message] of wrong) {
    test(`${title} is refused`, async () => {
      await assert.rejects(openStores(configs, staging, defaultId), {
        name: 'Failure',
        code: 'bad_request',
        message,
      });
    });
  }

  test('of which one store cannot be opened is refused, naming it', async () => {
    const blocked = join(root, 'blocked');
    writeFileSync(blocked, '');
    const configs = [config('opened'), config('blocked', { path: join(blocked, 'inside') })];
    await assert.rejects(openStores(configs, staging), {
      code: 'store_unavailable',
      message: /Store blocked/,
    });
    assert.ok(existsSync(join(root, 'opened')));
  });
});

describe('read-only stores', () => {
  const store = (id: string, readOnly?: true) =>
    ({ id, ...(readOnly && { readOnly }), close: async () => {} }) as unknown as LocalStore;
  const waiting = store('waiting');

  test('are never the default', () => {
    assert.equal(openedStores([store('web', true), store('disk')], waiting).default.id, 'disk');
    assert.throws(() => openedStores([store('web', true), store('disk')], waiting, 'web'), {
      code: 'bad_request',
      message: /defaultStore is web, which is read-only/,
    });
  });

  test('are not enough', () => {
    assert.throws(() => openedStores([store('web', true)], waiting), {
      code: 'bad_request',
      message: /Every store is read-only/,
    });
  });
});
