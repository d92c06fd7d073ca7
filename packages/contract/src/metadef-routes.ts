/** The routes of metadata definitions (API section 11), a part of the route table. */
import Type from 'typebox';
import type { FailureCode } from './failures.ts';
import {
  Association,
  AssociationInput,
  AssociationList,
  MetadefObject,
  MetadefObjectInput,
  MetadefObjectList,
  MetadefProperty,
  MetadefPropertyList,
  MetadefTag,
  MetadefTagInput,
  MetadefTagList,
  MetadefTagsInput,
  NamespaceInput,
  NamespacePage,
  NamespaceRecord,
  ResourceTypeList,
} from './metadef-records.ts';
import type { Route } from './route.ts';

const optionalText = (description: string) => Type.Optional(Type.String({ description }));

const sortFields = {
  sort_key: optionalText('what to sort by, created_at unless given'),
  sort_dir: optionalText('asc or desc, desc unless given'),
};

const NamespaceQuery = Type.Object(
  {
    limit: optionalText('page size, 25 unless given, at most 1000'),
    ...sortFields,
    marker: optionalText('name of the last namespace of the page before'),
    resource_types: optionalText('names, comma separated: one of them must be associated'),
    visibility: optionalText('public or private'),
  },
  { additionalProperties: true },
);

const PageQuery = Type.Object(
  {
    limit: optionalText('page size; without it the list is whole'),
    ...sortFields,
    marker: optionalText('name of the last one of the page before'),
  },
  { additionalProperties: true },
);

const ResourceTypeQuery = Type.Object(
  { resource_type: optionalText('name properties as they are called on this resource type') },
  { additionalProperties: true },
);

const inputFailures = ['invalid_json', 'bad_request', 'read_only', 'body_too_large'] as const;
const readFailures: readonly FailureCode[] = ['namespace_not_found', 'forbidden'];
const oneFailures: readonly FailureCode[] = [...readFailures, 'definition_not_found'];
const removeFailures: readonly FailureCode[] = [...oneFailures, 'namespace_protected'];
const clearFailures: readonly FailureCode[] = [...readFailures, 'namespace_protected'];
const addFailures: readonly FailureCode[] = [
  ...inputFailures,
  ...readFailures,
  'definition_exists',
  'quota_metadefs',
];
const replaceFailures: readonly FailureCode[] = [...addFailures, 'definition_not_found'];

const schemaRoute = (name: string, summary: string) =>
  ({
    method: 'GET',
    path: `/v2/schemas/metadefs/${name}`,
    summary: `JSON Schema of ${summary}`,
    body: 'none',
    responses: { 200: Type.Object({}, { additionalProperties: true }) },
    failures: [],
  }) as const satisfies Route;

const namespaceRoutes = {
  listNamespaces: {
    method: 'GET',
    path: '/v2/metadefs/namespaces',
    summary: 'List the namespaces of metadata definitions that the caller may see',
    body: 'none',
    query: NamespaceQuery,
    responses: { 200: NamespacePage },
    failures: ['invalid_query', 'namespace_not_found', 'forbidden'],
  },
  createNamespace: {
    method: 'POST',
    path: '/v2/metadefs/namespaces',
    summary: 'Create a namespace, with definitions or empty',
    body: 'json',
    request: NamespaceInput,
    responses: { 201: NamespaceRecord },
    failures: [...inputFailures, 'forbidden', 'namespace_exists', 'definition_exists', 'quota_metadefs'],
  },
  showNamespace: {
    method: 'GET',
    path: '/v2/metadefs/namespaces/:namespace',
    summary: 'Show a namespace with all it defines',
    body: 'none',
    query: ResourceTypeQuery,
    responses: { 200: NamespaceRecord },
    failures: readFailures,
  },
  replaceNamespace: {
    method: 'PUT',
    path: '/v2/metadefs/namespaces/:namespace',
    summary: 'Replace the attributes of a namespace, its name included; its definitions stay',
    body: 'json',
    request: NamespaceInput,
    responses: { 200: NamespaceRecord },
    failures: [...inputFailures, ...readFailures, 'namespace_exists', 'quota_metadefs'],
  },
  deleteNamespace: {
    method: 'DELETE',
    path: '/v2/metadefs/namespaces/:namespace',
    summary: 'Delete a namespace with all it defines',
    body: 'none',
    responses: { 204: null },
    failures: clearFailures,
  },
} as const satisfies Record<string, Route>;

