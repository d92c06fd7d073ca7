-- What clients say about a location, and its place among those of its image.
ALTER TABLE image_locations
  ADD COLUMN metadata jsonb NOT NULL DEFAULT '{}',
  ADD COLUMN position integer NOT NULL DEFAULT 0;

-- By a digest: a key may be as long as a URL.
CREATE INDEX image_locations_key ON image_locations (store, md5(key));
