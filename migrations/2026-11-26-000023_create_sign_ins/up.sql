-- Sign-ins that are under way, each good once and for ten minutes.
CREATE TABLE sign_ins (
  -- SHA-256 of the secret that the browser holds and the provider hands back.
  state_hash bytea PRIMARY KEY,
  -- The provider's name in the settings, which may be gone when the answer comes.
  provider text NOT NULL,
  -- What the ID token must repeat.
  nonce text NOT NULL,
  -- What proves to the provider that whoever brings its code is who asked for it (RFC 7636).
  verifier text NOT NULL,
  -- Where on the hub the browser goes afterwards.
  return_to text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX sign_ins_created ON sign_ins (created_at);
