ALTER TABLE log_epoch DROP COLUMN forgotten_through;
DROP TRIGGER followers_told ON changes;
DROP FUNCTION tell_followers();
