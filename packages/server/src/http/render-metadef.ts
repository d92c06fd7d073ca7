/** Metadata definitions as they go over the wire (API section 11): what is null or empty is left out. */
import type {
  Association,
  MetadefObject,
  MetadefTag,
  NamespaceRecord,
  PropertyDefinition,
} from '@tintype/contract';
import { seconds } from '../base/time.ts';
import { type Definition, ofKind, type PropertyContent } from '../metadefs/definition.ts';
import type { FullNamespace } from '../metadefs/full-namespace.ts';
import type { Namespace } from '../metadefs/namespace-records.ts';

const base = '/v2/metadefs/namespaces';

function times({ created_at, updated_at }: { created_at: Date; updated_at: Date }) {
  return { created_at: seconds(created_at), updated_at: seconds(updated_at) };
}

/** Glance: whatever a default is, clients read it as text, True and False with a capital. */
function textOf(value: string | number | boolean): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return String(value);
}

function renderContent(content: PropertyContent): PropertyDefinition {
  const rendered = content.default === undefined ? content : { ...content, default: textOf(content.default) };
  return rendered as PropertyDefinition;
}

type ByName = Record<string, PropertyDefinition>;

function renderByName(entries: readonly (readonly [string, PropertyContent])[], prefix = ''): ByName {
  return Object.fromEntries(entries.map(([name, content]) => [prefix + name, renderContent(content)]));
}

/** A property by itself. */
export function renderProperty({ name, content }: Definition<'property'>): PropertyDefinition {
  return { ...renderContent(content), name };
}

export function renderProperties(properties: readonly Definition<'property'>[], prefix = ''): ByName {
  return renderByName(
    properties.map(({ name, content }) => [name, content]),
    prefix,
  );
}

export function renderObject(namespace: string, object: Definition<'object'>, prefix = ''): MetadefObject {
  const { description, required = [], properties = {} } = object.content;
  return {
    name: object.name,
    ...(description === undefined ? {} : { description }),
    required: required.map((name) => prefix + name),
    properties: renderByName(Object.entries(properties), prefix),
    ...times(object),
    // Glance: names stand in `self` as they are, not encoded.
    self: `${base}/${namespace}/objects/${object.name}`,
    schema: '/v2/schemas/metadefs/object',
  };
}

export function renderTag(tag: Definition<'tag'>): MetadefTag {
  return { name: tag.name, ...times(tag) };
}

export function renderAssociation(association: Definition<'resource_type'>): Association {
  return { name: association.name, ...association.content, ...times(association) };
}

/** Without anything it defines. */
export function renderNamespace(namespace: Namespace): NamespaceRecord {
  const { display_name, description, owner } = namespace;
  return {
    namespace: namespace.namespace,
    ...(display_name === null ? {} : { display_name }),
    ...(description === null ? {} : { description }),
    visibility: namespace.visibility,
    protected: namespace.protected,
    ...(owner === null ? {} : { owner }),
    ...times(namespace),
    self: `${base}/${namespace.namespace}`,
    schema: '/v2/schemas/metadefs/namespace',
  };
}

/** With what it defines, its properties called as they are on `resourceType`. */
export function renderFull(
  { namespace, definitions }: FullNamespace,
  resourceType?: string,
): NamespaceRecord {
  const associations = ofKind(definitions, 'resource_type');
  const prefix = associations.find(({ name }) => name === resourceType)?.content.prefix;
  const properties = ofKind(definitions, 'property');
  const objects = ofKind(definitions, 'object');
  const tags = ofKind(definitions, 'tag');
  return {
    ...renderNamespace(namespace),
    ...(associations.length === 0 ? {} : { resource_type_associations: associations.map(renderAssociation) }),
    ...(properties.length === 0 ? {} : { properties: renderProperties(properties, prefix) }),
    ...(objects.length === 0
      ? {}
      : { objects: objects.map((one) => renderObject(namespace.namespace, one, prefix)) }),
    ...(tags.length === 0 ? {} : { tags: tags.map(({ name }) => ({ name })) }),
  };
}
