-- Images, where their bytes are, what is being uploaded by whom, and the ids that may never come back.

CREATE TABLE images (
  id uuid PRIMARY KEY,
  name text COLLATE "C",
  status text NOT NULL,
  visibility text NOT NULL,
  protected boolean NOT NULL,
  os_hidden boolean NOT NULL,
  owner text COLLATE "C",
  disk_format text COLLATE "C",
  container_format text COLLATE "C",
  min_disk integer NOT NULL,
  min_ram integer NOT NULL,
  size bigint,
  virtual_size bigint,
  checksum text,
  os_hash_algo text,
  os_hash_value text,
  tags text[] NOT NULL,
  properties jsonb NOT NULL,
  -- One term a tag and one a property, one for the owner and one for the visibility, long ones by digest. Array
  -- columns have statistics on their most common elements, jsonb has none, so the planner can choose well; and
  -- the index itself finds what is tagged so and visible for this reason, without reading what is not.
  search_terms text[] COLLATE "C" NOT NULL,
  created_at timestamptz(3) NOT NULL,
  updated_at timestamptz(3) NOT NULL
);

-- A thousand most common terms by default, which every plan of a query by term would have to read.
ALTER TABLE images ALTER COLUMN search_terms SET STATISTICS 25;

CREATE INDEX images_created ON images (created_at DESC, id DESC);
CREATE INDEX images_owner ON images (owner, created_at DESC, id DESC);
CREATE INDEX images_visibility ON images (visibility, created_at DESC, id DESC);
CREATE INDEX images_name ON images (name NULLS FIRST, created_at DESC, id DESC);
CREATE INDEX images_updated ON images (updated_at DESC, created_at DESC, id DESC);
CREATE INDEX images_terms ON images USING gin (search_terms) WITH (fastupdate = off);

-- An id outlives its image (advisory OSSN-0075).
CREATE TABLE image_tombstones (
  id uuid PRIMARY KEY,
  owner text,
  deleted_at timestamptz(3) NOT NULL
);

-- Outlives the image row until the bytes are gone, so no foreign key.
CREATE TABLE image_locations (
  id uuid PRIMARY KEY,
  image_id uuid NOT NULL,
  store text NOT NULL,
  key text NOT NULL,
  status text NOT NULL CHECK (status IN ('active', 'pending_delete')),
  created_at timestamptz(3) NOT NULL
);
CREATE INDEX image_locations_image ON image_locations (image_id);
CREATE INDEX image_locations_doomed ON image_locations (created_at) WHERE status = 'pending_delete';

-- Server processes. Each holds a session advisory lock on its number for as long as it lives.
CREATE TABLE processes (
  number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  host text NOT NULL,
  pid integer NOT NULL,
  started_at timestamptz(3) NOT NULL
);

-- Bytes on their way in: written down before the first of them reaches a store.
CREATE TABLE uploads (
  id uuid PRIMARY KEY,
  image_id uuid NOT NULL,
  process integer NOT NULL,
  store text NOT NULL,
  key text NOT NULL,
  started_at timestamptz(3) NOT NULL
);
CREATE INDEX uploads_process ON uploads (process);

-- What the API shows under /v2/images/{id}/tasks.
CREATE TABLE tasks (
  id uuid PRIMARY KEY,
  type text NOT NULL,
  status text NOT NULL CHECK (status IN ('pending', 'processing', 'success', 'failure')),
  owner text,
  image_id uuid NOT NULL,
  user_id text,
  request_id text,
  input jsonb NOT NULL,
  result jsonb,
  message text NOT NULL,
  expires_at timestamptz(6),
  created_at timestamptz(6) NOT NULL,
  updated_at timestamptz(6) NOT NULL
);
CREATE INDEX tasks_image ON tasks (image_id, created_at DESC);
CREATE INDEX tasks_expiry ON tasks (expires_at) WHERE expires_at IS NOT NULL;

-- Tokens of identity mode "tokens": only digests are kept.
CREATE TABLE tokens (
  id text PRIMARY KEY,
  digest bytea NOT NULL,
  user_id text NOT NULL,
  project_id text,
  roles text[] NOT NULL,
  created_at timestamptz(3) NOT NULL,
  expires_at timestamptz(3),
  revoked_at timestamptz(3)
);
