ALTER TABLE due ADD COLUMN audience text[];
-- What knows of one time alone brings an item before everybody: at the later one.
DELETE FROM due USING items i
  WHERE due.action = 'PUBLISH' AND i.id = due.node_id AND i.members_at IS NOT NULL AND i.public_at IS NULL;
UPDATE due SET audience = coalesce(i.readers, '{public}'), due_at = coalesce(i.public_at, due.due_at)
  FROM items i WHERE due.action = 'PUBLISH' AND i.id = due.node_id;
UPDATE items SET audience = '{}'
  WHERE status = 'DRAFT' OR EXISTS (SELECT 1 FROM due d WHERE d.node_id = items.id AND d.action = 'PUBLISH');
UPDATE nodes SET audience_before = NULL WHERE audience_before IS NOT NULL;
ALTER TABLE items DROP COLUMN readers, DROP COLUMN public_at, DROP COLUMN members_at;
