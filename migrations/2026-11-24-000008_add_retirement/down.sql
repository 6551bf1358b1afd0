CREATE OR REPLACE FUNCTION role_audience() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.audience := (SELECT n.audience FROM nodes n WHERE n.id = coalesce(NEW.community_id, NEW.organization_id));
  RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION link_audience() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.audience := (
    SELECT audience_meet(a.audience, b.audience) FROM nodes a, nodes b WHERE a.id = NEW.from_id AND b.id = NEW.to_id
  );
  RETURN NEW;
END
$$;

DROP TRIGGER role_retirements ON people;
DROP FUNCTION role_retirements_follow();
ALTER TABLE links DROP COLUMN retired;
ALTER TABLE roles DROP COLUMN retired;
ALTER TABLE people DROP COLUMN retired;
ALTER TABLE communities DROP COLUMN retired;
ALTER TABLE organizations DROP COLUMN retired;
ALTER TABLE topics DROP COLUMN retired;
