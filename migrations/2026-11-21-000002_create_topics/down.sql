DROP FUNCTION topic_family(uuid[]);
DROP TABLE topic_parents, topics;
