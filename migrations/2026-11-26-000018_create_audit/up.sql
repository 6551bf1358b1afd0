-- Who changed what, and who read what of people that is not for everybody. Appended only; no foreign keys, because what
-- was done stays known when the account or the person is gone.
CREATE TABLE audit (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- READ, or what happened as the change log calls it, or what was done to a right, a token or a session.
  act text NOT NULL,
  -- Who: an account, with the token that it used; null account: the hub itself, or somebody who is gone.
  account_id uuid,
  token_id uuid,
  -- What: the kind and the fields of a node, or of what is no node.
  kind text NOT NULL,
  subject_id uuid,
  fields text[] NOT NULL,
  -- Whom it concerns; null: nobody, or somebody who is gone.
  person_id uuid,
  -- Why: the reason that was given, or the operation that was named.
  why text NOT NULL
);
CREATE INDEX audit_person ON audit (person_id, created_at, id) WHERE person_id IS NOT NULL;
CREATE INDEX audit_account ON audit (account_id, created_at, id) WHERE account_id IS NOT NULL;
