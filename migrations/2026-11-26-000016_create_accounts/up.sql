-- Who acts on the hub: somebody who signs in elsewhere, or a service.
CREATE TABLE accounts (
  id uuid PRIMARY KEY,
  -- Who vouches for them, and what they call them there; null for a service, which has a name instead.
  issuer text,
  subject text,
  service_name text UNIQUE,
  -- Whose data are its own; null: nobody's, or not yet. By invitation or an administrator's approval, never by an address.
  person_id uuid REFERENCES people (id) ON DELETE SET NULL,
  -- The atoms of audience that its grants and its person give, sorted; written with them.
  atoms text[] NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (issuer, subject),
  CHECK ((issuer IS NULL) = (subject IS NULL)),
  CHECK ((issuer IS NULL) <> (service_name IS NULL))
);
CREATE INDEX accounts_person ON accounts (person_id) WHERE person_id IS NOT NULL;

CREATE TABLE tokens (
  id uuid PRIMARY KEY,
  account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  -- SHA-256 of the secret, which has 256 random bits and is kept nowhere.
  secret_hash bytea NOT NULL UNIQUE,
  name text NOT NULL,
  scopes text[] NOT NULL,
  expires_at timestamptz NOT NULL,
  revoked_at timestamptz,
  last_used_on date,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX tokens_account ON tokens (account_id);

CREATE TABLE grants (
  id uuid PRIMARY KEY,
  account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  held_right text NOT NULL CHECK (held_right IN ('ADMINISTRATOR', 'COORDINATOR', 'REVIEWER', 'MEMBER', 'REPRESENTATIVE')),
  -- Where it holds; neither: on the whole hub.
  organization_id uuid REFERENCES organizations (id) ON DELETE CASCADE,
  community_id uuid REFERENCES communities (id) ON DELETE CASCADE,
  -- The membership that it follows from; null: somebody gave it.
  membership_id uuid REFERENCES memberships (id) ON DELETE CASCADE,
  starts_at timestamptz NOT NULL,
  -- Null: until somebody ends it.
  ends_at timestamptz,
  -- Whether it holds now. The clock sets it when the grant starts and ends, never the time of reading.
  holds boolean NOT NULL,
  -- Null: the hub itself, or an account that is gone.
  granted_by uuid REFERENCES accounts (id) ON DELETE SET NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  CHECK (num_nonnulls(organization_id, community_id) <= 1),
  CHECK (ends_at >= starts_at)
);
CREATE INDEX grants_account ON grants (account_id);
CREATE INDEX grants_organization ON grants (organization_id) WHERE organization_id IS NOT NULL;
CREATE INDEX grants_community ON grants (community_id) WHERE community_id IS NOT NULL;
CREATE UNIQUE INDEX grants_membership ON grants (membership_id, account_id) WHERE membership_id IS NOT NULL AND holds;

CREATE TABLE sessions (
  id uuid PRIMARY KEY,
  account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  secret_hash bytea NOT NULL UNIQUE,
  expires_at timestamptz NOT NULL,
  ended_at timestamptz,
  last_used_on date,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX sessions_account ON sessions (account_id);
