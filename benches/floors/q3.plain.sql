SELECT json_build_object('items', (
  SELECT json_build_object('nodes', coalesce(json_agg(j ORDER BY rn) FILTER (WHERE rn <= 50), '[]'),
    'pageInfo', json_build_object('hasNextPage', count(*) > 50, 'endCursor', max(cursor) FILTER (WHERE rn = 50)))
  FROM (
    SELECT row_number() OVER () AS rn, k.ordered_at::text || ',' || k.id AS cursor,
      (SELECT row_to_json(x) FROM (SELECT k.id, coalesce(k.title ->> 'en', k.title ->> 'fr') AS title, k.kind,
        coalesce(k.summary ->> 'en', k.summary ->> 'fr') AS summary, k.published_at AS "publishedAt",
        json_build_object('nodes', (SELECT coalesce(json_agg(row_to_json(c)), '[]') FROM (
          SELECT c.id, coalesce(c.name ->> 'en', c.name ->> 'fr') AS "displayName",
            json_build_object('nodes', (SELECT coalesce(json_agg(row_to_json(o)), '[]') FROM (
              SELECT coalesce(o.name ->> 'en', o.name ->> 'fr') AS name FROM organizations o
              WHERE o.is_public AND o.id IN (
                SELECT l.to_id FROM links l WHERE l.from_id = c.id AND l.is_public
                UNION ALL SELECT l.from_id FROM links l WHERE l.to_id = c.id AND l.is_public)
              ORDER BY coalesce(o.name ->> 'en', o.name ->> 'fr') COLLATE "und-x-icu", o.id LIMIT 1) o)) AS organizations
          FROM item_communities ic JOIN communities c ON c.id = ic.community_id WHERE ic.item_id = k.id AND c.is_public
          ORDER BY coalesce(c.name ->> 'en', c.name ->> 'fr') COLLATE "und-x-icu", c.id LIMIT 1) c)) AS communities,
        json_build_object('nodes', (SELECT coalesce(json_agg(row_to_json(a)), '[]') FROM (
          SELECT a.byline, (SELECT row_to_json(p) FROM (SELECT p.id, p.name FROM people p WHERE p.id = a.person_id AND p.is_public) p) AS person
          FROM item_authors a WHERE a.item_id = k.id ORDER BY a.id LIMIT 20) a)) AS authors) x) AS j
    FROM (SELECT * FROM items i WHERE i.is_public AND i.content_languages && ARRAY['{language}']
      AND (i.ordered_at, i.id) < ('{time}'::timestamptz, '{id}'::uuid) ORDER BY i.ordered_at DESC, i.id DESC LIMIT 51) k
  ) i));
