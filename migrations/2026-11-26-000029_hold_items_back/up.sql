-- From when the members of its communities see an item, and from when those it is for; null: from its publication.
ALTER TABLE items ADD COLUMN members_at timestamptz, ADD COLUMN public_at timestamptz,
  ADD CHECK (members_at < public_at),
  -- Whom it is for once it is out; null: everybody. The audience says who sees it now.
  ADD COLUMN readers text[];
UPDATE items SET readers = nullif(
    coalesce((SELECT d.audience FROM due d WHERE d.node_id = items.id AND d.action = 'PUBLISH'), audience), '{public}'
  ) WHERE status = 'PUBLISHED' AND NOT retired AND audience IS DISTINCT FROM '{public}';
-- What is not out is seen by those who make it.
UPDATE items SET audience = ARRAY(
    SELECT 'coordinator:' || c.community_id AS atom FROM item_communities c WHERE c.item_id = items.id
    UNION SELECT 'self:' || a.person_id FROM item_authors a WHERE a.item_id = items.id AND a.person_id IS NOT NULL
    ORDER BY atom
  )
  WHERE NOT retired AND (
    status = 'DRAFT' OR EXISTS (SELECT 1 FROM due d WHERE d.node_id = items.id AND d.action = 'PUBLISH')
  );
UPDATE nodes SET audience_before = NULL WHERE audience_before IS NOT NULL;
-- Audiences to come follow from the item's own row.
ALTER TABLE due DROP COLUMN audience;
