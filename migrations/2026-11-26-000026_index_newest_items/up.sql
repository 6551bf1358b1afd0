-- The newest items as those see them who see more than everybody: the partial index is for anonymous readers alone.
CREATE INDEX CONCURRENTLY items_newest ON items (ordered_at, id);
