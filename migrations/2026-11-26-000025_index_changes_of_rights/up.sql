-- What an account lost and gained since a place in the log.
CREATE INDEX CONCURRENTLY changes_viewer ON changes (node_id, position) WHERE kind = 'VIEWER';
