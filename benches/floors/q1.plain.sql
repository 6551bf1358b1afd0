SELECT json_build_object('node', (
  SELECT json_build_object('name', coalesce(o.name ->> 'en', o.name ->> 'fr'), 'communities', json_build_object('nodes', (
    SELECT coalesce(json_agg(row_to_json(c)), '[]') FROM (
      SELECT c.id, coalesce(c.name ->> 'en', c.name ->> 'fr') AS "displayName",
        json_build_object('nodes', (SELECT coalesce(json_agg(row_to_json(t)), '[]') FROM (
          SELECT coalesce(t.name ->> 'en', t.name ->> 'fr') AS name FROM community_topics ct JOIN topics t ON t.id = ct.topic_id
          WHERE ct.community_id = c.id AND t.is_public ORDER BY coalesce(t.name ->> 'en', t.name ->> 'fr') COLLATE "und-x-icu", t.id LIMIT 3) t)) AS topics,
        json_build_object('value', (SELECT CASE WHEN count(*) BETWEEN 1 AND 4 THEN NULL ELSE count(*) END FROM memberships m WHERE m.community_id = c.id AND m.status = 'ACTIVE')) AS "activeMemberCount",
        json_build_object('nodes', (SELECT coalesce(json_agg(row_to_json(r)), '[]') FROM (
          SELECT (SELECT row_to_json(p) FROM (SELECT p.name FROM people p WHERE p.id = r.person_id AND p.is_public) p) AS person
          FROM roles r WHERE r.community_id = c.id AND r.kind = 'LEADER' AND r.is_public
          ORDER BY r.since_earliest, r.since_latest, r.id LIMIT 1) r)) AS roles
      FROM communities c
      WHERE c.is_public AND c.id IN (
        SELECT l.to_id FROM links l WHERE l.from_id = o.id AND l.is_public
        UNION ALL SELECT l.from_id FROM links l WHERE l.to_id = o.id AND l.is_public)
      ORDER BY coalesce(c.name ->> 'en', c.name ->> 'fr') COLLATE "und-x-icu", c.id LIMIT 20) c)))
  FROM organizations o WHERE o.id = '{id}' AND o.is_public));
