/** What can happen to images, tasks and metadata definitions, by the reference's names, and to exports and clones, by ours. */

export const eventTypes = [
  'image.create',
  'image.prepare',
  'image.upload',
  'image.activate',
  'image.update',
  'image.delete',
  'image.member.create',
  'image.member.update',
  'image.member.delete',
  'task.create',
  'task.run',
  'task.processing',
  'task.success',
  'task.failure',
  'task.delete',
  'image_export.create',
  'image_export.success',
  'image_export.failure',
  'image_export.cancel',
  'image_export.delete',
  'image_clone.create',
  'image_clone.success',
  'image_clone.failure',
  'image_clone.cancel',
  'image_clone.delete',
  'metadef_namespace.create',
  'metadef_namespace.update',
  'metadef_namespace.delete',
  'metadef_namespace.delete_objects',
  'metadef_namespace.delete_properties',
  'metadef_namespace.delete_tags',
  'metadef_object.create',
  'metadef_object.update',
  'metadef_object.delete',
  'metadef_property.create',
  'metadef_property.update',
  'metadef_property.delete',
  'metadef_resource_type.create',
  'metadef_resource_type.delete',
  'metadef_tag.create',
  'metadef_tag.update',
  'metadef_tag.delete',
] as const;

export type EventType = (typeof eventTypes)[number];

/** Plain JSON. */
export type Payload = Readonly<Record<string, unknown>>;

export interface NewEvent {
  readonly type: EventType;
  /** `error`: what the type names did not succeed. */
  readonly priority: 'info' | 'error';
  /** Whose event it is; null: only administrators are told. */
  readonly project: string | null;
  /** Events of one image are told in the order in which they happened. */
  readonly imageId: string | null;
  readonly payload: Payload;
}

/** An event that has its place in the order in which everybody is told. */
export interface Event extends NewEvent {
  readonly id: string;
  readonly position: number;
  readonly time: Date;
}

/** What events of deletions say beside what was deleted. */
export function deletedAt(time: string): Payload {
  return { deleted: true, deleted_at: time };
}

/** Whether `type` is one of `names`: types, or groups of them such as `image`, `image.member` and `task`. */
export function isNamed(names: readonly string[], type: string): boolean {
  return names.some((name) => type === name || type.startsWith(`${name}.`));
}
