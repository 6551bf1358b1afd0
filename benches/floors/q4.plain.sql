SELECT json_build_object('node', (SELECT row_to_json(x) FROM (
  SELECT i.id, coalesce(i.title ->> 'en', i.title ->> 'fr') AS title, coalesce(i.summary ->> 'en', i.summary ->> 'fr') AS summary,
    i.kind, i.content_languages AS "contentLanguages", i.status, i.published_at AS "publishedAt",
    json_build_object('nodes', (SELECT coalesce(json_agg(row_to_json(c)), '[]') FROM (
      SELECT c.id, coalesce(c.name ->> 'en', c.name ->> 'fr') AS "displayName"
      FROM item_communities ic JOIN communities c ON c.id = ic.community_id WHERE ic.item_id = i.id AND c.is_public
      ORDER BY coalesce(c.name ->> 'en', c.name ->> 'fr') COLLATE "und-x-icu", c.id LIMIT 1) c)) AS communities,
    (SELECT row_to_json(p) FROM (SELECT p.id, coalesce(p.title ->> 'en', p.title ->> 'fr') AS title, p.status FROM projects p
      WHERE p.id = i.project_id AND p.is_public) p) AS project,
    json_build_object('nodes', (SELECT coalesce(json_agg(row_to_json(a)), '[]') FROM (
      SELECT a.byline, (SELECT row_to_json(p) FROM (
          SELECT p.id, p.name, (SELECT row_to_json(h) FROM (
            SELECT coalesce(o.name ->> 'en', o.name ->> 'fr') AS name FROM affiliations f JOIN organizations o ON o.id = f.organization_id
            WHERE f.person_id = p.id AND f.is_home AND o.is_public AND p.field_audiences -> 'HOME_ORGANIZATION' ? 'public') h) AS "homeOrganization"
          FROM people p WHERE p.id = a.person_id AND p.is_public) p) AS person
      FROM item_authors a WHERE a.item_id = i.id ORDER BY a.id LIMIT 20) a)) AS authors
  FROM items i WHERE i.id = '{id}' AND i.is_public) x));
