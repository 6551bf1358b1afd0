DROP TABLE applications;
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
ALTER TABLE memberships DROP COLUMN applied_at;
UPDATE memberships SET audience = audience WHERE status NOT IN ('ACTIVE', 'ENDED') AND NOT retired;
ALTER TABLE communities DROP COLUMN questions, DROP COLUMN charters, DROP COLUMN tiers;
