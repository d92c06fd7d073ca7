-- In the order of a page, and with the time of the last change in the index itself: a page of what was changed since some
-- time skips what was not without reading its row.
DROP INDEX images_created;
CREATE INDEX images_created ON images (created_at DESC, id DESC, updated_at);
