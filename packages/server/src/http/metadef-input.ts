/** From documents of the contract to metadata definitions (API section 11). */
import type {
  AssociationInput,
  MetadefObjectInput,
  NamespaceInput,
  PropertyDefinition,
} from '@tintype/contract';
import { Failure } from '../base/failure.ts';
import type { NewDefinition } from '../metadefs/definition.ts';
import type { NamespaceDraft } from '../metadefs/namespace-records.ts';

/** Those of the keys that are there. */
function pick<T extends object, K extends keyof T>(from: T, keys: readonly K[]): Pick<T, K> {
  const there = keys.filter((key) => Object.hasOwn(from, key));
  return Object.fromEntries(there.map((key) => [key, from[key]])) as Pick<T, K>;
}

/** The attributes of the namespace itself. */
export function readNamespace(input: NamespaceInput): NamespaceDraft {
  return {
    namespace: input.namespace,
    display_name: input.display_name ?? null,
    description: input.description ?? null,
    visibility: input.visibility ?? 'private',
    protected: input.protected ?? false,
    owner: input.owner ?? null,
  };
}

export function readProperty(name: string, property: PropertyDefinition): NewDefinition<'property'> {
  // Glance: a property keeps its name inside where it came with one, and lists show it.
  const content = property.name === undefined ? property : { ...property, name };
  return { kind: 'property', name, content };
}

/** Fails with bad_request when something is required twice. */
export function readObject(input: MetadefObjectInput): NewDefinition<'object'> {
  const { name, required = [] } = input;
  if (new Set(required).size < required.length)
    throw new Failure('bad_request', `What object '${name}' requires is named twice.`);
  return { kind: 'object', name, content: pick(input, ['description', 'required', 'properties']) };
}

export function readTag(name: string): NewDefinition<'tag'> {
  return { kind: 'tag', name, content: {} };
}

export function readAssociation(input: AssociationInput): NewDefinition<'resource_type'> {
  const content = pick(input, ['prefix', 'properties_target']);
  return { kind: 'resource_type', name: input.name, content };
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
