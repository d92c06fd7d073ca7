/** What others are told of namespaces and what they define: the fields are those of the reference's notifications. */
import { seconds } from '../base/time.ts';
import { currentTime } from '../database/clock.ts';
import { deletedAt, type EventType, type NewEvent, type Payload } from '../events/event.ts';
import type { Definition, Kind, PropertyContent } from './definition.ts';
import type { Namespace } from './namespace-records.ts';

type Verb = 'create' | 'update' | 'delete';

function eventOf(type: EventType, namespace: Namespace, fields: Payload): NewEvent {
  const isDeleted = type.endsWith('.delete');
  const payload = {
    ...fields,
    deleted: false,
    deleted_at: null,
    ...(isDeleted ? deletedAt(seconds(currentTime())) : {}),
  };
  return { type, priority: 'info', project: namespace.owner, imageId: null, payload };
}

/** `before`: its name until now. */
export function namespaceEvent(
  verb: Verb | 'delete_objects' | 'delete_properties' | 'delete_tags',
  namespace: Namespace,
  before = namespace.namespace,
): NewEvent {
  return eventOf(`metadef_namespace.${verb}`, namespace, {
    namespace: namespace.namespace,
    namespace_old: before,
    display_name: namespace.display_name,
    protected: namespace.protected,
    visibility: namespace.visibility,
    owner: namespace.owner,
    description: namespace.description,
    created_at: seconds(namespace.created_at),
    updated_at: seconds(namespace.updated_at),
  });
}

/** All of one kind are gone. */
export function clearingEvent(kind: Exclude<Kind, 'resource_type'>, namespace: Namespace): NewEvent {
  const verbs = { object: 'delete_objects', property: 'delete_properties', tag: 'delete_tags' } as const;
  return namespaceEvent(verbs[kind], namespace);
}

/** `before`: its name until now. */
export function definitionEvent(
  verb: Verb,
  namespace: Namespace,
  definition: Definition,
  before = definition.name,
): NewEvent {
  const type = `metadef_${definition.kind}.${verb}` as EventType;
  const names = { namespace: namespace.namespace, name: definition.name, name_old: before };
  const times = { created_at: seconds(definition.created_at), updated_at: seconds(definition.updated_at) };
  return eventOf(type, namespace, { ...names, ...contentOf(definition), ...timesOf(definition, times) });
}

/** Glance: of properties no times are told. */
function timesOf({ kind }: Definition, times: Payload): Payload {
  return kind === 'property' ? {} : times;
}

function contentOf(definition: Definition): Payload {
  switch (definition.kind) {
    case 'property':
      return propertyFields((definition as Definition<'property'>).content);
    case 'object': {
      const { description, required, properties } = (definition as Definition<'object'>).content;
      const listed = Object.entries(properties ?? {});
      return {
        description: description ?? null,
        required: required ?? [],
        properties: listed.map(([name, content]) => ({ name, ...propertyFields(content) })),
      };
    }
    case 'resource_type': {
      const { prefix, properties_target } = (definition as Definition<'resource_type'>).content;
      return { prefix: prefix ?? null, properties_target: properties_target ?? null };
    }
    case 'tag':
      return {};
  }
}

const schemaWords = [
  'type',
  'title',
  'description',
  'default',
  'minimum',
  'maximum',
  'enum',
  'pattern',
  'minLength',
  'maxLength',
  'confidential',
  'items',
  'uniqueItems',
  'minItems',
  'maxItems',
  'additionalItems',
] as const;

function propertyFields(content: PropertyContent): Payload {
  return Object.fromEntries(schemaWords.map((word) => [word, content[word] ?? null]));
}
