-- Projects that an image is shared with.
CREATE TABLE image_members (
  image_id uuid NOT NULL REFERENCES images ON DELETE CASCADE,
  member text COLLATE "C" NOT NULL,
  status text NOT NULL CHECK (status IN ('pending', 'accepted', 'rejected')),
  created_at timestamptz(3) NOT NULL,
  updated_at timestamptz(3) NOT NULL,
  PRIMARY KEY (image_id, member)
);
CREATE INDEX image_members_member ON image_members (member, status, image_id);
