-- What was sent with an idempotency key, and what came of it: never the answer itself. Kept for a day.
CREATE TABLE sent_mutations (
  id uuid PRIMARY KEY,
  -- Null: somebody who was not signed in.
  account_id uuid REFERENCES accounts (id) ON DELETE CASCADE,
  mutation text NOT NULL,
  key text NOT NULL,
  -- SHA-256 of what was sent besides the key, in canonical form.
  input_hash bytea NOT NULL,
  -- What it made or changed; null: nothing that has an id, or it is not done yet.
  outcome_id uuid,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX sent_mutations_key
  ON sent_mutations (coalesce(account_id, '00000000-0000-0000-0000-000000000000'), mutation, key);
CREATE INDEX sent_mutations_created ON sent_mutations (created_at);
