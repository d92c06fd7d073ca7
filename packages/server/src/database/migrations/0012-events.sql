-- What has happened, for whoever wants to be told: written in the transaction of the change itself.
CREATE TABLE events (
  -- Drawn at the insertion: it grows from one change of an image to the next, but not from commit to commit.
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id uuid NOT NULL,
  -- The order in which everybody is told: given after the commit, so that whoever has seen one has seen all before it.
  position bigint UNIQUE,
  type text NOT NULL,
  priority text NOT NULL CHECK (priority IN ('info', 'error')),
  -- Whose event it is; null: only administrators'.
  project text COLLATE "C",
  image_id uuid,
  payload json NOT NULL,
  created_at timestamptz(3) NOT NULL
);
CREATE INDEX events_unplaced ON events (number) WHERE position IS NULL;

-- One row: the last position given, and the last one whose event is no longer kept.
CREATE TABLE event_head (
  single boolean PRIMARY KEY DEFAULT true CHECK (single),
  position bigint NOT NULL DEFAULT 0,
  forgotten bigint NOT NULL DEFAULT 0
);
INSERT INTO event_head DEFAULT VALUES;

-- Who is told by us (webhooks, a message broker), how far each is, and which process tells it.
CREATE TABLE event_receivers (
  id text PRIMARY KEY,
  position bigint NOT NULL,
  -- Random, of the teller; it counts until then, by the clock of the database.
  teller uuid,
  told_until timestamptz(3)
);

-- Events that a receiver did not take, and those of the same image that wait behind them.
CREATE TABLE event_troubles (
  receiver text NOT NULL REFERENCES event_receivers ON DELETE CASCADE,
  position bigint NOT NULL,
  image_id uuid,
  attempts integer NOT NULL,
  not_before timestamptz(3) NOT NULL,
  PRIMARY KEY (receiver, position)
);
