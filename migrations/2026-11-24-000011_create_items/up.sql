CREATE TABLE items (
  id uuid PRIMARY KEY REFERENCES nodes (id),
  key text NOT NULL,
  audience text[] NOT NULL,
  is_public boolean NOT NULL GENERATED ALWAYS AS ('public' = ANY (audience)) STORED,
  original_language text NOT NULL,
  import_hash text,
  verified_on date,
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  retired boolean NOT NULL DEFAULT false,
  slug text NOT NULL UNIQUE,
  kind text NOT NULL,
  title jsonb NOT NULL,
  summary jsonb,
  url text,
  -- Markdown. Lists never read it: it has a statement of its own.
  body jsonb,
  intended_for text[] NOT NULL,
  licence text,
  content_languages text[] NOT NULL,
  project_id uuid REFERENCES projects (id) ON DELETE SET NULL,
  doi text,
  evidence_level text,
  status text NOT NULL CHECK (status IN ('DRAFT', 'PUBLISHED')),
  issued jsonb,
  issued_earliest date,
  issued_latest date,
  published_at timestamptz,
  -- What lists are ordered by: what is not published yet counts by when it came to the hub.
  ordered_at timestamptz NOT NULL GENERATED ALWAYS AS (coalesce(published_at, created_at)) STORED,
  -- For facets: the first year that its date can mean, else that of its publication on the hub.
  year integer GENERATED ALWAYS AS (
    coalesce(extract(year FROM issued_earliest), extract(year FROM published_at AT TIME ZONE 'UTC'))::integer
  ) STORED,
  CHECK (status = 'DRAFT' OR published_at IS NOT NULL)
);
CREATE INDEX items_newest_public ON items (ordered_at, id) WHERE is_public;
CREATE INDEX items_project ON items (project_id) WHERE project_id IS NOT NULL;

CREATE TRIGGER node_before BEFORE INSERT OR UPDATE ON items FOR EACH ROW EXECUTE FUNCTION write_node('ITEM');
CREATE TRIGGER node_after AFTER DELETE ON items FOR EACH ROW EXECUTE FUNCTION write_node('ITEM');

-- The item's order and visibility are copied, so that the newest of a community are the first of an index.
CREATE TABLE item_communities (
  item_id uuid NOT NULL REFERENCES items (id) ON DELETE CASCADE,
  community_id uuid NOT NULL REFERENCES communities (id) ON DELETE CASCADE,
  ordered_at timestamptz NOT NULL,
  is_public boolean NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (item_id, community_id)
);
CREATE INDEX item_communities_newest_public ON item_communities (community_id, ordered_at, item_id) WHERE is_public;
CREATE INDEX item_communities_community ON item_communities (community_id);

CREATE FUNCTION item_copies() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  SELECT i.ordered_at, i.is_public INTO NEW.ordered_at, NEW.is_public FROM items i WHERE i.id = NEW.item_id;
  RETURN NEW;
END
$$;
CREATE TRIGGER copies_before BEFORE INSERT ON item_communities FOR EACH ROW EXECUTE FUNCTION item_copies();
CREATE FUNCTION item_copies_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE item_communities SET ordered_at = NEW.ordered_at, is_public = NEW.is_public WHERE item_id = NEW.id;
  RETURN NULL;
END
$$;
CREATE TRIGGER copies AFTER UPDATE ON items
  FOR EACH ROW WHEN ((OLD.ordered_at, OLD.is_public) IS DISTINCT FROM (NEW.ordered_at, NEW.is_public))
  EXECUTE FUNCTION item_copies_follow();

CREATE TABLE item_topics (
  item_id uuid NOT NULL REFERENCES items (id) ON DELETE CASCADE,
  topic_id uuid NOT NULL REFERENCES topics (id) ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (item_id, topic_id)
);
CREATE INDEX item_topics_topic ON item_topics (topic_id);

-- Who made an item, as it is printed on it. Ids ascend in the order of the byline.
CREATE TABLE item_authors (
  id uuid PRIMARY KEY,
  item_id uuid NOT NULL REFERENCES items (id) ON DELETE CASCADE,
  -- Null when the hub does not know the person.
  person_id uuid REFERENCES people (id) ON DELETE SET NULL,
  byline text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX item_authors_item ON item_authors (item_id, id);
CREATE INDEX item_authors_person ON item_authors (person_id) WHERE person_id IS NOT NULL;
