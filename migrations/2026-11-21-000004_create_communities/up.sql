CREATE TABLE communities (
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
  slug text NOT NULL UNIQUE,
  -- Null when no source states a name.
  name jsonb,
  domain jsonb,
  community jsonb,
  practice jsonb,
  purpose jsonb,
  objectives jsonb NOT NULL,
  activities text[] NOT NULL,
  benefits jsonb NOT NULL,
  eligibility jsonb,
  professions text[] NOT NULL,
  join_policy text,
  join_url text,
  launched jsonb,
  launched_earliest date,
  launched_latest date,
  member_count jsonb,
  centre_count jsonb,
  -- Where it is at work, ISO 3166-2.
  regions text[] NOT NULL,
  meetings jsonb,
  contact_email text,
  languages text[] NOT NULL,
  status text NOT NULL,
  folded text NOT NULL GENERATED ALWAYS AS (
    coalesce(fold_texts(name), '') || E'\n' || coalesce(fold_texts(domain), '') || E'\n' || coalesce(fold_texts(purpose), '')
  ) STORED
);
CREATE INDEX communities_launched ON communities (launched_earliest, launched_latest, id);

CREATE TRIGGER node_before BEFORE INSERT OR UPDATE ON communities FOR EACH ROW EXECUTE FUNCTION write_node('COMMUNITY');
CREATE TRIGGER node_after AFTER DELETE ON communities FOR EACH ROW EXECUTE FUNCTION write_node('COMMUNITY');

CREATE TABLE community_topics (
  community_id uuid NOT NULL REFERENCES communities (id) ON DELETE CASCADE,
  topic_id uuid NOT NULL REFERENCES topics (id) ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (community_id, topic_id)
);
CREATE INDEX community_topics_topic ON community_topics (topic_id);
