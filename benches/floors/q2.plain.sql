SELECT json_build_object('nodes', (SELECT coalesce(json_agg(row_to_json(c)), '[]') FROM (
  SELECT c.id, coalesce(c.name ->> 'en', c.name ->> 'fr') AS "displayName",
    json_build_object('nodes', (SELECT coalesce(json_agg(row_to_json(o)), '[]') FROM (
      SELECT o.id, coalesce(o.name ->> 'en', o.name ->> 'fr') AS name FROM organizations o
      WHERE o.is_public AND o.id IN (
        SELECT l.to_id FROM links l WHERE l.from_id = c.id AND l.is_public
        UNION ALL SELECT l.from_id FROM links l WHERE l.to_id = c.id AND l.is_public)
      ORDER BY coalesce(o.name ->> 'en', o.name ->> 'fr') COLLATE "und-x-icu", o.id LIMIT 5) o)) AS organizations,
    json_build_object('nodes', (SELECT coalesce(json_agg(row_to_json(m)), '[]') FROM (
      SELECT m.status, (SELECT row_to_json(p) FROM (
          SELECT p.id, p.name, (SELECT row_to_json(h) FROM (
            SELECT coalesce(o.name ->> 'en', o.name ->> 'fr') AS name FROM affiliations a JOIN organizations o ON o.id = a.organization_id
            WHERE a.person_id = p.id AND a.is_home AND o.is_public AND p.field_audiences -> 'HOME_ORGANIZATION' ? 'public') h) AS "homeOrganization"
          FROM people p WHERE p.id = m.person_id AND p.is_public) p) AS person
      FROM memberships m WHERE m.community_id = c.id AND m.is_public AND m.status = 'ACTIVE'
      ORDER BY m.since_earliest, m.since_latest, m.id LIMIT 10) m)) AS memberships,
    json_build_object('nodes', (SELECT coalesce(json_agg(row_to_json(i)), '[]') FROM (
      SELECT i.id, coalesce(i.title ->> 'en', i.title ->> 'fr') AS title, i.kind, i.published_at AS "publishedAt",
        json_build_object('nodes', (SELECT coalesce(json_agg(row_to_json(a)), '[]') FROM (
          SELECT a.byline, (SELECT row_to_json(p) FROM (SELECT p.id, p.name FROM people p WHERE p.id = a.person_id AND p.is_public) p) AS person
          FROM item_authors a WHERE a.item_id = i.id ORDER BY a.id LIMIT 5) a)) AS authors,
        (SELECT row_to_json(p) FROM (SELECT p.id, coalesce(p.title ->> 'en', p.title ->> 'fr') AS title FROM projects p
          WHERE p.id = i.project_id AND p.is_public) p) AS project,
        json_build_object('nodes', (SELECT coalesce(json_agg(row_to_json(t)), '[]') FROM (
          SELECT coalesce(t.name ->> 'en', t.name ->> 'fr') AS name FROM item_topics it JOIN topics t ON t.id = it.topic_id
          WHERE it.item_id = i.id AND t.is_public ORDER BY coalesce(t.name ->> 'en', t.name ->> 'fr') COLLATE "und-x-icu", t.id LIMIT 20) t)) AS topics
      FROM items i
      WHERE i.is_public AND i.id IN (SELECT ic.item_id FROM item_communities ic WHERE ic.community_id = c.id)
      ORDER BY i.ordered_at DESC, i.id DESC LIMIT 10) i)) AS items
  FROM unnest('{ids}'::uuid[]) WITH ORDINALITY AS asked (id, place) JOIN communities c ON c.id = asked.id AND c.is_public ORDER BY asked.place) c));
