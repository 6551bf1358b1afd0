-- Whether one of these languages serves a wish for this one: fr-CA and fr find each other.
CREATE FUNCTION speaks(languages text[], range text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN range = ANY (languages)
  OR EXISTS (SELECT 1 FROM unnest(languages) AS l WHERE split_part(l, '-', 1) = split_part(range, '-', 1));

-- As it was before.
CREATE OR REPLACE FUNCTION search_term(word text, is_last boolean) RETURNS text
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
