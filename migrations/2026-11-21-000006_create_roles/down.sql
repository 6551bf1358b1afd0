DROP TRIGGER role_audiences ON nodes;
DROP TABLE roles;
DROP FUNCTION role_audiences_follow(), role_audience();
