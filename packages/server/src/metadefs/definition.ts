/** What namespaces define: properties, objects, tags and the resource types they are for (API section 11). */
import type { AssociationInput, MetadefObjectInput, PropertyDefinition } from '@tintype/contract';

/** The content of a definition, beside its name, by kind. */
export interface Contents {
  readonly property: PropertyDefinition;
  readonly object: Omit<MetadefObjectInput, 'name'>;
  readonly tag: Readonly<Record<string, never>>;
  /** The association of a resource type with the namespace. */
  readonly resource_type: Omit<AssociationInput, 'name'>;
}

export type Kind = keyof Contents;

/** As it comes in. */
export interface NewDefinition<K extends Kind = Kind> {
  readonly kind: K;
  readonly name: string;
  readonly content: Contents[K];
}

export interface Definition<K extends Kind = Kind> extends NewDefinition<K> {
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** Those of one kind, in the order they have. */
export function ofKind<K extends Kind>(definitions: readonly Definition[], kind: K): Definition<K>[] {
  return definitions.filter((one): one is Definition<K> => one.kind === kind);
}
