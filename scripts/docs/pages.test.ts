/** The generated pages say everything that the code does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failures, routes } from '@tintype/contract';
import { formats } from '@tintype/inspector';
import { configSchema } from '@tintype/server';
import { renderPages } from './pages.ts';

const pages = renderPages();

interface OpenApi {
  readonly paths: Record<string, Record<string, { operationId: string; responses: Record<string, unknown> }>>;
  readonly components: { schemas: Record<string, unknown> };
}

test('every failure code and every setting has its line', () => {
  for (const code of Object.keys(failures)) assert.ok(pages['errors.md']?.includes(`| \`${code}\` |`), code);
  for (const key of Object.keys(configSchema.properties)) {
    assert.match(pages['config.md'] ?? '', new RegExp(`\\| \`${key}[.\`]`));
  }
});

test('every format has its line', () => {
  assert.ok(formats.length > 20);
  for (const { name } of formats) assert.ok(pages['formats.md']?.includes(`\n| \`${name}\` |`), name);
});

test('the OpenAPI document has every route, every failure status, and no reference to nothing', () => {
  const text = pages['openapi.json'] ?? '';
  const document = JSON.parse(text) as OpenApi;
  const operations = new Map(
    Object.values(document.paths).flatMap((methods) =>
      Object.values(methods).map((one) => [one.operationId, one]),
    ),
  );
  assert.deepEqual([...operations.keys()].sort(), Object.keys(routes).sort());
  for (const [name, route] of Object.entries(routes)) {
    const statuses = Object.keys(operations.get(name)?.responses ?? {});
    for (const code of route.failures)
      assert.ok(statuses.includes(String(failures[code].status)), `${name} ${code}`);
  }
  const references = [...text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name ?? '');
  assert.ok(references.length > 0);
  for (const name of references) assert.ok(name in document.components.schemas, name);
});
