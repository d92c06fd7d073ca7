-- Bytes in the staging area that an export converts, or has converted.

CREATE TABLE export_data (
  key text PRIMARY KEY,
  -- Also of its flow.
  action uuid NOT NULL,
  owner text COLLATE "C",
  size bigint NOT NULL
);
CREATE INDEX export_data_action ON export_data (action);
CREATE INDEX export_data_owner ON export_data (owner);
