-- The texts of a node that no reader of a language is served in it (fr-CA does for fr), or only as a translation of an original
-- that has changed since.
CREATE FUNCTION translation_gaps(node uuid, tag text) RETURNS TABLE (field text, state text)
LANGUAGE sql STABLE STRICT PARALLEL SAFE ROWS 10 AS $$
  SELECT t.field, CASE WHEN count(*) FILTER (WHERE split_part(t.language, '-', 1) = split_part(tag, '-', 1)) = 0
    THEN 'MISSING' ELSE 'STALE' END
  FROM text_origins t
  LEFT JOIN text_origins o ON o.node_id = t.node_id AND o.field = t.field AND o.origin = 'ORIGINAL'
  WHERE t.node_id = node
  GROUP BY t.field
  HAVING count(*) FILTER (WHERE split_part(t.language, '-', 1) = split_part(tag, '-', 1)
    AND (t.origin = 'ORIGINAL' OR t.original_hash IS NOT DISTINCT FROM o.original_hash)) = 0
$$;
