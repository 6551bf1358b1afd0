-- What every kind of node stands on: folding and language look-up, the table of nodes with its trigger,
-- slug history, sources, text origins, the change log with its epoch, and what the clock will do.

CREATE EXTENSION IF NOT EXISTS unaccent;

-- Folds case and accents, so that "resot" finds "RÉSOT". The collation is named because under the C locale
-- lower() leaves É as it is; unaccent is named with its dictionary because only then it is immutable in fact.
CREATE FUNCTION fold(value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN lower(unaccent('unaccent'::regdictionary, value) COLLATE "und-x-icu");

-- Whether a folded text contains what is searched for; what folds to nothing is found nowhere.
CREATE FUNCTION contains_folded(folded text, search text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN fold(search) <> '' AND strpos(folded, fold(search)) > 0;

-- All languages of a text, folded, for "contains".
CREATE FUNCTION fold_texts(texts jsonb) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (SELECT fold(string_agg(t.value, E'\n')) FROM jsonb_each_text(texts) AS t);

-- The tag under which a text is served for one language range: the tag itself, then the range shortened subtag
-- by subtag (RFC 4647, section 3.4), then the first tag of the same primary language. Twin of Texts::matching.
CREATE FUNCTION matching_tag(texts jsonb, range text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  candidate text := range;
BEGIN
  LOOP
    IF texts ? candidate THEN
      RETURN candidate;
    END IF;
    EXIT WHEN strpos(candidate, '-') = 0;
    candidate := regexp_replace(candidate, '-[^-]*$', '');
    candidate := regexp_replace(candidate, '-[^-]$', '');
  END LOOP;
  -- The tags x-… and i-… share no language with any other.
  IF split_part(range, '-', 1) IN ('x', 'i') THEN
    RETURN NULL;
  END IF;
  RETURN (
    SELECT min(k COLLATE "C") FROM jsonb_object_keys(texts) AS k
    WHERE split_part(k, '-', 1) = split_part(range, '-', 1)
  );
END
$$;

-- The text that a reader is served: the wanted languages in order, then the record's original language, then the
-- hub's default, then the first tag alphabetically. Twin of Texts::look_up.
CREATE FUNCTION served_text(texts jsonb, wanted text[], original text, fallback text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  range text;
  tag text;
BEGIN
  IF texts IS NULL THEN
    RETURN NULL;
  END IF;
  FOREACH range IN ARRAY wanted || original || fallback LOOP
    tag := matching_tag(texts, range);
    IF tag IS NOT NULL THEN
      RETURN texts ->> tag;
    END IF;
  END LOOP;
  RETURN texts ->> (SELECT min(k COLLATE "C") FROM jsonb_object_keys(texts) AS k);
END
$$;

-- The audience of what joins two ends: if one end is public, the other's; else what both share.
CREATE FUNCTION audience_meet(a text[], b text[]) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE
  WHEN 'public' = ANY (a) THEN b
  WHEN 'public' = ANY (b) THEN a
  ELSE ARRAY(SELECT x FROM unnest(a) AS x WHERE x = ANY (b) ORDER BY x COLLATE "C")
END;

CREATE TABLE nodes (
  id uuid PRIMARY KEY,
  kind text NOT NULL,
  key text NOT NULL,
  audience text[] NOT NULL,
  is_public boolean NOT NULL GENERATED ALWAYS AS ('public' = ANY (audience)) STORED,
  original_language text NOT NULL,
  import_hash text,
  -- Set only within a transaction: the audience before it, so that the change log can say who lost sight of the node.
  audience_before text[],
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (kind, key)
);
CREATE INDEX nodes_audience_moved ON nodes (id) WHERE audience_before IS NOT NULL;

-- Keeps the row in nodes in step with the row of its kind; nothing else writes nodes.
CREATE FUNCTION write_node() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO nodes (id, kind, key, audience, original_language, import_hash, created_at, audience_before)
    VALUES (NEW.id, TG_ARGV[0], NEW.key, NEW.audience, NEW.original_language, NEW.import_hash, NEW.created_at, '{}');
    RETURN NEW;
  ELSIF TG_OP = 'UPDATE' THEN
    UPDATE nodes SET
      audience = NEW.audience, original_language = NEW.original_language, import_hash = NEW.import_hash,
      audience_before = CASE WHEN audience = NEW.audience THEN audience_before ELSE coalesce(audience_before, audience) END
    WHERE id = NEW.id
      AND (audience, original_language, import_hash) IS DISTINCT FROM (NEW.audience, NEW.original_language, NEW.import_hash);
    RETURN NEW;
  ELSE
    DELETE FROM nodes WHERE id = OLD.id;
    RETURN OLD;
  END IF;
END
$$;

-- Every slug that a node has or had; the current one is the node's own column.
CREATE TABLE slugs (
  kind text NOT NULL,
  slug text NOT NULL,
  node_id uuid NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (kind, slug)
);
CREATE INDEX slugs_node ON slugs (node_id);

CREATE TABLE sources (
  id uuid PRIMARY KEY,
  node_id uuid NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
  -- Order within the node, as imported.
  position integer NOT NULL,
  -- That of the node, for readers whose languages the texts here do not have.
  original_language text NOT NULL,
  field text,
  publisher text,
  title jsonb,
  url text,
  retrieved_on date,
  quote jsonb,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (node_id, position)
);

-- Where each text of a node comes from; a translation is stale when the original's hash is another one now.
CREATE TABLE text_origins (
  node_id uuid NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
  field text NOT NULL,
  language text NOT NULL,
  origin text NOT NULL CHECK (origin IN ('ORIGINAL', 'TRANSLATION')),
  original_hash text,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (node_id, field, language)
);

-- The change log. Append-only; positions are handed out under an advisory lock, so they become visible in order.
CREATE TABLE changes (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  action text NOT NULL CHECK (action IN ('CREATED', 'UPDATED', 'PUBLISHED', 'RELEASED', 'RETIRED', 'REMOVED')),
  kind text NOT NULL,
  node_id uuid NOT NULL,
  fields text[] NOT NULL,
  communities uuid[] NOT NULL,
  topics uuid[] NOT NULL,
  languages text[] NOT NULL,
  audience_before text[] NOT NULL,
  audience_after text[] NOT NULL,
  actor text NOT NULL
);

-- Which log this is: a new epoch begins whenever the stamp of the database differs from the one kept here.
CREATE TABLE log_epoch (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  epoch uuid NOT NULL,
  system_identifier bigint NOT NULL,
  timeline integer NOT NULL,
  database_oid bigint NOT NULL,
  log_oid bigint NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

-- What the clock will do: applied by the store that owns the node, never at read time.
CREATE TABLE due (
  id uuid PRIMARY KEY,
  node_id uuid NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
  action text NOT NULL,
  due_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (node_id, action)
);
CREATE INDEX due_at ON due (due_at);
