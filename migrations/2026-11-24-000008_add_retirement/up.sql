-- What was retired keeps its row, its slugs and its place in the log, and nobody sees it any more.
ALTER TABLE topics ADD COLUMN retired boolean NOT NULL DEFAULT false;
ALTER TABLE organizations ADD COLUMN retired boolean NOT NULL DEFAULT false;
ALTER TABLE communities ADD COLUMN retired boolean NOT NULL DEFAULT false;
ALTER TABLE people ADD COLUMN retired boolean NOT NULL DEFAULT false;
ALTER TABLE roles ADD COLUMN retired boolean NOT NULL DEFAULT false;
ALTER TABLE links ADD COLUMN retired boolean NOT NULL DEFAULT false;

CREATE OR REPLACE FUNCTION role_audience() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.audience := CASE
    WHEN NEW.retired OR (SELECT p.retired FROM people p WHERE p.id = NEW.person_id) THEN '{}'
    ELSE (SELECT n.audience FROM nodes n WHERE n.id = coalesce(NEW.community_id, NEW.organization_id)) END;
  RETURN NEW;
END
$$;

CREATE FUNCTION role_retirements_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE roles SET audience = audience WHERE person_id = NEW.id;
  RETURN NULL;
END
$$;
CREATE TRIGGER role_retirements AFTER UPDATE OF retired ON people
  FOR EACH ROW WHEN (OLD.retired IS DISTINCT FROM NEW.retired) EXECUTE FUNCTION role_retirements_follow();

CREATE OR REPLACE FUNCTION link_audience() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.audience := CASE WHEN NEW.retired THEN '{}' ELSE (
    SELECT audience_meet(a.audience, b.audience) FROM nodes a, nodes b WHERE a.id = NEW.from_id AND b.id = NEW.to_id
  ) END;
  RETURN NEW;
END
$$;
