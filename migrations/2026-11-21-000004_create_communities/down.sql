DROP TABLE community_topics, communities;
