-- Every word of {"en": ["sponsor"], "fr": ["promoteur"]}, folded.
CREATE FUNCTION fold_words(words jsonb) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
  SELECT coalesce(fold(string_agg(word, E'\n')), '')
  FROM jsonb_each(words) AS language, jsonb_array_elements_text(language.value) AS word
);

CREATE TABLE topics (
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
  name jsonb NOT NULL,
  description jsonb,
  -- {"en": ["sponsor"], "fr": ["promoteur"]}: other words for the topic, by language.
  synonyms jsonb NOT NULL,
  folded text NOT NULL GENERATED ALWAYS AS (fold_texts(name) || E'\n' || fold_words(synonyms)) STORED
);

CREATE TRIGGER node_before BEFORE INSERT OR UPDATE ON topics FOR EACH ROW EXECUTE FUNCTION write_node('TOPIC');
CREATE TRIGGER node_after AFTER DELETE ON topics FOR EACH ROW EXECUTE FUNCTION write_node('TOPIC');

CREATE TABLE topic_parents (
  topic_id uuid NOT NULL REFERENCES topics (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  parent_id uuid NOT NULL REFERENCES topics (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (topic_id, parent_id),
  CHECK (topic_id <> parent_id)
);
CREATE INDEX topic_parents_parent ON topic_parents (parent_id);

-- The topics and everything below them, as far as somebody with these atoms sees each step; null atoms see everything.
-- UNION ends a cycle, should one ever slip in.
CREATE FUNCTION topic_family(roots uuid[], atoms text[]) RETURNS TABLE (id uuid)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  WITH RECURSIVE family(id) AS (
    SELECT t.id FROM topics t WHERE t.id = ANY (roots) AND (atoms IS NULL OR t.audience && atoms)
    UNION
    SELECT t.id FROM family f
    JOIN topic_parents p ON p.parent_id = f.id
    JOIN topics t ON t.id = p.topic_id AND (atoms IS NULL OR t.audience && atoms)
  )
  SELECT id FROM family
$$;
