ALTER TABLE text_origins DROP CONSTRAINT text_origins_origin_check;
UPDATE text_origins SET origin = 'TRANSLATION' WHERE origin <> 'ORIGINAL';
ALTER TABLE text_origins ADD CONSTRAINT text_origins_origin_check CHECK (origin IN ('ORIGINAL', 'TRANSLATION'));
