DROP TABLE sessions;
DROP TABLE grants;
DROP TABLE tokens;
DROP TABLE accounts;
