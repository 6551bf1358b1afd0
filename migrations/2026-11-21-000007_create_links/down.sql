DROP TRIGGER link_audiences ON nodes;
DROP TABLE links;
DROP FUNCTION link_audiences_follow(), link_audience();
