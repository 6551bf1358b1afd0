-- The organization whose administrators may edit it; null: only those who run it otherwise.
ALTER TABLE communities ADD COLUMN managed_by uuid REFERENCES organizations (id) ON DELETE SET NULL;
ALTER TABLE projects ADD COLUMN managed_by uuid REFERENCES organizations (id) ON DELETE SET NULL;
CREATE INDEX communities_managed_by ON communities (managed_by) WHERE managed_by IS NOT NULL;
CREATE INDEX projects_managed_by ON projects (managed_by) WHERE managed_by IS NOT NULL;
