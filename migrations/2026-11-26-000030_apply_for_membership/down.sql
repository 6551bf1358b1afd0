DROP TRIGGER application_retirements ON people;
DROP FUNCTION application_retirements_follow;
DROP TABLE applications;
-- The coordinators see of whoever applied what these let everybody see who may.
UPDATE people p SET field_audiences = (
    SELECT jsonb_object_agg(f.key, CASE WHEN f.key IN ('NAME', 'HONORIFIC', 'PROFESSION', 'REGION') THEN (
      SELECT coalesce(jsonb_agg(a ORDER BY a COLLATE "C"), '[]') FROM jsonb_array_elements_text(f.value) AS a
      WHERE a NOT LIKE 'admin:%' AND a NOT IN (
        SELECT 'coordinator:' || m.community_id FROM memberships m WHERE m.person_id = p.id AND m.applied_at IS NOT NULL
      )
    ) ELSE f.value END) FROM jsonb_each(p.field_audiences) AS f
  ) WHERE EXISTS (SELECT 1 FROM memberships m WHERE m.person_id = p.id AND m.applied_at IS NOT NULL);
UPDATE people SET audience = ARRAY(SELECT jsonb_array_elements_text(field_audiences -> 'NAME'))
  WHERE EXISTS (SELECT 1 FROM memberships m WHERE m.person_id = people.id AND m.applied_at IS NOT NULL);
CREATE OR REPLACE FUNCTION membership_audience() RETURNS trigger LANGUAGE plpgsql AS $$
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
UPDATE memberships SET audience = audience WHERE applied_at IS NOT NULL OR status IN ('INVITED', 'WITHDRAWN');
UPDATE nodes SET audience_before = NULL WHERE audience_before IS NOT NULL;
ALTER TABLE memberships DROP COLUMN applied_at;
ALTER TABLE communities DROP COLUMN questions, DROP COLUMN charters, DROP COLUMN tiers;
