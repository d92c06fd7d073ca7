-- What carries a tag, in the order of a page: an index of arrays knows which images those are, and in no order.
CREATE TABLE image_tags (
  tag text COLLATE "C" NOT NULL,
  image_created_at timestamptz(3) NOT NULL,
  image_id uuid NOT NULL,
  PRIMARY KEY (tag, image_created_at, image_id)
);

CREATE FUNCTION follow_image_tags() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'INSERT' THEN
    DELETE FROM image_tags
    WHERE tag = ANY (OLD.tags) AND image_created_at = OLD.created_at AND image_id = OLD.id;
  END IF;
  IF TG_OP <> 'DELETE' THEN
    INSERT INTO image_tags SELECT DISTINCT unnest(NEW.tags), NEW.created_at, NEW.id;
  END IF;
  RETURN NULL;
END
$$;

CREATE TRIGGER images_tagged AFTER INSERT ON images
  FOR EACH ROW WHEN (NEW.tags <> '{}') EXECUTE FUNCTION follow_image_tags();
CREATE TRIGGER images_retagged AFTER UPDATE OF tags, created_at ON images
  FOR EACH ROW WHEN (OLD.tags <> NEW.tags OR OLD.created_at <> NEW.created_at) EXECUTE FUNCTION follow_image_tags();
CREATE TRIGGER images_untagged AFTER DELETE ON images
  FOR EACH ROW WHEN (OLD.tags <> '{}') EXECUTE FUNCTION follow_image_tags();

INSERT INTO image_tags SELECT DISTINCT unnest(tags), created_at, id FROM images;
