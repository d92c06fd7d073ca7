/** Every rule an operator can set: the reference's names, with its defaults for the personas reader, member, admin and service. */

export interface RuleDefault {
  /** In the policy language. */
  readonly check: string;
  readonly description: string;
}

const admin = 'rule:context_is_admin';
const owning = 'project_id:%(project_id)s';
const opened = `${owning} or project_id:%(member_id)s or None:%(project_id)s or 'community':%(visibility)s or 'public':%(visibility)s or 'shared':%(visibility)s`;
const member = `${admin} or (role:member and ${owning})`;
const reader = `${admin} or (role:reader and ${owning})`;
const namespaceReader = `${admin} or (role:reader and (${owning} or 'public':%(visibility)s))`;

/** In the order of the generated documentation. */
const rows: readonly (readonly [name: string, check: string, description: string])[] = [
  ['default', '', 'Asked by no route; for files that refer to it'],
  ['context_is_admin', 'role:admin', 'Who is an administrator: acts across projects'],
  ['service_api', 'role:service or role:admin', 'Other services of the cloud'],
  ['add_image', `${admin} or (role:member and ${owning} and project_id:%(owner)s)`, 'Create an image'],
  ['delete_image', member, 'Delete an image'],
  ['get_image', `${admin} or (role:reader and (${opened}))`, 'Show an image'],
  ['get_images', `${admin} or (role:reader and (${owning} or None:%(project_id)s))`, 'List images'],
  ['modify_image', member, 'Change an image'],
  ['publicize_image', admin, 'Make an image public'],
  ['communitize_image', member, 'Make an image a community image'],
  ['download_image', `${admin} or (role:member and (${opened}))`, 'Download the data of an image'],
  ['download_from_store', `${admin} or (role:member and (${opened}))`, 'Choose the store to download from'],
  ['upload_image', member, 'Upload the data of an image'],
  ['delete_image_location', admin, 'Remove a location of an image'],
  ['get_image_location', reader, 'See the locations of an image'],
  ['set_image_location', member, 'Set locations of an image by PATCH'],
  [
    'add_image_location',
    `rule:service_api or (role:member and ${owning} and project_id:%(owner)s)`,
    'Add a location',
  ],
  ['fetch_image_location', 'rule:service_api', 'List the locations of an image'],
  ['add_member', member, 'Share an image with a project'],
  ['delete_member', member, 'End the sharing of an image with a project'],
  [
    'get_member',
    `${admin} or (role:reader and (${owning} or project_id:%(member_id)s))`,
    'Show a member of an image',
  ],
  [
    'get_members',
    `${admin} or (role:reader and (${owning} or project_id:%(member_id)s))`,
    'List the members of an image',
  ],
  [
    'modify_member',
    `${admin} or (role:member and project_id:%(member_id)s)`,
    'Accept or reject a shared image',
  ],
  ['deactivate', member, 'Take an image out of service'],
  ['reactivate', member, 'Put an image back into service'],
  ['copy_image', admin, 'Copy an image to further stores'],
  ['get_task', 'rule:default', 'See a task'],
  ['get_tasks', 'rule:default', 'List tasks'],
  ['add_task', 'rule:default', 'Create a task'],
  ['modify_task', 'rule:default', 'Change a task'],
  ['add_image_import', member, 'Bring an image about by an import'],
  ['add_image_export', member, 'Have the data of an image sent elsewhere, besides download_image'],
  ['add_image_clone', member, 'Clone an image that may be downloaded in another region'],
  ['get_image_action', reader, 'See an import, export or clone, as long as it is kept'],
  ['get_image_actions', reader, 'List imports, exports and clones'],
  ['modify_image_action', member, 'Retry or cancel an import, export or clone'],
  ['delete_image_action', member, 'End and forget an import, export or clone'],
  ['tasks_api_access', admin, 'Use the tasks API at all'],
  ['manage_image_cache', admin, 'Older name for the cache rules'],
  ['cache_image', admin, 'Queue an image for the cache'],
  ['cache_list', admin, 'List cached images'],
  ['cache_delete', admin, 'Remove images from the cache'],
  ['cache_clean', admin, 'Clean the cache'],
  ['cache_prune', admin, 'Prune the cache'],
  ['list_cached_nodes', admin, 'List the nodes that cache an image'],
  ['stores_info_detail', `${admin} or rule:service_api`, 'See details of the stores'],
  ['metadef_default', '', 'Asked by no route; for files that refer to it'],
  ['metadef_admin', admin, 'Who writes metadata definitions'],
  ['get_metadef_namespace', namespaceReader, 'Show a namespace'],
  ['get_metadef_namespaces', reader, 'List namespaces'],
  ['modify_metadef_namespace', 'rule:metadef_admin', 'Change a namespace'],
  ['add_metadef_namespace', 'rule:metadef_admin', 'Create a namespace'],
  ['delete_metadef_namespace', 'rule:metadef_admin', 'Delete a namespace'],
  ['get_metadef_object', namespaceReader, 'Show an object'],
  ['get_metadef_objects', namespaceReader, 'List objects'],
  ['modify_metadef_object', 'rule:metadef_admin', 'Change an object'],
  ['add_metadef_object', 'rule:metadef_admin', 'Create an object'],
  ['delete_metadef_object', 'rule:metadef_admin', 'Delete an object'],
  ['list_metadef_resource_types', namespaceReader, 'List resource types'],
  ['get_metadef_resource_type', namespaceReader, 'Show the resource types of a namespace'],
  ['add_metadef_resource_type_association', 'rule:metadef_admin', 'Associate a resource type'],
  ['remove_metadef_resource_type_association', 'rule:metadef_admin', 'End an association'],
  ['get_metadef_property', namespaceReader, 'Show a property definition'],
  ['get_metadef_properties', namespaceReader, 'List property definitions'],
  ['modify_metadef_property', 'rule:metadef_admin', 'Change a property definition'],
  ['add_metadef_property', 'rule:metadef_admin', 'Create a property definition'],
  ['remove_metadef_property', 'rule:metadef_admin', 'Delete a property definition'],
  ['get_metadef_tag', namespaceReader, 'Show a tag definition'],
  ['get_metadef_tags', namespaceReader, 'List tag definitions'],
  ['modify_metadef_tag', 'rule:metadef_admin', 'Change a tag definition'],
  ['add_metadef_tag', 'rule:metadef_admin', 'Create a tag definition'],
  ['add_metadef_tags', 'rule:metadef_admin', 'Create tag definitions'],
  ['delete_metadef_tag', 'rule:metadef_admin', 'Delete a tag definition'],
  ['delete_metadef_tags', 'rule:metadef_admin', 'Delete tag definitions'],
];

export const ruleDefaults: ReadonlyMap<string, RuleDefault> = new Map(
  rows.map(([name, check, description]) => [name, { check, description }]),
);
