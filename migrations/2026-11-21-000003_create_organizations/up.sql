-- Every text in a list of objects, in every language: [{"text": {"en": "…"}}] → "…".
CREATE FUNCTION fold_list(list jsonb, field text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
  SELECT coalesce(string_agg(fold_texts(element -> field), E'\n'), '') FROM jsonb_array_elements(list) AS element
);

CREATE TABLE organizations (
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
  slug text NOT NULL UNIQUE,
  kind text NOT NULL,
  name jsonb NOT NULL,
  aliases jsonb NOT NULL,
  summary jsonb,
  vision jsonb,
  mission jsonb,
  aims jsonb NOT NULL,
  founded jsonb,
  -- The bounds of the imprecise date, for order and for "between"; written with it.
  founded_earliest date,
  founded_latest date,
  addresses jsonb NOT NULL,
  -- The regions of the addresses (ISO 3166-2) and their countries, for filters; written with them.
  regions text[] NOT NULL,
  phone text,
  fax text,
  email text,
  website text,
  identifiers jsonb NOT NULL,
  parent_id uuid REFERENCES organizations (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  languages text[] NOT NULL,
  status text NOT NULL,
  folded text NOT NULL GENERATED ALWAYS AS (
    fold_texts(name) || E'\n' || fold_list(aliases, 'text') || E'\n' || coalesce(fold_texts(summary), '')
  ) STORED,
  CHECK (parent_id <> id)
);
CREATE INDEX organizations_parent ON organizations (parent_id);
CREATE INDEX organizations_founded ON organizations (founded_earliest, founded_latest, id);
CREATE INDEX organizations_regions ON organizations USING gin (regions);

CREATE TRIGGER node_before BEFORE INSERT OR UPDATE ON organizations FOR EACH ROW EXECUTE FUNCTION write_node('ORGANIZATION');
CREATE TRIGGER node_after AFTER DELETE ON organizations FOR EACH ROW EXECUTE FUNCTION write_node('ORGANIZATION');
