-- What is fetched from elsewhere is staged in parts, so that it goes on after the last whole one.
ALTER TABLE staged_data
  -- Position of the part's first byte in the whole.
  ADD COLUMN first bigint NOT NULL DEFAULT 0,
  -- What the source said of the whole: its size, and what tells this version from others.
  ADD COLUMN total bigint,
  ADD COLUMN validator text,
  DROP CONSTRAINT staged_data_pkey,
  ADD PRIMARY KEY (image_id, first);
