DROP INDEX nodes_restricted;
DROP INDEX changes_viewer;
DELETE FROM due WHERE grant_id IS NOT NULL;
ALTER TABLE due DROP COLUMN grant_id;
ALTER TABLE due ALTER COLUMN node_id SET NOT NULL;
