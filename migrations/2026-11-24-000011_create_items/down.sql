DROP TABLE item_authors;
DROP TABLE item_topics;
DROP TABLE item_communities;
DELETE FROM items;
DROP TABLE items;
DROP FUNCTION item_copies_follow;
DROP FUNCTION item_copies;
