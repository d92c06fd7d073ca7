-- Durable work. The engine keeps its own records in the schema `tintype_engine`; here is what it does not: who the work is
-- for, that it shall end, which workers live, and every attempt at a step.
CREATE TABLE flows (
  id text PRIMARY KEY,
  name text NOT NULL,
  project text COLLATE "C",
  -- What it works on: the id of an image.
  subject text COLLATE "C",
  -- Counts the retries by hand: attempts of earlier rounds use up no attempt of this one.
  round integer NOT NULL DEFAULT 1,
  cancel_requested_at timestamptz(3),
  created_at timestamptz(3) NOT NULL DEFAULT now()
);
CREATE INDEX flows_created ON flows (created_at DESC, id DESC);
CREATE INDEX flows_subject ON flows (subject);

CREATE TABLE flow_workers (
  id uuid PRIMARY KEY,
  -- Number of the server process, on which it holds a lock while it lives.
  process integer NOT NULL,
  host text NOT NULL,
  pid integer NOT NULL,
  beat bigint NOT NULL DEFAULT 0,
  beat_at timestamptz(3) NOT NULL DEFAULT now(),
  started_at timestamptz(3) NOT NULL DEFAULT now()
);

CREATE TABLE flow_attempts (
  id uuid PRIMARY KEY,
  flow text NOT NULL REFERENCES flows ON DELETE CASCADE,
  step text NOT NULL,
  round integer NOT NULL,
  number integer NOT NULL,
  worker uuid NOT NULL,
  state text NOT NULL CHECK (state IN ('running', 'done', 'failed', 'lost', 'released')),
  -- Bytes or whatever the step counts.
  done bigint,
  total bigint,
  code text,
  message text,
  started_at timestamptz(3) NOT NULL DEFAULT now(),
  moved_at timestamptz(3) NOT NULL DEFAULT now(),
  ended_at timestamptz(3),
  UNIQUE (flow, step, number)
);
CREATE INDEX flow_attempts_running ON flow_attempts (worker) WHERE state = 'running';

-- Data that waits in the staging area for its import.
CREATE TABLE staged_data (
  image_id uuid PRIMARY KEY,
  key text NOT NULL,
  size bigint NOT NULL,
  created_at timestamptz(3) NOT NULL
);
