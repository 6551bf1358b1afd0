-- Who made a translation: somebody by the API, a machine, or a file that was read.
ALTER TABLE text_origins DROP CONSTRAINT text_origins_origin_check;
UPDATE text_origins SET origin = 'IMPORTED' WHERE origin = 'TRANSLATION';
ALTER TABLE text_origins ADD CONSTRAINT text_origins_origin_check
  CHECK (origin IN ('ORIGINAL', 'HUMAN', 'MACHINE', 'IMPORTED'));
