-- A copy that was found wanting: not there, or not what is recorded; and when that was last seen. It is read from only when no other can be.
ALTER TABLE image_locations
  ADD COLUMN trouble text CHECK (trouble IN ('missing', 'failed')),
  ADD COLUMN trouble_at timestamptz(3);
CREATE INDEX image_locations_trouble ON image_locations (trouble_at) WHERE trouble IS NOT NULL;
