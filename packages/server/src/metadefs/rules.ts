/** Which policy rule is asked for what, by kind of definition. */

/** Glance: the names follow no one pattern. */
export const rules = {
  property: {
    list: 'get_metadef_properties',
    show: 'get_metadef_property',
    add: 'add_metadef_property',
    replace: 'modify_metadef_property',
    remove: 'remove_metadef_property',
    clear: ['delete_metadef_namespace'],
  },
  object: {
    list: 'get_metadef_objects',
    show: 'get_metadef_object',
    add: 'add_metadef_object',
    replace: 'modify_metadef_object',
    remove: 'delete_metadef_object',
    clear: ['delete_metadef_namespace'],
  },
  tag: {
    list: 'get_metadef_tags',
    show: 'get_metadef_tag',
    add: 'add_metadef_tag',
    replace: 'modify_metadef_tag',
    remove: 'delete_metadef_tag',
    clear: ['delete_metadef_namespace', 'delete_metadef_tags'],
  },
  resource_type: {
    list: 'list_metadef_resource_types',
    show: 'get_metadef_resource_type',
    add: 'add_metadef_resource_type_association',
    remove: 'remove_metadef_resource_type_association',
  },
} as const;

/** Kinds whose definitions can be changed in place and be removed all at once. */
export type ReplaceableKind = Exclude<keyof typeof rules, 'resource_type'>;
