-- Locations whose data is still to be read once, to learn or to check what it is; the id is also that of the task.
CREATE TABLE location_checks (
  id uuid PRIMARY KEY,
  image_id uuid NOT NULL,
  location_id uuid NOT NULL,
  -- What the client says the data is.
  algorithm text,
  digest text,
  -- Who has signed the image, and how that is verified.
  signer jsonb,
  -- Who reads it; null: nobody does.
  process integer,
  attempts integer NOT NULL,
  not_before timestamptz(3) NOT NULL,
  created_at timestamptz(3) NOT NULL
);
CREATE INDEX location_checks_waiting ON location_checks (created_at) WHERE process IS NULL;
CREATE INDEX location_checks_process ON location_checks (process);
