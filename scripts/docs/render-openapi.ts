/** Renders `docs/reference/openapi.json` from the contract's route table. */
import * as contract from '@tintype/contract';
import { commonFailures, failures, type Route, routes } from '@tintype/contract';

type Json = Record<string, unknown>;

const error = { $ref: '#/components/schemas/Error' };

const errorSchema = {
  type: 'object',
  required: ['error'],
  additionalProperties: false,
  properties: {
    error: {
      type: 'object',
      required: ['code', 'title', 'message', 'reason'],
      properties: {
        code: { type: 'integer', description: 'HTTP status' },
        title: { type: 'string' },
        message: { type: 'string', description: 'for people' },
        reason: { type: 'string', enum: Object.keys(failures) },
      },
    },
  },
};

/** The contract's exported schemas by their names, to be referred to. */
function namedSchemas(): Map<unknown, string> {
  const found = Object.entries(contract).filter(
    ([name, value]) => /^[A-Z]/.test(name) && typeof value === 'object' && 'type' in value,
  );
  return new Map(found.map(([name, value]) => [value, name]));
}

const names = namedSchemas();

/** Plain JSON, with references in place of the named schemas below `top`. */
function plain(schema: unknown, top = false): unknown {
  const name = names.get(schema);
  if (name !== undefined && !top) return { $ref: `#/components/schemas/${name}` };
  if (Array.isArray(schema)) return schema.map((item) => plain(item));
  if (typeof schema !== 'object' || schema === null) return schema;
  return Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, plain(value)]));
}

function parameters(route: Route): Json[] {
  const inPath = [...route.path.matchAll(/:([a-z_]+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const properties: Record<string, Json> = Object(
    route.query && 'properties' in route.query && route.query.properties,
  );
  const inQuery = Object.entries(properties).map(([name, schema]) => {
    const { description, ...rest } = plain(schema) as Json;
    return { name, in: 'query', description, schema: rest };
  });
  return [...inPath, ...inQuery];
}

const octets = { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } };

function requestBody(route: Route): Json | undefined {
  if (route.body === 'none') return undefined;
  if (route.body === 'data') return { required: true, content: octets };
  const types = route.consumes ?? ['application/json'];
  const schema = plain(route.request);
  return { required: true, content: Object.fromEntries(types.map((type) => [type, { schema }])) };
}

const meanings: Readonly<Record<number, string>> = {
  200: 'Done',
  201: 'Created',
  204: 'Done; no body',
  206: 'The range asked for',
  300: 'The versions there are',
  304: 'Unchanged; no body',
  307: 'The data is at the URL in Location; no body',
};

function success(schema: Route['responses'][number]): Json {
  if (schema === null) return {};
  if (schema === 'data') return { content: octets };
  if (schema === 'events') return { content: { 'text/event-stream': { schema: { type: 'string' } } } };
  if (schema === 'text') return { content: { 'text/plain': { schema: { type: 'string' } } } };
  return { content: { 'application/json': { schema: plain(schema) } } };
}

function responses(route: Route): Json {
  const codes = [...new Set([...route.failures, ...commonFailures])].filter(
    (code) => !(route.open && code === 'unauthenticated'),
  );
  const byStatus = Object.groupBy(codes, (code) => failures[code].status);
  const bad = Object.entries(byStatus).map(([status, list = []]) => {
    const description = list.map((code) => `${code}: ${failures[code].remedy}`).join('\n\n');
    return [status, { description, content: { 'application/json': { schema: error } } }];
  });
  const good = Object.entries(route.responses).map(([status, schema]) => [
    status,
    { description: meanings[Number(status)] ?? `Status ${status}`, ...success(schema) },
  ]);
  return Object.fromEntries([...good, ...bad]);
}

function operation(operationId: string, route: Route): Json {
  const given = parameters(route);
  return {
    operationId,
    summary: route.summary,
    ...(route.open ? { security: [] } : {}),
    ...(given.length > 0 ? { parameters: given } : {}),
    requestBody: requestBody(route),
    responses: responses(route),
  };
}

function paths(): Json {
  const all: Record<string, Json> = {};
  for (const [name, route] of Object.entries(routes)) {
    const path = route.path.replace(/:([a-z_]+)/g, '{$1}');
    all[path] = { ...all[path], [route.method.toLowerCase()]: operation(name, route) };
  }
  return all;
}

/** OpenAPI 3.1 as text. */
export function renderOpenApi(version: string): string {
  const schemas = Object.fromEntries([...names].map(([schema, name]) => [name, plain(schema, true)]));
  const document = {
    openapi: '3.1.0',
    info: {
      title: 'Tintype',
      version,
      description: 'The OpenStack Image API v2 as Tintype serves it.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: 'http://127.0.0.1:9292' }],
    security: [{ token: [] }],
    paths: paths(),
    components: {
      securitySchemes: { token: { type: 'apiKey', in: 'header', name: 'X-Auth-Token' } },
      schemas: { ...schemas, Error: errorSchema },
    },
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}
