-- Metadata definitions: namespaces and what they define.
CREATE TABLE metadef_namespaces (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  namespace text COLLATE "C" NOT NULL UNIQUE,
  display_name text COLLATE "C",
  description text,
  visibility text NOT NULL CHECK (visibility IN ('public', 'private')),
  protected boolean NOT NULL,
  owner text COLLATE "C",
  created_at timestamptz(3) NOT NULL,
  updated_at timestamptz(3) NOT NULL
);
CREATE INDEX metadef_namespaces_owner ON metadef_namespaces (owner);

CREATE TABLE metadef_definitions (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  namespace_id bigint NOT NULL REFERENCES metadef_namespaces ON DELETE CASCADE,
  kind text NOT NULL CHECK (kind IN ('property', 'object', 'tag', 'resource_type')),
  name text COLLATE "C" NOT NULL,
  -- Text, not jsonb: what operators wrote keeps its order.
  content json NOT NULL,
  created_at timestamptz(3) NOT NULL,
  updated_at timestamptz(3) NOT NULL,
  UNIQUE (namespace_id, kind, name)
);
CREATE INDEX metadef_definitions_resource_types ON metadef_definitions (name, namespace_id)
  WHERE kind = 'resource_type';

-- Every resource type that was ever associated: a choice to offer, whether or not anything is associated now.
CREATE TABLE metadef_resource_types (
  name text COLLATE "C" PRIMARY KEY,
  created_at timestamptz(3) NOT NULL,
  updated_at timestamptz(3) NOT NULL
);
