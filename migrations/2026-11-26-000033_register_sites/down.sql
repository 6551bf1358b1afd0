DROP TABLE site_uses;
DROP TABLE sites;
