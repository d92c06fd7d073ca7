/** Metadata definitions on the wire: what clients send and what they read (API section 11). */
import Type, { type Static, type TSchema } from 'typebox';

export const definedTypes = ['array', 'boolean', 'integer', 'number', 'object', 'string'] as const;
export const namespaceVisibilities = ['public', 'private'] as const;

const closed = { additionalProperties: false } as const;
const Name = Type.String({ minLength: 1, maxLength: 80 });
const Scalar = Type.Union([Type.String(), Type.Number(), Type.Boolean()]);
const Count = Type.Integer({ minimum: 0 });
/** `YYYY-MM-DDTHH:MM:SSZ`. */
const Time = Type.String();

/** Name → value, with the names that everything here has. */
const dictionary = <T extends TSchema>(value: T) =>
  Type.Unsafe<Record<string, Static<T>>>({
    type: 'object',
    additionalProperties: value,
    propertyNames: Name,
  });

/** What values a property may have, in the manner of JSON Schema. */
const definitionFields = {
  type: Type.Enum(definedTypes),
  title: Type.String(),
  description: Type.Optional(Type.String()),
  operators: Type.Optional(Type.Array(Type.String())),
  minimum: Type.Optional(Type.Number()),
  maximum: Type.Optional(Type.Number()),
  minLength: Type.Optional(Count),
  maxLength: Type.Optional(Count),
  pattern: Type.Optional(Type.String()),
  enum: Type.Optional(Type.Array(Scalar)),
  readonly: Type.Optional(Type.Boolean()),
  confidential: Type.Optional(Type.Boolean()),
  default: Type.Optional(Scalar),
  items: Type.Optional(
    Type.Object({ type: Type.Enum(definedTypes), enum: Type.Optional(Type.Array(Scalar)) }, closed),
  ),
  minItems: Type.Optional(Count),
  maxItems: Type.Optional(Count),
  uniqueItems: Type.Optional(Type.Boolean()),
  additionalItems: Type.Optional(Type.Boolean()),
};

/** A property inside a dictionary, where its name is the key. */
export const PropertyDefinition = Type.Object({ name: Type.Optional(Name), ...definitionFields }, closed);
export type PropertyDefinition = Static<typeof PropertyDefinition>;

/** A property by itself. */
export const MetadefProperty = Type.Object({ name: Name, ...definitionFields }, closed);

export const MetadefPropertyList = Type.Object({ properties: dictionary(PropertyDefinition) });

const objectFields = {
  name: Name,
  description: Type.Optional(Type.String()),
  required: Type.Optional(Type.Array(Type.String())),
  properties: Type.Optional(dictionary(PropertyDefinition)),
};
const tagFields = { name: Name };
const associationFields = {
  name: Name,
  prefix: Type.Optional(Type.String({ maxLength: 80 })),
  properties_target: Type.Optional(Type.String({ maxLength: 80 })),
};

export const MetadefObjectInput = Type.Object(objectFields, closed);
export type MetadefObjectInput = Static<typeof MetadefObjectInput>;
export const MetadefTagInput = Type.Object(tagFields, closed);
export const MetadefTagsInput = Type.Object({ tags: Type.Array(MetadefTagInput) }, closed);
export const AssociationInput = Type.Object(associationFields, closed);
export type AssociationInput = Static<typeof AssociationInput>;

const times = { created_at: Time, updated_at: Time };
const links = { self: Type.String(), schema: Type.String() };

export const MetadefObject = Type.Object({ ...objectFields, ...times, ...links });
export type MetadefObject = Static<typeof MetadefObject>;
export const MetadefObjectList = Type.Object({ objects: Type.Array(MetadefObject), schema: Type.String() });

export const MetadefTag = Type.Object({ ...tagFields, ...times });
export type MetadefTag = Static<typeof MetadefTag>;
export const MetadefTagList = Type.Object({ tags: Type.Array(MetadefTagInput) });

export const Association = Type.Object({ ...associationFields, ...times });
export type Association = Static<typeof Association>;
export const AssociationList = Type.Object({ resource_type_associations: Type.Array(Association) });

export const ResourceTypeList = Type.Object({
  resource_types: Type.Array(Type.Object({ name: Name, ...times })),
});

const namespaceFields = {
  namespace: Name,
  display_name: Type.Optional(Type.String({ maxLength: 80 })),
  description: Type.Optional(Type.String({ maxLength: 500 })),
  visibility: Type.Optional(Type.Enum(namespaceVisibilities)),
  protected: Type.Optional(Type.Boolean()),
  owner: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
};

/** What a namespace was read with may be sent back: times and links of nested records count for nothing. */
const readBefore = {
  created_at: Type.Optional(Time),
  updated_at: Type.Optional(Time),
  self: Type.Optional(Type.String()),
  schema: Type.Optional(Type.String()),
};

/** A namespace with what it defines; a replacement has the same form, and what it nests is left as it is. */
export const NamespaceInput = Type.Object(
  {
    ...namespaceFields,
    resource_type_associations: Type.Optional(
      Type.Array(Type.Object({ ...associationFields, ...readBefore }, closed)),
    ),
    properties: Type.Optional(dictionary(PropertyDefinition)),
    objects: Type.Optional(Type.Array(Type.Object({ ...objectFields, ...readBefore }, closed))),
    tags: Type.Optional(Type.Array(Type.Object({ ...tagFields, ...readBefore }, closed))),
  },
  closed,
);
export type NamespaceInput = Static<typeof NamespaceInput>;

/** Whatever is empty is left out. */
export const NamespaceRecord = Type.Object({
  ...namespaceFields,
  ...times,
  ...links,
  resource_type_associations: Type.Optional(Type.Array(Association)),
  properties: Type.Optional(dictionary(PropertyDefinition)),
  objects: Type.Optional(Type.Array(MetadefObject)),
  tags: Type.Optional(Type.Array(MetadefTagInput)),
});
export type NamespaceRecord = Static<typeof NamespaceRecord>;

export const NamespacePage = Type.Object({
  namespaces: Type.Array(NamespaceRecord),
  first: Type.String(),
  next: Type.Optional(Type.String()),
  schema: Type.String(),
});
