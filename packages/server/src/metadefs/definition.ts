/** What namespaces define: properties, objects, tags and the resource types they are for (API section 11). */

/** What values a property may have, in the manner of JSON Schema; kept as it was given. */
export interface PropertyContent {
  readonly title: string;
  readonly type: string;
  readonly default?: string | number | boolean;
  readonly [more: string]: unknown;
}

/** The content of a definition, beside its name, by kind. */
export interface Contents {
  readonly property: PropertyContent;
  /** Properties that belong together, by name. */
  readonly object: {
    readonly description?: string;
    readonly required?: readonly string[];
    readonly properties?: Readonly<Record<string, PropertyContent>>;
  };
  readonly tag: Readonly<Record<string, never>>;
  /** The association of a resource type with the namespace. */
  readonly resource_type: {
    /** What names of properties begin with on this resource type. */
    readonly prefix?: string;
    readonly properties_target?: string;
  };
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
