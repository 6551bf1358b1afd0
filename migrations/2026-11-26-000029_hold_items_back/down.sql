ALTER TABLE due ADD COLUMN audience text[];
UPDATE due SET audience = (SELECT coalesce(i.readers, '{public}') FROM items i WHERE i.id = due.node_id) WHERE action = 'PUBLISH';
ALTER TABLE items DROP COLUMN readers, DROP COLUMN public_at, DROP COLUMN members_at;
