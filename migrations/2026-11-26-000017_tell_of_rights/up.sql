-- Rights end at a time of their own, as what nodes show does.
ALTER TABLE due ALTER COLUMN node_id DROP NOT NULL;
ALTER TABLE due ADD COLUMN grant_id uuid UNIQUE REFERENCES grants (id) ON DELETE CASCADE;
ALTER TABLE due ADD CHECK (num_nonnulls(node_id, grant_id) = 1);

-- What changed of an account's rights, for those who follow as that account: kind VIEWER, the account as the node, the
-- atoms that it lost as the audience before, those that it gained as the audience after.
CREATE INDEX changes_viewer ON changes (node_id, position) WHERE kind = 'VIEWER';

-- What an account that loses or gains a right loses or gains sight of.
CREATE INDEX nodes_restricted ON nodes USING gin (audience) WHERE NOT is_public;
