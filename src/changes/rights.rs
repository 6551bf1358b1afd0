//! What somebody is told when their own rights change: what they no longer see, what they see now, and which fields of
//! people came or went.
//!
//! One entry of the log says what an account lost and gained; for whoever follows as that account it stands for all nodes
//! that this shows or hides. They are told in the order of their ids, some at a time, and a cursor may lie within the entry.

use std::sync::Arc;

use diesel::sql_types::{Array, Bool, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::changes::Told;
use crate::db::listing::visible_to;
use crate::db::log::{Audiences, ChangeAction, Entry};
use crate::db::statement::Sql;
use crate::error::Fault;
use crate::policy::{Identity, NodeKind, Viewer};

/// The viewer as they were when the log stood at a position: by the atoms that the account has now, and all that it lost
/// and gained since. Of one snapshot.
pub async fn as_of(conn: &mut AsyncPgConnection, identity: &Identity, position: i64) -> Result<Viewer, Fault> {
    type Row = (Vec<String>, Option<Vec<String>>, Option<Vec<String>>);
    // SQL: the account by primary key, its entries by changes_viewer, the last first.
    let rows: Vec<Row> = Sql::new("SELECT a.atoms, c.audience_before, c.audience_after FROM accounts a LEFT JOIN changes c ON c.kind = 'VIEWER' AND c.node_id = a.id AND c.position > ")
        .text(position.to_string())
        .push("::bigint WHERE a.id = ")
        .uuid(identity.account())
        .push(" ORDER BY c.position DESC")
        .returning::<(Array<Text>, Nullable<Array<Text>>, Nullable<Array<Text>>)>()
        .load(conn)
        .await
        .map_err(|error| Fault::database("looking up rights", error))?;
    let mut atoms: Vec<String> = rows.as_slice().first().map(|(atoms, ..)| atoms.clone()).unwrap_or_default();
    for (_, lost, gained) in rows {
        let gained = gained.unwrap_or_default();
        atoms.retain(|atom| !gained.contains(atom));
        atoms.extend(lost.unwrap_or_default());
    }
    atoms.sort();
    atoms.dedup();
    Ok(Viewer::Known(Box::new(identity.clone().with_atoms(atoms))))
}

/// The viewer after an entry of their own account; null: the entry is of somebody else, or of a node.
pub fn after(viewer: &Viewer, entry: &Entry) -> Option<Viewer> {
    let identity = viewer.identity().filter(|it| entry.kind.is_none() && it.account() == entry.node_id)?;
    Some(Viewer::Known(Box::new(identity.turned(&entry.audiences.before, &entry.audiences.after))))
}

/// What the entry stands for, for a viewer as they were before and are after it: the nodes after one of them, in the order
/// of their ids, so many at the most. Of what they do not see by now (`present`) nothing is told but that it was there.
pub async fn expand(
    conn: &mut AsyncPgConnection,
    (before, after, present): (&Viewer, &Viewer, &Viewer),
    entry: &Entry,
    within: Uuid,
    limit: usize,
) -> Result<Vec<Told>, Fault> {
    type Row = (Uuid, String, bool, bool, Vec<String>, Vec<Uuid>, Vec<Uuid>, Vec<String>, bool);
    let sees =
        |viewer: &Viewer, is_public, audience| Sql::new("(").append(visible_to(viewer, is_public, audience)).push(")");
    let (moved, concerned) = match (before.atoms(), after.atoms()) {
        // Of those who see everything, or did, nothing narrows what is looked at.
        (None, _) | (_, None) => (Sql::new("TRUE"), Sql::new("TRUE")),
        (Some(had), Some(has)) => {
            let turned: Vec<String> = had
                .iter()
                .filter(|atom| !has.contains(atom))
                .chain(has.iter().filter(|atom| !had.contains(atom)))
                .cloned()
                .collect();
            let communities: Vec<Uuid> =
                turned.iter().filter_map(|atom| atom.split_once(':')?.1.parse().ok()).collect();
            let people = Sql::new("p.id IN (SELECT m.person_id FROM memberships m WHERE m.community_id = ANY (")
                .uuids(communities.clone())
                .push(") UNION SELECT r.person_id FROM roles r WHERE r.community_id = ANY (")
                .uuids(communities.clone())
                .push(") UNION SELECT unnest(")
                .uuids(communities)
                .push("))");
            (Sql::new("n.audience && ").texts(turned), people)
        }
    };
    let field_seen = |viewer: &Viewer| match viewer.atoms() {
        None => Sql::new("TRUE"),
        Some(atoms) => Sql::new("(f.value ?| ").texts(atoms).push(")"),
    };
    // What it was then: as the node is now, unless the log tells what came between.
    // SQL: the log's primary key from there on; what is restricted by nodes_restricted; people whose name is seen before and
    // after by their memberships and roles; what routes each of the page by primary keys.
    let sql = Sql::new("WITH later AS MATERIALIZED (SELECT DISTINCT ON (c.node_id) c.node_id, c.kind, c.audience_before FROM changes c WHERE c.kind <> 'VIEWER' AND (c.kind <> 'PERSON' OR c.fields && '{name,audience}') AND c.position > ")
        .text(entry.position.to_string())
        .push("::bigint ORDER BY c.node_id, c.position) SELECT t.id, t.kind, t.had, t.has, t.fields, ARRAY(SELECT community_id FROM item_communities WHERE item_id = t.id UNION SELECT community_id FROM memberships WHERE id = t.id UNION SELECT community_id FROM roles WHERE id = t.id AND community_id IS NOT NULL UNION SELECT community_id FROM project_communities WHERE project_id = t.id), ARRAY(SELECT topic_id FROM item_topics WHERE item_id = t.id UNION SELECT topic_id FROM community_topics WHERE community_id = t.id), ARRAY(SELECT DISTINCT language FROM text_origins WHERE node_id = t.id ORDER BY 1), EXISTS (SELECT 1 FROM nodes now WHERE now.id = t.id AND ")
        .append(sees(present, "now.is_public", "now.audience"))
        .push(") FROM (SELECT n.id, n.kind, ")
        .append(sees(before, "n.is_public", "n.audience"))
        .push(" AS had, ")
        .append(sees(after, "n.is_public", "n.audience"))
        .push(" AS has, '{}'::text[] AS fields FROM nodes n WHERE NOT n.is_public AND NOT EXISTS (SELECT 1 FROM later l WHERE l.node_id = n.id)")
        .and(moved)
        .push(" UNION ALL SELECT l.node_id, l.kind, ")
        .append(sees(before, "'public' = ANY (l.audience_before)", "l.audience_before"))
        .push(", ")
        .append(sees(after, "'public' = ANY (l.audience_before)", "l.audience_before"))
        .push(", '{}' FROM later l UNION ALL SELECT p.id, 'PERSON', TRUE, TRUE, ARRAY(SELECT f.key FROM jsonb_each(p.field_audiences) AS f WHERE ")
        .append(field_seen(before))
        .push(" <> ")
        .append(field_seen(after))
        .push(" AND (")
        .append(field_seen(before))
        .push(" OR ")
        .append(field_seen(present))
        .push(") ORDER BY f.key) FROM people p WHERE ")
        .append(sees(before, "p.is_public", "p.audience"))
        .and(sees(after, "p.is_public", "p.audience"))
        .and(concerned)
        .push(") AS t WHERE (t.had <> t.has OR t.fields <> '{}') AND t.id > ")
        .uuid(within)
        .push(" ORDER BY t.id")
        .limit(i64::try_from(limit).unwrap_or(i64::MAX));
    let rows: Vec<Row> = sql
        .returning::<(SqlUuid, Text, Bool, Bool, Array<Text>, Array<SqlUuid>, Array<SqlUuid>, Array<Text>, Bool)>()
        .load(conn)
        .await
        .map_err(|error| Fault::database("looking for what a change of rights shows and hides", error))?;
    let told = rows.into_iter().filter_map(|(id, kind, had, has, fields, communities, topics, languages, is_seen)| {
        let kind: NodeKind = kind.parse().ok()?;
        let action = match (had, has) {
            (true, false) => ChangeAction::Removed,
            (false, true) => ChangeAction::Released,
            (true, true) | (false, false) => ChangeAction::Updated,
        };
        let fields = if action == ChangeAction::Updated {
            fields.iter().map(|field| name_of(field)).collect()
        } else {
            vec!["audience".to_owned()]
        };
        let entry = Entry {
            action,
            kind: Some(kind),
            node_id: id,
            fields,
            communities: if is_seen { communities } else { Vec::new() },
            topics: if is_seen { topics } else { Vec::new() },
            languages: if is_seen { languages } else { Vec::new() },
            audiences: Audiences::default(),
            ..entry.clone()
        };
        Some(Told { action, kind, entry: Arc::new(entry), within: id })
    });
    Ok(told.collect())
}

/// A field of a person as the contract names it: HOME_ORGANIZATION is homeOrganization. Twin of `PersonField::name`.
pub fn name_of(field: &str) -> String {
    let mut name = String::new();
    for (index, word) in field.split('_').enumerate() {
        let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
        name.push_str(&if index == 0 { first.to_lowercase() } else { first.to_owned() });
        name.push_str(&rest.to_lowercase());
    }
    name
}
