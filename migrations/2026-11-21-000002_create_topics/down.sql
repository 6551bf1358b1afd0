DROP FUNCTION topic_family(uuid[], text[]);
DROP TABLE topic_parents, topics;
DROP FUNCTION fold_words(jsonb);