const propertyRoutes = {
  listMetadefProperties: {
    method: 'GET',
    path: '/v2/metadefs/namespaces/:namespace/properties',
    summary: 'The properties that a namespace defines, by name',
    body: 'none',
    responses: { 200: MetadefPropertyList },
    failures: readFailures,
  },
  addMetadefProperty: {
    method: 'POST',
    path: '/v2/metadefs/namespaces/:namespace/properties',
    summary: 'Define a property',
    body: 'json',
    request: MetadefProperty,
    responses: { 201: MetadefProperty },
    failures: addFailures,
  },
  showMetadefProperty: {
    method: 'GET',
    path: '/v2/metadefs/namespaces/:namespace/properties/:name',
    summary: 'Show the definition of a property',
    body: 'none',
    query: ResourceTypeQuery,
    responses: { 200: MetadefProperty },
    failures: oneFailures,
  },
  replaceMetadefProperty: {
    method: 'PUT',
    path: '/v2/metadefs/namespaces/:namespace/properties/:name',
    summary: 'Replace the definition of a property, its name included',
    body: 'json',
    request: MetadefProperty,
    responses: { 200: MetadefProperty },
    failures: replaceFailures,
  },
  removeMetadefProperty: {
    method: 'DELETE',
    path: '/v2/metadefs/namespaces/:namespace/properties/:name',
    summary: 'Remove the definition of a property',
    body: 'none',
    responses: { 204: null },
    failures: removeFailures,
  },
  clearMetadefProperties: {
    method: 'DELETE',
    path: '/v2/metadefs/namespaces/:namespace/properties',
    summary: 'Remove all property definitions of a namespace',
    body: 'none',
    responses: { 204: null },
    failures: clearFailures,
  },
} as const satisfies Record<string, Route>;

const objectRoutes = {
  listMetadefObjects: {
    method: 'GET',
    path: '/v2/metadefs/namespaces/:namespace/objects',
    summary: 'The objects that a namespace defines',
    body: 'none',
    query: PageQuery,
    responses: { 200: MetadefObjectList },
    failures: [...oneFailures, 'invalid_query'],
  },
  addMetadefObject: {
    method: 'POST',
    path: '/v2/metadefs/namespaces/:namespace/objects',
    summary: 'Define an object: properties that belong together',
    body: 'json',
    request: MetadefObjectInput,
    responses: { 201: MetadefObject },
    failures: addFailures,
  },
  showMetadefObject: {
    method: 'GET',
    path: '/v2/metadefs/namespaces/:namespace/objects/:name',
    summary: 'Show the definition of an object',
    body: 'none',
    responses: { 200: MetadefObject },
    failures: oneFailures,
  },
  replaceMetadefObject: {
    method: 'PUT',
    path: '/v2/metadefs/namespaces/:namespace/objects/:name',
    summary: 'Replace the definition of an object, its name included',
    body: 'json',
    request: MetadefObjectInput,
    responses: { 200: MetadefObject },
    failures: replaceFailures,
  },
  removeMetadefObject: {
    method: 'DELETE',
    path: '/v2/metadefs/namespaces/:namespace/objects/:name',
    summary: 'Remove the definition of an object',
    body: 'none',
    responses: { 204: null },
    failures: removeFailures,
  },
  clearMetadefObjects: {
    method: 'DELETE',
    path: '/v2/metadefs/namespaces/:namespace/objects',
    summary: 'Remove all object definitions of a namespace',
    body: 'none',
    responses: { 204: null },
    failures: clearFailures,
  },
} as const satisfies Record<string, Route>;

