-- Rights end at a time of their own, as what nodes show does.
ALTER TABLE due ALTER COLUMN node_id DROP NOT NULL;
ALTER TABLE due ADD COLUMN grant_id uuid UNIQUE REFERENCES grants (id) ON DELETE CASCADE;
ALTER TABLE due ADD CHECK (num_nonnulls(node_id, grant_id) = 1);

-- What changed of an account's rights is told in the log too, to those who follow as that account: kind VIEWER, the account as
-- the node, the atoms that it lost as the audience before, those that it gained as the audience after.
COMMENT ON TABLE changes IS 'What happened, in the order in which it became visible. Kind VIEWER: to the rights of an account.';
