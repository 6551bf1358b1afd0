-- What somebody writes to the coordinators of a community, who answer by their own means.
CREATE TABLE messages (
  id uuid PRIMARY KEY,
  community_id uuid NOT NULL REFERENCES communities (id) ON DELETE CASCADE,
  -- Null: somebody who was not signed in, or an account that is gone.
  account_id uuid REFERENCES accounts (id) ON DELETE SET NULL,
  -- Where an answer reaches them, as they wrote it; null: they want none.
  reply_to text,
  body text NOT NULL,
  language text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX messages_community ON messages (community_id, created_at, id);
CREATE INDEX messages_account ON messages (account_id) WHERE account_id IS NOT NULL;
