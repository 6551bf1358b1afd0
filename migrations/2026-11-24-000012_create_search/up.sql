-- One search over every kind, in English and French and whatever else: folded, stemmed, with the synonyms of topics.

-- A search as words alone: folded, every sign a space.
CREATE FUNCTION search_words(value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN translate(fold(value), E'!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~«»·•', repeat(' ', 36));

-- A text that is searched, folded; signs that the parser would take for a part of a word, path, address, number or tag
-- are spaces. Ten times as fast on long texts as translate, which matters for hundreds of thousands of them.
CREATE FUNCTION search_text(value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(
  fold(value), '/', ' '), '-', ' '), '.', ' '), '@', ' '), '_', ' '), '&', ' '), '<', ' '), '~', ' '), '+', ' '), '#', ' ');

-- What a text in several languages is found by: the stems of its words. 60,000 characters of a language keep it under
-- PostgreSQL's 1 MB.
CREATE FUNCTION search_vector(texts jsonb) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  english text := texts ->> 'en';
  french text := texts ->> 'fr';
  others text;
  language text;
  words text;
  vector tsvector := '';
BEGIN
  IF texts - '{en,fr}'::text[] <> '{}' THEN
    FOR language, words IN SELECT split_part(key, '-', 1), value FROM jsonb_each_text(texts - '{en,fr}'::text[]) LOOP
      CASE language
        WHEN 'en' THEN english := concat_ws(' ', english, words);
        WHEN 'fr' THEN french := concat_ws(' ', french, words);
        ELSE others := concat_ws(' ', others, words);
      END CASE;
    END LOOP;
  END IF;
  IF english IS NOT NULL THEN
    vector := to_tsvector('pg_catalog.english', left(search_text(english), 60000));
  END IF;
  IF french IS NOT NULL THEN
    vector := vector || to_tsvector('pg_catalog.french', left(search_text(french), 60000));
  END IF;
  IF others IS NOT NULL THEN
    vector := vector || to_tsvector('pg_catalog.simple', left(search_text(others), 60000));
  END IF;
  RETURN vector;
END
$$;

-- The texts of a list of objects as one text: [{"text": {"en": "a"}}, {"text": {"en": "b"}}] → {"en": "a b"}.
CREATE FUNCTION joined_texts(list jsonb, field text) RETURNS jsonb
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
  SELECT jsonb_object_agg(t.language, t.words) FROM (
    SELECT text.key AS language, string_agg(text.value, ' ') AS words
    FROM jsonb_array_elements(list) AS element, jsonb_each_text(element -> field) AS text GROUP BY 1
  ) AS t
);

-- The words of {"en": ["sponsor"], "fr": ["promoteur"]} as one text.
CREATE FUNCTION joined_words(words jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
  SELECT jsonb_object_agg(t.language, t.words) FROM (
    SELECT language.key AS language, string_agg(word, ' ') AS words
    FROM jsonb_each(words) AS language, jsonb_array_elements_text(language.value) AS word GROUP BY 1
  ) AS t
);

