-- Who asked to be erased, as the hash of the import key alone: a line that names them writes nothing.
CREATE TABLE erasures (
  key_hash bytea PRIMARY KEY,
  created_at timestamptz NOT NULL DEFAULT now()
);
