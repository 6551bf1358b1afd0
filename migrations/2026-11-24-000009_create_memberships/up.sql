CREATE TABLE memberships (
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
  person_id uuid NOT NULL REFERENCES people (id) ON DELETE CASCADE,
  community_id uuid NOT NULL REFERENCES communities (id) ON DELETE CASCADE,
  status text NOT NULL,
  -- Null when no source states how far the membership goes.
  tier text,
  since jsonb,
  since_earliest date,
  since_latest date
);
-- A retired one makes room for another.
CREATE UNIQUE INDEX memberships_person ON memberships (person_id, community_id) WHERE NOT retired;
-- The first members of a community, as anonymous readers page through them.
CREATE INDEX memberships_community_public ON memberships (community_id, since_earliest, since_latest, id) WHERE is_public;
CREATE INDEX memberships_community ON memberships (community_id, status);
CREATE INDEX memberships_person_all ON memberships (person_id);

-- As visible as the person allows, among those who see both the person and the community. That somebody applied, waits or
-- was refused is the person's own affair, whatever they let be seen of their memberships.
CREATE FUNCTION membership_audience() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.audience := CASE WHEN NEW.retired THEN '{}'
    WHEN NEW.status NOT IN ('ACTIVE', 'ENDED') THEN ARRAY['self:' || NEW.person_id] ELSE (
    SELECT audience_meet(
      audience_meet(
        ARRAY(SELECT jsonb_array_elements_text(coalesce(p.field_audiences -> 'MEMBERSHIPS', '[]'))), p.audience
      ), c.audience
    )
    FROM people p, communities c WHERE p.id = NEW.person_id AND c.id = NEW.community_id
  ) END;
  RETURN NEW;
END
$$;
CREATE TRIGGER audience_before BEFORE INSERT OR UPDATE ON memberships FOR EACH ROW EXECUTE FUNCTION membership_audience();

CREATE TRIGGER node_before BEFORE INSERT OR UPDATE ON memberships FOR EACH ROW EXECUTE FUNCTION write_node('MEMBERSHIP');
CREATE TRIGGER node_after AFTER DELETE ON memberships FOR EACH ROW EXECUTE FUNCTION write_node('MEMBERSHIP');

CREATE FUNCTION membership_audiences_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_ARGV[0] = 'PERSON' THEN
    UPDATE memberships SET audience = audience WHERE person_id = NEW.id;
  ELSE
    UPDATE memberships SET audience = audience WHERE community_id = NEW.id;
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER membership_audiences AFTER UPDATE OF audience, field_audiences ON people
  FOR EACH ROW WHEN ((OLD.audience, OLD.field_audiences) IS DISTINCT FROM (NEW.audience, NEW.field_audiences))
  EXECUTE FUNCTION membership_audiences_follow('PERSON');
CREATE TRIGGER membership_audiences AFTER UPDATE OF audience ON communities
  FOR EACH ROW WHEN (OLD.audience IS DISTINCT FROM NEW.audience)
  EXECUTE FUNCTION membership_audiences_follow('COMMUNITY');

-- How many ACTIVE memberships a community has, whoever may see them. Written by the write transaction alone.
CREATE TABLE community_counts (
  community_id uuid PRIMARY KEY REFERENCES communities (id) ON DELETE CASCADE,
  active_members bigint NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
