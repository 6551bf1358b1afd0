CREATE TABLE projects (
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
  title jsonb NOT NULL,
  summary jsonb,
  -- Null when no source states it.
  status text,
  started jsonb,
  started_earliest date,
  started_latest date,
  ended jsonb,
  ended_earliest date,
  ended_latest date,
  -- What came of it, in its own order; KT items of the project stand in items.
  outputs jsonb NOT NULL
);
CREATE INDEX projects_started ON projects (started_earliest, started_latest, id);

CREATE TRIGGER node_before BEFORE INSERT OR UPDATE ON projects FOR EACH ROW EXECUTE FUNCTION write_node('PROJECT');
CREATE TRIGGER node_after AFTER DELETE ON projects FOR EACH ROW EXECUTE FUNCTION write_node('PROJECT');

CREATE TABLE project_organizations (
  project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
  organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
  part text NOT NULL CHECK (part IN ('LEAD', 'PARTNER', 'FUNDER')),
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (project_id, part, organization_id)
);
CREATE UNIQUE INDEX project_organizations_lead ON project_organizations (project_id) WHERE part = 'LEAD';
CREATE INDEX project_organizations_organization ON project_organizations (organization_id);

CREATE TABLE project_communities (
  project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
  community_id uuid NOT NULL REFERENCES communities (id) ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (project_id, community_id)
);
CREATE INDEX project_communities_community ON project_communities (community_id);

-- Who works in a project. Ids ascend in the order of import.
CREATE TABLE project_people (
  id uuid PRIMARY KEY,
  project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
  person_id uuid NOT NULL REFERENCES people (id) ON DELETE CASCADE,
  role text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX project_people_project ON project_people (project_id, id);
CREATE INDEX project_people_person ON project_people (person_id);
