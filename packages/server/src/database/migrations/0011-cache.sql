-- Nodes that keep copies of images on a disk of their own, what each of them has, and what it shall fetch.
CREATE TABLE cache_nodes (
  -- Of the folder, not of a process: what is in it outlives the process.
  id uuid PRIMARY KEY,
  -- Where operators reach it.
  url text NOT NULL,
  -- Number of the server process that has the folder, or had it last.
  process integer NOT NULL,
  seen_at timestamptz(3) NOT NULL DEFAULT now()
);

CREATE TABLE cached_images (
  node uuid NOT NULL REFERENCES cache_nodes ON DELETE CASCADE,
  -- Without a reference: the image may be gone before the node has heard of it.
  image_id uuid NOT NULL,
  size bigint NOT NULL,
  hits bigint NOT NULL,
  cached_at timestamptz(3) NOT NULL,
  read_at timestamptz(3) NOT NULL,
  PRIMARY KEY (node, image_id)
);
CREATE INDEX cached_images_image ON cached_images (image_id);

CREATE TABLE cache_queue (
  node uuid NOT NULL REFERENCES cache_nodes ON DELETE CASCADE,
  image_id uuid NOT NULL,
  queued_at timestamptz(3) NOT NULL DEFAULT now(),
  PRIMARY KEY (node, image_id)
);
