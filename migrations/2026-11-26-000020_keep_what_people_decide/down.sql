ALTER TABLE consents DROP COLUMN text_language, DROP COLUMN is_own;
