/** Metadata definitions as files have them: the layout in which operators keep their catalogue already. */
import { NamespaceInput } from '@tintype/contract';
import type { CatalogueEntry } from '../metadefs/catalogue.ts';
import { type Definition, ofKind } from '../metadefs/definition.ts';
import type { FullNamespace } from '../metadefs/full-namespace.ts';
import { readNamespace, readNested } from './metadef-input.ts';
import { bodyReader, parseJson } from './request-body.ts';

const readInput = bodyReader(NamespaceInput, 'The file');

/** What records have that were read over HTTP and kept. */
const onlyServer = ['self', 'schema', 'created_at', 'updated_at'];

/** Glance: its export writes null for what is not there. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const there = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(there.map(([key, inner]) => [key, withoutNulls(inner)]));
}

function withoutServerFields(document: unknown): unknown {
  if (typeof document !== 'object' || document === null || Array.isArray(document)) return document;
  return Object.fromEntries(Object.entries(document).filter(([key]) => !onlyServer.includes(key)));
}

/** Fails with invalid_json or bad_request, naming the place that does not fit. */
export function readMetadefFile(bytes: Uint8Array): CatalogueEntry {
  const input = readInput(withoutServerFields(withoutNulls(parseJson(bytes, 'The file'))));
  return { draft: readNamespace(input), definitions: readNested(input) };
}

function named({ name, content }: Definition) {
  return { name, ...content };
}

/** What `readMetadefFile` reads the same namespace from. */
export function writeMetadefFile({ namespace, definitions }: FullNamespace): string {
  const { display_name, description, visibility, owner } = namespace;
  const properties = ofKind(definitions, 'property').map(({ name, content }) => [name, content] as const);
  const document = {
    namespace: namespace.namespace,
    ...(display_name === null ? {} : { display_name }),
    ...(description === null ? {} : { description }),
    visibility,
    protected: namespace.protected,
    ...(owner === null ? {} : { owner }),
    resource_type_associations: ofKind(definitions, 'resource_type').map(named),
    properties: Object.fromEntries(properties),
    objects: ofKind(definitions, 'object').map(named),
    tags: ofKind(definitions, 'tag').map(named),
  };
  return `${JSON.stringify(document, null, 4)}\n`;
}
