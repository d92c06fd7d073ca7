-- Copies in another format than that of the image: what they hold. Of all others it is what the image says.
ALTER TABLE image_locations
  DROP CONSTRAINT image_locations_status_check,
  ADD CONSTRAINT image_locations_status_check CHECK (status IN ('active', 'derived', 'pending_delete')),
  ADD COLUMN disk_format text,
  ADD COLUMN size bigint,
  ADD COLUMN checksum text,
  ADD COLUMN os_hash_algo text,
  ADD COLUMN os_hash_value text,
  -- sha256 in hex of what a guest sees.
  ADD COLUMN disk_sha256 text,
  ADD CONSTRAINT image_locations_derived_check
    CHECK (status <> 'derived' OR (disk_format IS NOT NULL AND size IS NOT NULL AND disk_sha256 IS NOT NULL));
CREATE UNIQUE INDEX image_locations_derived ON image_locations (image_id, store, disk_format) WHERE status = 'derived';
