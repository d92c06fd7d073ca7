/** The JSON Schemas of metadata definitions as clients read them from `/v2/schemas/metadefs` (API section 10). */
import { definedTypes, namespaceVisibilities } from './metadef-records.ts';

const text = (description: string, maxLength?: number) => ({
  type: 'string',
  ...(maxLength === undefined ? {} : { maxLength }),
  description,
});
const readOnly = { type: 'string', readOnly: true };
const time = (description: string) => ({ ...readOnly, format: 'date-time', description });
const times = (what: string) => ({
  created_at: time(`When the ${what} was created`),
  updated_at: time(`When the ${what} was last changed`),
});
const links = { self: readOnly, schema: readOnly };
const typeName = { type: 'string', enum: definedTypes };

/** Kept in every document that refers to them. */
const counts = {
  positiveInteger: { type: 'integer', minimum: 0 },
  positiveIntegerDefault0: { allOf: [{ $ref: '#/definitions/positiveInteger' }, { default: 0 }] },
  stringArray: { type: 'array', items: { type: 'string' }, uniqueItems: true },
};
const count = { $ref: '#/definitions/positiveInteger' };
const countOrNone = { $ref: '#/definitions/positiveIntegerDefault0' };

const definitionProperties = {
  name: { type: 'string', maxLength: 80 },
  title: { type: 'string' },
  description: { type: 'string' },
  operators: { type: 'array', items: { type: 'string' } },
  type: typeName,
  minimum: { type: 'number' },
  maximum: { type: 'number' },
  maxLength: count,
  minLength: countOrNone,
  pattern: { type: 'string', format: 'regex' },
  enum: { type: 'array' },
  readonly: { type: 'boolean' },
  confidential: { type: 'boolean' },
  default: {},
  items: { type: 'object', properties: { type: typeName, enum: { type: 'array' } } },
  maxItems: count,
  minItems: countOrNone,
  uniqueItems: { type: 'boolean', default: false },
  additionalItems: { type: 'boolean' },
};

const definitions = {
  ...counts,
  property: {
    type: 'object',
    additionalProperties: {
      type: 'object',
      required: ['title', 'type'],
      properties: definitionProperties,
    },
  },
};
const propertiesByName = { $ref: '#/definitions/property' };

const pageLinks = [
  { rel: 'first', href: '{first}' },
  { rel: 'next', href: '{next}' },
  { rel: 'describedby', href: '{schema}' },
];

/** The document of a collection: `items` under its name, with the links of a page. */
function collection(name: string, items: object, shared?: object) {
  return {
    name,
    properties: {
      [name]: items,
      first: { type: 'string' },
      next: { type: 'string' },
      schema: { type: 'string' },
    },
    links: pageLinks,
    ...(shared === undefined ? {} : { definitions: shared }),
  };
}

const propertyItem = {
  name: 'property',
  properties: definitionProperties,
  additionalProperties: false,
  required: ['type', 'title'],
};

const objectItem = {
  name: 'object',
  properties: {
    name: { type: 'string', maxLength: 80 },
    description: { type: 'string' },
    required: { $ref: '#/definitions/stringArray' },
    properties: propertiesByName,
    ...links,
    ...times('object'),
  },
  additionalProperties: false,
  required: ['name'],
};

const tagItem = {
  name: 'tag',
  properties: { name: { type: 'string', maxLength: 80 }, ...times('tag') },
  additionalProperties: false,
  required: ['name'],
};

const associationItem = {
  name: 'resource_type_association',
  properties: {
    name: text('Name of the resource type, as the orchestration service calls it where it does', 80),
    prefix: text('What names of properties begin with on this resource type, separator included', 80),
    properties_target: text('Which of several key-value collections of the resource type is meant', 80),
    ...times('association'),
  },
  additionalProperties: false,
  required: ['name'],
};

const listOf = (properties: object) => ({ type: 'array', items: { type: 'object', properties } });

const namespaceItem = {
  name: 'namespace',
  properties: {
    namespace: text('The unique name of the namespace', 80),
    display_name: text('What people see as its name', 80),
    description: text('What the namespace is about', 500),
    visibility: { type: 'string', enum: namespaceVisibilities, description: 'Who may read the namespace' },
    protected: { type: 'boolean', description: 'Whether the namespace is kept from deletion' },
    owner: text('Project that owns the namespace', 255),
    ...times('namespace'),
    ...links,
    resource_type_associations: listOf({
      name: { type: 'string' },
      prefix: { type: 'string' },
      properties_target: { type: 'string' },
    }),
    properties: propertiesByName,
    objects: listOf({
      name: { type: 'string' },
      description: { type: 'string' },
      required: { $ref: '#/definitions/stringArray' },
      properties: propertiesByName,
    }),
    tags: listOf({ name: { type: 'string' } }),
  },
  additionalProperties: false,
  required: ['namespace'],
};

/** By the last segment of their path. */
export const metadefSchemas = {
  namespace: { ...namespaceItem, definitions },
  namespaces: collection('namespaces', { type: 'array', items: namespaceItem }, definitions),
  resource_type: associationItem,
  resource_types: collection('resource_type_associations', { type: 'array', items: associationItem }),
  property: { ...propertyItem, required: ['type', 'title', 'name'], definitions: counts },
  properties: collection('properties', { type: 'object', additionalProperties: propertyItem }, counts),
  object: { ...objectItem, definitions },
  objects: collection('objects', { type: 'array', items: objectItem }, definitions),
  tag: tagItem,
  tags: collection('tags', { type: 'array', items: tagItem }),
};
