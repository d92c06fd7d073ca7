/** Documents after a schema of the contract, and the ways to spoil them. */
import fc from 'fast-check';
import { hostileDocument, hostileText } from './hostile-values.ts';

/** As much of JSON Schema as the contract uses. */
interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
}

function objectAfter({ properties = {}, patternProperties = {}, additionalProperties }: Schema) {
  const known = fc.record(
    Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, valueAfter(schema)])),
    { requiredKeys: [] },
  );
  const [pattern] = Object.values(patternProperties);
  const others = pattern ?? (typeof additionalProperties === 'object' ? additionalProperties : undefined);
  if (others === undefined) return known;
  const more = fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), valueAfter(others), { maxKeys: 2 });
  return fc.tuple(more, known).map(([some, record]) => ({ ...some, ...record }));
}

function valueAfter(schema: Schema): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map(valueAfter));
  switch (schema.type) {
    case 'object':
      return objectAfter(schema);
    case 'array':
      return fc.array(valueAfter(schema.items ?? {}), { maxLength: 3 });
    case 'string':
      return fc.string({ maxLength: 12 });
    case 'integer':
    case 'number':
      return fc.integer({ min: 0, max: 1000 });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    default:
      return hostileDocument.value;
  }
}

/** Places in a document, as paths of keys; the whole is the empty path. */
function placesIn(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, inner]) => placesIn(inner, [...path, key]))];
}

/** A copy with something else in one place. */
function replaceAt(value: unknown, [key, ...rest]: readonly string[], by: unknown): unknown {
  if (key === undefined) return by;
  if (Array.isArray(value))
    return value.map((one, index) => (String(index) === key ? replaceAt(one, rest, by) : one));
  const entries = Object.entries(value as object);
  return Object.fromEntries(
    entries.map(([name, one]) => [name, name === key ? replaceAt(one, rest, by) : one]),
  );
}

/** Ways to spoil a document's text that no serializer has. */
const spoilers: Record<string, (text: string) => string | Buffer> = {
  nothing: (text) => text,
  'keys twice': (text) => text.replace(/("(?:[^"\\]|\\.)*":)/, '$1null,$1'),
  'a prototype': (text) => text.replace('{', '{"__proto__":{"admin":true},'),
  'a constructor': (text) => text.replace('{', '{"constructor":{"prototype":{"admin":true}},'),
  'a number beyond 2^53': (text) => text.replace(/:(\d+|"[^"]*"|null|true|false)/, ':9007199254740993'),
  'a number beyond all': (text) => text.replace(/:(\d+|"[^"]*"|null|true|false)/, ':-1e999'),
  'an escaped NUL': (text) => text.replace('"', '"\\u0000'),
  'a raw NUL': (text) => text.replace('"', '"\0'),
  'half a surrogate pair': (text) => text.replace('"', '"\\ud800'),
  'an overlong slash': (text) => insertBytes(text, 'c0af'),
  'an encoded surrogate': (text) => insertBytes(text, 'eda080'),
  'bytes that UTF-8 never has': (text) => insertBytes(text, 'f5fffe'),
  'a byte order mark': (text) => Buffer.concat([Buffer.from('efbbbf', 'hex'), Buffer.from(text)]),
  'UTF-16': (text) => Buffer.from(text, 'utf16le'),
  'a huge key': (text) => text.replace('{', `{"${'k'.repeat(70_000)}":"v",`),
  'deep lists': (text) => text.replace(/:("[^"]*"|null|\d+)/, `:${'['.repeat(5000)}${']'.repeat(5000)}`),
  'a second document': (text) => text + text,
  'half of it': (text) => text.slice(0, text.length / 2),
};

function insertBytes(text: string, hex: string): Buffer {
  const at = text.indexOf('"') + 1;
  return Buffer.concat([
    Buffer.from(text.slice(0, at)),
    Buffer.from(hex, 'hex'),
    Buffer.from(text.slice(at)),
  ]);
}

/** Bodies that are almost what the schema asks for. */
export function spoiledBodies(schema: object): fc.Arbitrary<Buffer> {
  const replaced = fc
    .tuple(
      valueAfter(schema),
      fc.nat(),
      fc.oneof(hostileDocument.value, hostileText),
      fc.integer({ min: 0, max: 2 }),
    )
    .map(([value, pick, by, times]) => {
      const places = placesIn(value);
      return times === 0 ? value : replaceAt(value, places[pick % places.length]!, by);
    });
  return fc
    .tuple(replaced, fc.constantFrom(...Object.values(spoilers)))
    .map(([value, spoil]) => Buffer.from(spoil(JSON.stringify(value) ?? 'null') as string));
}
