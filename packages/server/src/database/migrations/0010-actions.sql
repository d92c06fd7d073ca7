-- Work on images that is asked about by itself, and images that come to be with their data.

CREATE TABLE actions (
  -- Also of its flow.
  id uuid PRIMARY KEY,
  type text NOT NULL,
  owner text COLLATE "C",
  user_id text,
  request_id text,
  -- Of an import the image that is to be, of others the one that is read.
  image_id uuid NOT NULL,
  -- What is shown of what was asked for.
  request jsonb NOT NULL,
  -- How it ended, the last time it did; while it is under way its flow tells.
  outcome text CHECK (outcome IN ('success', 'failure', 'cancelled')),
  message text,
  error jsonb,
  result jsonb,
  created_at timestamptz(3) NOT NULL,
  updated_at timestamptz(3) NOT NULL,
  ended_at timestamptz(3)
);
CREATE INDEX actions_owner ON actions (owner, created_at DESC, id DESC);
CREATE INDEX actions_created ON actions (created_at DESC, id DESC);
CREATE INDEX actions_image ON actions (image_id);
CREATE INDEX actions_ended ON actions (ended_at);

-- No list and no id leads to these.
CREATE TABLE image_drafts (
  id uuid PRIMARY KEY,
  owner text COLLATE "C",
  -- Bytes that wait in the staging area, or are to come.
  size bigint,
  -- The image as it would be.
  record jsonb NOT NULL
);
CREATE INDEX image_drafts_owner ON image_drafts (owner);
