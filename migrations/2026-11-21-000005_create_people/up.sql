CREATE TABLE people (
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
  -- Null unless the person wants a public address.
  slug text UNIQUE,
  name text NOT NULL,
  honorific text,
  profession text,
  stakeholder_group text,
  region text,
  languages text[] NOT NULL,
  orcid text,
  -- {"NAME": ["public"], …}: who may see each field; the row's own audience is that of the name.
  field_audiences jsonb NOT NULL,
  folded text NOT NULL GENERATED ALWAYS AS (fold(name)) STORED
);
CREATE INDEX people_name ON people (name COLLATE "und-x-icu", id);

CREATE TRIGGER node_before BEFORE INSERT OR UPDATE ON people FOR EACH ROW EXECUTE FUNCTION write_node('PERSON');
CREATE TRIGGER node_after AFTER DELETE ON people FOR EACH ROW EXECUTE FUNCTION write_node('PERSON');

CREATE TABLE consents (
  person_id uuid NOT NULL REFERENCES people (id) ON DELETE CASCADE,
  field text NOT NULL,
  audience text NOT NULL,
  text_version text NOT NULL,
  given_at timestamptz NOT NULL,
  withdrawn_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (person_id, field, given_at)
);

CREATE TABLE person_expertise (
  person_id uuid NOT NULL REFERENCES people (id) ON DELETE CASCADE,
  topic_id uuid NOT NULL REFERENCES topics (id) ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (person_id, topic_id)
);
CREATE INDEX person_expertise_topic ON person_expertise (topic_id);

CREATE TABLE affiliations (
  person_id uuid NOT NULL REFERENCES people (id) ON DELETE CASCADE,
  -- The affiliation's name within the person, as imported, and its place in the list.
  key text NOT NULL,
  position integer NOT NULL,
  organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  title jsonb,
  since jsonb,
  until jsonb,
  is_home boolean NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (person_id, key)
);
CREATE UNIQUE INDEX affiliations_home ON affiliations (person_id) WHERE is_home;
CREATE INDEX affiliations_organization ON affiliations (organization_id);
