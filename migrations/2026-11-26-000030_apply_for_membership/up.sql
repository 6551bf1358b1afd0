-- What a community asks of those who want to join, what they accept, how far its memberships go.
ALTER TABLE communities ADD COLUMN questions jsonb NOT NULL DEFAULT '[]', ADD COLUMN charters jsonb NOT NULL DEFAULT '[]',
  ADD COLUMN tiers jsonb NOT NULL DEFAULT '[]';

-- When the person applied last, by their own account, and so agreed that the coordinators see who they are; null: never.
ALTER TABLE memberships ADD COLUMN applied_at timestamptz;

-- What somebody sent who wants to join, and what came of it: one row each time.
CREATE TABLE applications (
  id uuid PRIMARY KEY,
  membership_id uuid NOT NULL REFERENCES memberships (id) ON DELETE CASCADE,
  community_id uuid NOT NULL REFERENCES communities (id) ON DELETE CASCADE,
  person_id uuid NOT NULL REFERENCES people (id) ON DELETE CASCADE,
  -- The person, the coordinators, and the administrators of the organization that is asked for its endorsement.
  audience text[] NOT NULL,
  status text NOT NULL CHECK (status IN ('PENDING', 'WAITING', 'ACCEPTED', 'REFUSED', 'WITHDRAWN')),
  tier text NOT NULL,
  -- Each with its question as it was asked.
  answers jsonb NOT NULL,
  -- The version of the charter that was accepted; null: there was none.
  charter_version integer,
  applied_at timestamptz NOT NULL,
  -- The organization that is asked to endorse it; null: none.
  endorser_id uuid REFERENCES organizations (id) ON DELETE SET NULL,
  endorsed_at timestamptz,
  decided_at timestamptz,
  reason text,
  note jsonb,
  original_language text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX applications_community ON applications (community_id, applied_at, id);
CREATE INDEX applications_membership ON applications (membership_id, applied_at, id);
CREATE INDEX applications_person ON applications (person_id);
CREATE INDEX applications_endorser ON applications (endorser_id, applied_at, id) WHERE endorser_id IS NOT NULL;
-- One at a time.
CREATE UNIQUE INDEX applications_open ON applications (membership_id) WHERE status IN ('PENDING', 'WAITING');

-- As visible as the person allows, among those who see both the person and the community. That somebody is invited is
-- between them and the coordinators, and that they wait or were refused, if they applied by their own account; else that is
-- the person's own affair, as is what was withdrawn. Whoever applied by their own account is seen as a member by the
-- coordinators, and sees their own membership.
CREATE OR REPLACE FUNCTION membership_audience() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  oneself text := 'self:' || NEW.person_id;
  coordinators text := 'coordinator:' || NEW.community_id;
BEGIN
  NEW.audience := CASE WHEN NEW.retired OR (SELECT p.retired FROM people p WHERE p.id = NEW.person_id) THEN '{}'
    WHEN NEW.status = 'WITHDRAWN' THEN ARRAY[oneself]
    WHEN NEW.status = 'INVITED' THEN ARRAY[coordinators, oneself]
    WHEN NEW.status NOT IN ('ACTIVE', 'ENDED') THEN
      CASE WHEN NEW.applied_at IS NULL THEN ARRAY[oneself] ELSE ARRAY[coordinators, oneself] END
    ELSE (
    SELECT audience_meet(
      audience_meet(
        ARRAY(SELECT jsonb_array_elements_text(coalesce(p.field_audiences -> 'MEMBERSHIPS', '[]'))), p.audience
      ), c.audience
    )
    FROM people p, communities c WHERE p.id = NEW.person_id AND c.id = NEW.community_id
  ) END;
  IF NEW.applied_at IS NOT NULL AND NEW.status IN ('ACTIVE', 'ENDED') AND NOT NEW.retired
    AND NOT (SELECT p.retired FROM people p WHERE p.id = NEW.person_id) THEN
    NEW.audience := ARRAY(
      SELECT x FROM unnest(
        NEW.audience || oneself || CASE WHEN NEW.status = 'ACTIVE' THEN ARRAY[coordinators] ELSE '{}' END
      ) AS x GROUP BY x ORDER BY x COLLATE "C"
    );
  END IF;
  RETURN NEW;
END
$$;

-- Whoever is retired is nobody's any more: what they sent is closed, and nobody sees it.
CREATE FUNCTION application_retirements_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE applications SET audience = '{}',
    status = CASE WHEN status IN ('PENDING', 'WAITING') THEN 'WITHDRAWN' ELSE status END
    WHERE person_id = NEW.id;
  RETURN NULL;
END
$$;
CREATE TRIGGER application_retirements AFTER UPDATE OF retired ON people
  FOR EACH ROW WHEN (NEW.retired AND NOT OLD.retired) EXECUTE FUNCTION application_retirements_follow();
