/** From documents of the contract to definitions. */
import type {
  AssociationInput,
  MetadefObjectInput,
  NamespaceInput,
  PropertyDefinition,
} from '@tintype/contract';
import type { NewDefinition } from './definition.ts';
import type { NamespaceFields } from './namespace-records.ts';

/** The attributes of the namespace itself, `owner` unless another is given. */
export function readFields(input: NamespaceInput, owner: string | null): NamespaceFields {
  return {
    namespace: input.namespace,
    display_name: input.display_name ?? null,
    description: input.description ?? null,
    visibility: input.visibility ?? 'private',
    protected: input.protected ?? false,
    owner: input.owner ?? owner,
  };
}

export function readProperty(name: string, property: PropertyDefinition): NewDefinition<'property'> {
  // Glance: a property keeps its name inside where it came with one, and lists show it.
  const content = property.name === undefined ? property : { ...property, name };
  return { kind: 'property', name, content };
}

export function readObject({
  name,
  description,
  required,
  properties,
}: MetadefObjectInput): NewDefinition<'object'> {
  const content = {
    ...(description === undefined ? {} : { description }),
    ...(required === undefined ? {} : { required }),
    ...(properties === undefined ? {} : { properties }),
  };
  return { kind: 'object', name, content };
}

export function readTag(name: string): NewDefinition<'tag'> {
  return { kind: 'tag', name, content: {} };
}

export function readAssociation({
  name,
  prefix,
  properties_target,
}: AssociationInput): NewDefinition<'resource_type'> {
  const content = {
    ...(prefix === undefined ? {} : { prefix }),
    ...(properties_target === undefined ? {} : { properties_target }),
  };
  return { kind: 'resource_type', name, content };
}

/** All that the document nests. */
export function readNested(input: NamespaceInput): NewDefinition[] {
  return [
    ...(input.resource_type_associations ?? []).map(readAssociation),
    ...Object.entries(input.properties ?? {}).map(([name, property]) => readProperty(name, property)),
    ...(input.objects ?? []).map(readObject),
    ...(input.tags ?? []).map(({ name }) => readTag(name)),
  ];
}
