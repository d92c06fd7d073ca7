-- With each tag, who owns the image and who else may see it, in the index itself: who sees a part of what carries a tag
-- walks past the rest without reading its rows. Nobody changes an image while that is copied.
LOCK TABLE images IN SHARE ROW EXCLUSIVE MODE;

ALTER TABLE image_tags ADD COLUMN owner text COLLATE "C", ADD COLUMN visibility text;
ALTER TABLE image_tags DROP CONSTRAINT image_tags_pkey;
TRUNCATE image_tags;
INSERT INTO image_tags (tag, image_created_at, image_id, owner, visibility)
  SELECT DISTINCT unnest(tags), created_at, id, owner, visibility FROM images;
ALTER TABLE image_tags ALTER COLUMN visibility SET NOT NULL;
ALTER TABLE image_tags ADD PRIMARY KEY (tag, image_created_at, image_id) INCLUDE (owner, visibility);

CREATE OR REPLACE FUNCTION follow_image_tags() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'INSERT' THEN
    DELETE FROM image_tags
    WHERE tag = ANY (OLD.tags) AND image_created_at = OLD.created_at AND image_id = OLD.id;
  END IF;
  IF TG_OP <> 'DELETE' THEN
    INSERT INTO image_tags (tag, image_created_at, image_id, owner, visibility)
      SELECT DISTINCT unnest(NEW.tags), NEW.created_at, NEW.id, NEW.owner, NEW.visibility;
  END IF;
  RETURN NULL;
END
$$;

CREATE TRIGGER images_seen_by_others AFTER UPDATE OF owner, visibility ON images
  FOR EACH ROW
  WHEN (
    OLD.tags <> '{}' AND OLD.tags = NEW.tags AND OLD.created_at = NEW.created_at
    AND (OLD.owner IS DISTINCT FROM NEW.owner OR OLD.visibility <> NEW.visibility)
  )
  EXECUTE FUNCTION follow_image_tags();
