SELECT json_build_object('search', json_build_object('nodes', coalesce(json_agg(row_to_json(x)), '[]')))
FROM (
  SELECT i.id, coalesce(i.title ->> 'en', i.title ->> 'fr') AS title, i.kind, i.published_at AS "publishedAt",
    json_build_object('nodes', (SELECT coalesce(json_agg(row_to_json(c)), '[]') FROM (
      SELECT c.id, coalesce(c.name ->> 'en', c.name ->> 'fr') AS "displayName"
      FROM item_communities ic JOIN communities c ON c.id = ic.community_id WHERE ic.item_id = i.id AND c.is_public
      ORDER BY coalesce(c.name ->> 'en', c.name ->> 'fr') COLLATE "und-x-icu", c.id LIMIT 1) c)) AS communities
  FROM (
    SELECT d.node_id, (ts_rank(d.document, q.query) * 1000000)::integer AS rank
    FROM search_query('{text}', '{public}') AS q (query), search_documents d
    WHERE d.document @@ q.query AND d.kind = 'ITEM' AND d.is_public ORDER BY 2 DESC, 1 DESC LIMIT 20
  ) AS found JOIN items i ON i.id = found.node_id AND i.is_public ORDER BY found.rank DESC, found.node_id DESC
) x;
