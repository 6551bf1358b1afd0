-- One search over every kind, in English and French and whatever else: folded, stemmed, with the synonyms of topics.

-- Words alone: folded, everything that is neither letter nor digit a space.
CREATE FUNCTION search_words(value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN regexp_replace(fold(value) COLLATE "und-x-icu", '[^[:alnum:]]+', ' ', 'g');

-- The same for long texts, in a tenth of the time where folding leaves ASCII alone, as it nearly always does in English
-- and French: of its signs only these would be taken for a part of a word, path, address, number or tag.
CREATE FUNCTION search_text(value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
  SELECT CASE WHEN octet_length(folded) = char_length(folded) THEN
    replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(
      folded, '/', ' '), '-', ' '), '.', ' '), '@', ' '), '_', ' '), '&', ' '), '<', ' '), '~', ' '), '+', ' '), '#', ' ')
    ELSE search_words(value) END
  FROM (SELECT fold(replace(replace(value, E'\u00a0', ' '), E'\u202f', ' ')) AS folded) AS f
);

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

-- Words as stems of a language, without the s of a plural that the French stemmer leaves ("essais"); a word that is no
-- more than grammar stays as it is.
CREATE FUNCTION search_stems(words text[], language text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
  SELECT string_agg(regexp_replace(coalesce(
    CASE language
      WHEN 'en' THEN (ts_lexize('pg_catalog.english_stem', word))[1]
      WHEN 'fr' THEN (ts_lexize('pg_catalog.french_stem', word))[1]
    END, word), '(...)s$', '\1'), ' ' ORDER BY place)
  FROM unnest(words) WITH ORDINALITY AS w (word, place)
);

CREATE FUNCTION topic_words_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM topic_words WHERE topic_id = NEW.id;
  INSERT INTO topic_words (topic_id, words, stems)
    SELECT NEW.id, array_to_string(t.words, ' '), search_stems(t.words, t.language)
    FROM (
      SELECT split_part(named.language, '-', 1) AS language, string_to_array(trim(search_words(named.value)), ' ') AS words
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

-- One word of a search: the word, its stems, and the same without or with the s of a plural that the French stemmer
-- leaves; as the last word of a search, whatever begins with it. Null: it is no more than grammar in one of the languages.
CREATE FUNCTION search_term(word text, is_last boolean) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  english text[] := ts_lexize('pg_catalog.english_stem', word);
  french text[] := ts_lexize('pg_catalog.french_stem', word);
  own text := quote_literal(word);
  other text := CASE WHEN right(word, 1) = 's' THEN left(word, -1) ELSE word || 's' END;
BEGIN
  IF english = '{}' OR french = '{}' THEN
    RETURN NULL;
  END IF;
  IF is_last AND length(word) >= 3 THEN
    own := own || ':*';
  END IF;
  RETURN '(' || own || coalesce(
    (SELECT string_agg(DISTINCT ' | ' || quote_literal(form), '') FROM unnest(ARRAY[english[1], french[1], other]) AS form
     WHERE form <> word AND length(form) >= 3), '') || ')';
END
$$;

-- What somebody with these atoms searches for, as phrases: of each span one has to be there. A span is a word, or words
-- that are the name of a topic that is seen; its phrases are those words and the topic's other names. Null atoms see
-- everything. At most 20 words count.
CREATE FUNCTION search_phrases(search text, atoms text[]) RETURNS TABLE (span integer, words text[], is_last boolean)
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
  asked text[] := (string_to_array(trim(search_words(search)), ' '))[1:20];
  total integer := coalesce(cardinality(asked), 0);
  place integer := 1;
  spanned text[];
BEGIN
  WHILE place <= total LOOP
    span := place;
    is_last := false;
    FOR length IN REVERSE least(4, total - place + 1)..1 LOOP
      spanned := asked[place:place + length - 1];
      -- By topic_words_stems, then the topic's other words by primary key.
      RETURN QUERY SELECT DISTINCT place, string_to_array(other.words, ' '), false
        FROM topic_words found
        JOIN topics t ON t.id = found.topic_id AND (atoms IS NULL OR t.audience && atoms)
        JOIN topic_words other ON other.topic_id = found.topic_id AND other.words <> array_to_string(spanned, ' ')
        WHERE found.stems IN (search_stems(spanned, ''), search_stems(spanned, 'en'), search_stems(spanned, 'fr'));
      EXIT WHEN FOUND;
    END LOOP;
    words := spanned;
    place := place + cardinality(spanned);
    is_last := place > total;
    RETURN NEXT;
  END LOOP;
END
$$;

-- The query of a search; null finds nothing. Words that are no more than grammar are left out; where nothing else is
-- asked for, any of them will do that is a word in the other language.
CREATE FUNCTION search_query(search text, atoms text[]) RETURNS tsquery
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
  whole text;
BEGIN
  SELECT string_agg('(' || spans.term || ')', ' & ') INTO whole FROM (
    SELECT string_agg('(' || phrase.term || ')', ' | ') AS term FROM (
      SELECT p.span, string_agg(search_term(w.word, p.is_last AND w.at = cardinality(p.words)), ' & ') AS term
      FROM search_phrases(search, atoms) WITH ORDINALITY AS p (span, words, is_last, nth),
        unnest(p.words) WITH ORDINALITY AS w (word, at)
      GROUP BY p.span, p.nth
    ) AS phrase WHERE phrase.term IS NOT NULL GROUP BY phrase.span
  ) AS spans;
  IF whole IS NULL THEN
    SELECT string_agg(quote_literal(word), ' | ') INTO whole
    FROM unnest((string_to_array(trim(search_words(search)), ' '))[1:20]) AS word
    WHERE ts_lexize('pg_catalog.english_stem', word) <> '{}' OR ts_lexize('pg_catalog.french_stem', word) <> '{}';
  END IF;
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
