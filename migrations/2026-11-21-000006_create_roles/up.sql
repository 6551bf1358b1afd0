CREATE TABLE roles (
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
  person_id uuid NOT NULL REFERENCES people (id) ON DELETE CASCADE,
  -- Exactly one of the two: what the role is held in.
  community_id uuid REFERENCES communities (id) ON DELETE CASCADE,
  organization_id uuid REFERENCES organizations (id) ON DELETE CASCADE,
  kind text NOT NULL,
  title jsonb,
  since jsonb,
  since_earliest date,
  since_latest date,
  until jsonb,
  until_earliest date,
  until_latest date,
  CHECK (num_nonnulls(community_id, organization_id) = 1)
);
CREATE INDEX roles_person ON roles (person_id);
CREATE INDEX roles_community ON roles (community_id);
CREATE INDEX roles_organization ON roles (organization_id);

-- A role is as visible as what it is held in: a published fact about it.
CREATE FUNCTION role_audience() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.audience := (SELECT n.audience FROM nodes n WHERE n.id = coalesce(NEW.community_id, NEW.organization_id));
  RETURN NEW;
END
$$;
CREATE TRIGGER audience_before BEFORE INSERT OR UPDATE ON roles FOR EACH ROW EXECUTE FUNCTION role_audience();

CREATE TRIGGER node_before BEFORE INSERT OR UPDATE ON roles FOR EACH ROW EXECUTE FUNCTION write_node('ROLE');
CREATE TRIGGER node_after AFTER DELETE ON roles FOR EACH ROW EXECUTE FUNCTION write_node('ROLE');

CREATE FUNCTION role_audiences_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE roles SET audience = NEW.audience WHERE community_id = NEW.id OR organization_id = NEW.id;
  RETURN NULL;
END
$$;
CREATE TRIGGER role_audiences AFTER UPDATE OF audience ON nodes
  FOR EACH ROW WHEN (OLD.audience IS DISTINCT FROM NEW.audience AND NEW.kind IN ('COMMUNITY', 'ORGANIZATION'))
  EXECUTE FUNCTION role_audiences_follow();
