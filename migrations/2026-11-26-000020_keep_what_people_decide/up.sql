-- Which wording somebody agreed to in which language, and whether they decided it themselves: an import changes nothing of
-- what somebody decided.
ALTER TABLE consents ADD COLUMN text_language text, ADD COLUMN is_own boolean NOT NULL DEFAULT false;
