-- From when the members of its communities see an item, and from when those it is for; null: from its publication.
ALTER TABLE items ADD COLUMN members_at timestamptz, ADD COLUMN public_at timestamptz,
  ADD CHECK (members_at < public_at),
  -- Whom it is for once it is out; null: everybody. The audience says who sees it now.
  ADD COLUMN readers text[];
UPDATE items SET readers = coalesce((SELECT d.audience FROM due d WHERE d.node_id = items.id AND d.action = 'PUBLISH'), audience)
  WHERE status = 'PUBLISHED' AND NOT retired AND audience IS DISTINCT FROM '{public}';
-- Audiences to come follow from the item's own row.
ALTER TABLE due DROP COLUMN audience;
