-- A search for a French word whose stem has two letters finds it. Stored documents stay as they are: only what a search
-- asks for changes.
CREATE OR REPLACE FUNCTION search_term(word text, is_last boolean) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  english text[] := ts_lexize('pg_catalog.english_stem', word);
  french text[] := ts_lexize('pg_catalog.french_stem', word);
  own text := quote_literal(word);
  other text := CASE WHEN right(word, 1) = 's' THEN left(word, -1) ELSE word || 's' END;
BEGIN
  -- A stem may be as short as "vi", which is how French texts hold "vie"; a guess may not.
  IF length(other) < 3 THEN
    other := NULL;
  END IF;
  IF english = '{}' OR french = '{}' THEN
    RETURN NULL;
  END IF;
  IF is_last AND length(word) >= 3 THEN
    own := own || ':*';
  END IF;
  RETURN '(' || own || coalesce(
    (SELECT string_agg(DISTINCT ' | ' || quote_literal(form), '') FROM unnest(ARRAY[english[1], french[1], other]) AS form
     WHERE form <> word), '') || ')';
END
$$;

-- `db::listing::serves` says the same, and knows private tags.
DROP FUNCTION speaks(text[], text);
