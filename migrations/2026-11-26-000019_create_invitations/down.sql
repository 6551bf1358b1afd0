ALTER TABLE accounts DROP COLUMN link_note, DROP COLUMN link_asked_at;
DROP TABLE invitations;
