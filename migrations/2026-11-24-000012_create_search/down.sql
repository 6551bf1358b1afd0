CREATE FUNCTION contains_folded(folded text, search text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN fold(search) <> '' AND strpos(folded, fold(search)) > 0;
CREATE FUNCTION fold_texts(texts jsonb) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (SELECT fold(string_agg(t.value, E'\n')) FROM jsonb_each_text(texts) AS t);
CREATE FUNCTION fold_words(words jsonb) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
  SELECT coalesce(fold(string_agg(word, E'\n')), '')
  FROM jsonb_each(words) AS language, jsonb_array_elements_text(language.value) AS word
);
CREATE FUNCTION fold_list(list jsonb, field text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
  SELECT coalesce(string_agg(fold_texts(element -> field), E'\n'), '') FROM jsonb_array_elements(list) AS element
);
ALTER TABLE people ADD COLUMN folded text NOT NULL GENERATED ALWAYS AS (fold(name)) STORED;
ALTER TABLE communities ADD COLUMN folded text NOT NULL GENERATED ALWAYS AS (
  coalesce(fold_texts(name), '') || E'\n' || coalesce(fold_texts(domain), '') || E'\n' || coalesce(fold_texts(purpose), '')
) STORED;
ALTER TABLE organizations ADD COLUMN folded text NOT NULL GENERATED ALWAYS AS (
  fold_texts(name) || E'\n' || fold_list(aliases, 'text') || E'\n' || coalesce(fold_texts(summary), '')
) STORED;
ALTER TABLE topics ADD COLUMN folded text NOT NULL GENERATED ALWAYS AS (fold_texts(name) || E'\n' || fold_words(synonyms)) STORED;

DROP FUNCTION speaks(text[], text), has_text(jsonb, text), search_query(text, text[]),
  search_phrases(text, text[]), search_term(text, boolean);
DROP TRIGGER words_after ON topics;
DROP FUNCTION topic_words_follow(), search_stems(text[], text);
DROP TABLE topic_words;
DROP VIEW searchable;
DROP TRIGGER search_audience ON nodes;
DROP FUNCTION search_audience_follows();
DROP TABLE search_documents;
DROP FUNCTION joined_words(jsonb), joined_texts(jsonb, text), search_vector(jsonb), search_text(text), search_words(text);
