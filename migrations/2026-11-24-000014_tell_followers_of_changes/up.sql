-- Whoever follows the change log is woken by every append, and what is old may be forgotten.
CREATE FUNCTION tell_followers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('hub_changes', '');
  RETURN NULL;
END
$$;
CREATE TRIGGER followers_told AFTER INSERT ON changes FOR EACH STATEMENT EXECUTE FUNCTION tell_followers();

-- The position up to which entries were forgotten; a cursor before it has expired.
ALTER TABLE log_epoch ADD COLUMN forgotten_through bigint NOT NULL DEFAULT 0;
