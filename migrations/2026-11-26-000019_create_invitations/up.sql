-- How an account becomes somebody's: by an invitation that was handed to them, or by asking an administrator.
CREATE TABLE invitations (
  id uuid PRIMARY KEY,
  person_id uuid NOT NULL REFERENCES people (id) ON DELETE CASCADE,
  secret_hash bytea NOT NULL UNIQUE,
  expires_at timestamptz NOT NULL,
  used_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX invitations_person ON invitations (person_id);

-- What an account tells the administrators of who it is, and when it asked to be linked; null: it did not.
ALTER TABLE accounts ADD COLUMN link_note text, ADD COLUMN link_asked_at timestamptz,
  ADD CHECK ((link_note IS NULL) = (link_asked_at IS NULL));
CREATE INDEX accounts_asking ON accounts (link_asked_at, id) WHERE link_asked_at IS NOT NULL;