-- What is found by each node: its name foremost, then other names, then what it says of itself. Written by the store
-- of its kind from the view below; a trigger keeps the audience.
CREATE TABLE search_documents (
  node_id uuid PRIMARY KEY REFERENCES nodes (id) ON DELETE CASCADE,
  kind text NOT NULL,
  audience text[] NOT NULL,
  is_public boolean NOT NULL GENERATED ALWAYS AS ('public' = ANY (audience)) STORED,
  document tsvector NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX search_documents_document ON search_documents USING gin (document) WITH (fastupdate = off);

CREATE FUNCTION search_audience_follows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE search_documents SET audience = NEW.audience WHERE node_id = NEW.id;
  RETURN NULL;
END
$$;
CREATE TRIGGER search_audience AFTER UPDATE OF audience ON nodes
  FOR EACH ROW WHEN (OLD.audience IS DISTINCT FROM NEW.audience) EXECUTE FUNCTION search_audience_follows();

CREATE VIEW searchable (node_id, kind, audience, document) AS
  SELECT id, 'TOPIC', audience,
    setweight(search_vector(name), 'A') || setweight(search_vector(joined_words(synonyms)), 'B')
    || setweight(search_vector(description), 'C')
  FROM topics
  UNION ALL
  SELECT id, 'ORGANIZATION', audience,
    setweight(search_vector(name), 'A') || setweight(search_vector(joined_texts(aliases, 'text')), 'B')
    || setweight(search_vector(summary), 'C')
    || setweight(search_vector(vision) || search_vector(mission) || search_vector(joined_texts(aims, 'text')), 'D')
  FROM organizations
  UNION ALL
  SELECT id, 'COMMUNITY', audience,
    setweight(search_vector(name), 'A') || setweight(search_vector(domain), 'B')
    || setweight(search_vector(purpose), 'C')
    || setweight(search_vector(community) || search_vector(practice) || search_vector(joined_texts(objectives, 'text')), 'D')
  FROM communities
  UNION ALL
  -- The name alone: every other field of a person has an audience of its own.
  SELECT id, 'PERSON', audience, setweight(to_tsvector('pg_catalog.simple', search_text(name)), 'A') FROM people
  UNION ALL
  SELECT id, 'PROJECT', audience,
    setweight(search_vector(title), 'A') || setweight(search_vector(summary), 'C')
    || setweight(search_vector(joined_texts(outputs, 'text')), 'D')
  FROM projects
  UNION ALL
  SELECT id, 'ITEM', audience,
    setweight(search_vector(title), 'A')
    || setweight(to_tsvector('pg_catalog.simple', coalesce(
      (SELECT left(string_agg(search_text(byline), ' ' ORDER BY a.id), 60000) FROM item_authors a WHERE a.item_id = items.id), ''
    )), 'B')
    || setweight(search_vector(summary), 'C') || setweight(search_vector(body), 'D')
  FROM items;

INSERT INTO search_documents (node_id, kind, audience, document) SELECT * FROM searchable;

-- Each name and synonym of a topic, so that a search for one finds the others.
CREATE TABLE topic_words (
  topic_id uuid NOT NULL REFERENCES topics (id) ON DELETE CASCADE,
  -- Its words, each with a space between, and the same as stems of its language.
  words text NOT NULL,
  stems text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (topic_id, words, stems)
);
CREATE INDEX topic_words_stems ON topic_words (stems);

-- Words as stems of a language; a word that is no more than grammar stays as it is.
CREATE FUNCTION search_stems(words text[], language text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
  SELECT string_agg(coalesce(
    CASE language
      WHEN 'en' THEN (ts_lexize('pg_catalog.english_stem', word))[1]
      WHEN 'fr' THEN (ts_lexize('pg_catalog.french_stem', word))[1]
    END, word), ' ' ORDER BY place)
  FROM unnest(words) WITH ORDINALITY AS w (word, place)
);

CREATE FUNCTION topic_words_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM topic_words WHERE topic_id = NEW.id;
  INSERT INTO topic_words (topic_id, words, stems)
    SELECT NEW.id, array_to_string(t.words, ' '), search_stems(t.words, t.language)
    FROM (
      SELECT split_part(named.language, '-', 1) AS language, string_to_array(trim(regexp_replace(search_words(named.value), ' +', ' ', 'g')), ' ') AS words
      FROM (
        SELECT key AS language, value FROM jsonb_each_text(NEW.name)
        UNION ALL
        SELECT key, word FROM jsonb_each(NEW.synonyms), jsonb_array_elements_text(value) AS word
      ) AS named
    ) AS t
    WHERE cardinality(t.words) > 0
    ON CONFLICT DO NOTHING;
  RETURN NULL;
END
$$;
CREATE TRIGGER words_after AFTER INSERT OR UPDATE OF name, synonyms ON topics
  FOR EACH ROW EXECUTE FUNCTION topic_words_follow();
UPDATE topics SET name = name;

-- One word of a search: the word and its stems; as the last one, whatever begins with it. Null: it says nothing.
CREATE FUNCTION search_term(word text, is_last boolean) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  english text[] := ts_lexize('pg_catalog.english_stem', word);
  french text[] := ts_lexize('pg_catalog.french_stem', word);
  term text := quote_literal(word);
BEGIN
  IF english = '{}' OR french = '{}' THEN
    RETURN NULL;
  END IF;
  IF is_last AND length(word) >= 3 THEN
    term := term || ':*';
  END IF;
  IF english[1] <> word THEN
    term := term || ' | ' || quote_literal(english[1]);
  END IF;
  IF french[1] <> word AND french[1] <> english[1] THEN
    term := term || ' | ' || quote_literal(french[1]);
  END IF;
  RETURN '(' || term || ')';
END
$$;

-- What somebody with these atoms searches for; null atoms see everything, a null answer finds nothing. Every word has
-- to be there; where words are the name of a topic that is seen, its other names will do. At most 20 words count.
CREATE FUNCTION search_query(search text, atoms text[]) RETURNS tsquery
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
  words text[] := (string_to_array(trim(regexp_replace(search_words(search), ' +', ' ', 'g')), ' '))[1:20];
  total integer := coalesce(cardinality(words), 0);
  place integer := 1;
  span integer;
  spanned text[];
  own text;
  others text;
  whole text;
BEGIN
  WHILE place <= total LOOP
    FOR length IN REVERSE least(4, total - place + 1)..1 LOOP
      span := length;
      spanned := words[place:place + span - 1];
      -- By topic_words_stems, then the topic's other words by primary key.
      SELECT string_agg(DISTINCT alternative.term, ' | ') INTO others
      FROM topic_words found
      JOIN topics t ON t.id = found.topic_id AND (atoms IS NULL OR t.audience && atoms)
      JOIN topic_words other ON other.topic_id = found.topic_id AND other.words <> array_to_string(spanned, ' ')
      CROSS JOIN LATERAL (
        SELECT '(' || string_agg(search_term(word, false), ' & ') || ')' AS term
        FROM unnest(string_to_array(other.words, ' ')) AS word
      ) AS alternative
      WHERE found.stems IN (array_to_string(spanned, ' '), search_stems(spanned, 'en'), search_stems(spanned, 'fr'));
      EXIT WHEN others IS NOT NULL OR span = 1;
    END LOOP;
    SELECT string_agg(search_term(w.word, place + w.at - 1 = total), ' & ') INTO own
    FROM unnest(spanned) WITH ORDINALITY AS w (word, at);
    IF own IS NOT NULL THEN
      own := '(' || own || coalesce(' | ' || others, '') || ')';
      whole := coalesce(whole || ' & ', '') || own;
    END IF;
    place := place + span;
  END LOOP;
  RETURN whole::tsquery;
END
$$;

-- Whether a text is there for a wish for this language, as matching_tag says; the exact tag is the common case.
CREATE FUNCTION has_text(texts jsonb, range text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN texts IS NOT NULL AND (texts ? range OR matching_tag(texts, range) IS NOT NULL);

-- Whether one of these languages serves a wish for this one: fr-CA and fr find each other.
CREATE FUNCTION speaks(languages text[], range text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN range = ANY (languages)
  OR EXISTS (SELECT 1 FROM unnest(languages) AS l WHERE split_part(l, '-', 1) = split_part(range, '-', 1));

-- Nothing is found by its letters any more.
ALTER TABLE topics DROP COLUMN folded;
ALTER TABLE organizations DROP COLUMN folded;
ALTER TABLE communities DROP COLUMN folded;
ALTER TABLE people DROP COLUMN folded;
DROP FUNCTION fold_words(jsonb), fold_list(jsonb, text), fold_texts(jsonb), contains_folded(text, text);
