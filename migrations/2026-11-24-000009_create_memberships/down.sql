DROP TABLE community_counts;
DROP TRIGGER membership_audiences ON communities;
DROP TRIGGER membership_audiences ON people;
DELETE FROM memberships;
DROP TABLE memberships;
DROP FUNCTION membership_audiences_follow;
DROP FUNCTION membership_audience;
