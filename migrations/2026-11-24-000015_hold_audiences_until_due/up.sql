-- Whom a node will be for when its time comes; null: that follows from other rows.
ALTER TABLE due ADD COLUMN audience text[];