const tagRoutes = {
  listMetadefTags: {
    method: 'GET',
    path: '/v2/metadefs/namespaces/:namespace/tags',
    summary: 'The tags that a namespace defines',
    body: 'none',
    query: PageQuery,
    responses: { 200: MetadefTagList },
    failures: [...oneFailures, 'invalid_query'],
  },
  setMetadefTags: {
    method: 'POST',
    path: '/v2/metadefs/namespaces/:namespace/tags',
    summary: 'Define tags in place of those there; with X-Openstack-Append: true beside them',
    body: 'json',
    request: MetadefTagsInput,
    responses: { 201: MetadefTagList },
    failures: addFailures,
  },
  addMetadefTag: {
    method: 'POST',
    path: '/v2/metadefs/namespaces/:namespace/tags/:name',
    summary: 'Define a tag',
    body: 'none',
    responses: { 201: MetadefTag },
    failures: [...readFailures, 'bad_request', 'definition_exists', 'quota_metadefs'],
  },
  showMetadefTag: {
    method: 'GET',
    path: '/v2/metadefs/namespaces/:namespace/tags/:name',
    summary: 'Show the definition of a tag',
    body: 'none',
    responses: { 200: MetadefTag },
    failures: oneFailures,
  },
  replaceMetadefTag: {
    method: 'PUT',
    path: '/v2/metadefs/namespaces/:namespace/tags/:name',
    summary: 'Rename a tag',
    body: 'json',
    request: MetadefTagInput,
    responses: { 200: MetadefTag },
    failures: replaceFailures,
  },
  removeMetadefTag: {
    method: 'DELETE',
    path: '/v2/metadefs/namespaces/:namespace/tags/:name',
    summary: 'Remove the definition of a tag',
    body: 'none',
    responses: { 204: null },
    failures: removeFailures,
  },
  clearMetadefTags: {
    method: 'DELETE',
    path: '/v2/metadefs/namespaces/:namespace/tags',
    summary: 'Remove all tag definitions of a namespace',
    body: 'none',
    responses: { 204: null },
    failures: clearFailures,
  },
} as const satisfies Record<string, Route>;

const resourceTypeRoutes = {
  listResourceTypes: {
    method: 'GET',
    path: '/v2/metadefs/resource_types',
    summary: 'The resource types that namespaces are associated with',
    body: 'none',
    responses: { 200: ResourceTypeList },
    failures: ['forbidden'],
  },
  listAssociations: {
    method: 'GET',
    path: '/v2/metadefs/namespaces/:namespace/resource_types',
    summary: 'The resource types that a namespace is for',
    body: 'none',
    responses: { 200: AssociationList },
    failures: readFailures,
  },
  addAssociation: {
    method: 'POST',
    path: '/v2/metadefs/namespaces/:namespace/resource_types',
    summary: 'Associate a resource type with a namespace',
    body: 'json',
    request: AssociationInput,
    responses: { 201: Association },
    failures: addFailures,
  },
  removeAssociation: {
    method: 'DELETE',
    path: '/v2/metadefs/namespaces/:namespace/resource_types/:name',
    summary: 'End the association of a resource type with a namespace',
    body: 'none',
    responses: { 204: null },
    failures: removeFailures,
  },
} as const satisfies Record<string, Route>;

const schemaRoutes = {
  namespaceSchema: schemaRoute('namespace', 'a namespace of metadata definitions'),
  namespacesSchema: schemaRoute('namespaces', 'a page of namespaces'),
  resourceTypeSchema: schemaRoute('resource_type', 'the association of a resource type with a namespace'),
  resourceTypesSchema: schemaRoute('resource_types', 'the associations of a namespace'),
  metadefPropertySchema: schemaRoute('property', 'the definition of a property'),
  metadefPropertiesSchema: schemaRoute('properties', 'property definitions by name'),
  metadefObjectSchema: schemaRoute('object', 'the definition of an object'),
  metadefObjectsSchema: schemaRoute('objects', 'object definitions'),
  metadefTagSchema: schemaRoute('tag', 'the definition of a tag'),
  metadefTagsSchema: schemaRoute('tags', 'tag definitions'),
} as const satisfies Record<string, Route>;

export const metadefRoutes = {
  ...schemaRoutes,
  ...namespaceRoutes,
  ...propertyRoutes,
  ...objectRoutes,
  ...tagRoutes,
  ...resourceTypeRoutes,
} as const satisfies Record<string, Route>;
