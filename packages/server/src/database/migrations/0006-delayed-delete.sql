-- Since when an image that is pending_delete has been so.
ALTER TABLE images ADD COLUMN deleted_at timestamptz(3);
CREATE INDEX images_deleted ON images (deleted_at) WHERE status = 'pending_delete';
