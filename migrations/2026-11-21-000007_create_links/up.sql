CREATE TABLE links (
  id uuid PRIMARY KEY REFERENCES nodes (id),
  key text NOT NULL,
  audience text[] NOT NULL,
  is_public boolean NOT NULL GENERATED ALWAYS AS ('public' = ANY (audience)) STORED,
  original_language text NOT NULL,
  import_hash text,
  verified_on date,
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  kind text NOT NULL,
  from_id uuid NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
  from_kind text NOT NULL,
  to_id uuid NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
  to_kind text NOT NULL,
  since jsonb,
  since_earliest date,
  since_latest date,
  until jsonb,
  until_earliest date,
  until_latest date,
  note jsonb,
  CHECK (from_id <> to_id)
);
CREATE INDEX links_from ON links (from_id);
CREATE INDEX links_to ON links (to_id);

-- Visible when both ends are.
CREATE FUNCTION link_audience() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.audience := (
    SELECT audience_meet(a.audience, b.audience) FROM nodes a, nodes b WHERE a.id = NEW.from_id AND b.id = NEW.to_id
  );
  RETURN NEW;
END
$$;
CREATE TRIGGER audience_before BEFORE INSERT OR UPDATE ON links FOR EACH ROW EXECUTE FUNCTION link_audience();

CREATE TRIGGER node_before BEFORE INSERT OR UPDATE ON links FOR EACH ROW EXECUTE FUNCTION write_node('LINK');
CREATE TRIGGER node_after AFTER DELETE ON links FOR EACH ROW EXECUTE FUNCTION write_node('LINK');

CREATE FUNCTION link_audiences_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE links SET audience = audience WHERE from_id = NEW.id OR to_id = NEW.id;
  RETURN NULL;
END
$$;
CREATE TRIGGER link_audiences AFTER UPDATE OF audience ON nodes
  FOR EACH ROW WHEN (OLD.audience IS DISTINCT FROM NEW.audience) EXECUTE FUNCTION link_audiences_follow();
