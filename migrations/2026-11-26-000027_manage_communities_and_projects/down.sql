ALTER TABLE projects DROP COLUMN managed_by;
ALTER TABLE communities DROP COLUMN managed_by;
