//! Who may write a node, besides the hub's administrators: those who run what it belongs to, and its authors.

use diesel::sql_types::{Array, Nullable, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::db::statement::Sql;
use crate::error::Fault;
use crate::policy::{NodeKind, On, Owners};

/// Who may write a node as it stands in the database. As many statements whether it is there or not.
pub async fn of(conn: &mut AsyncPgConnection, kind: NodeKind, id: Uuid) -> Result<Owners, Fault> {
    let belongs_to = match kind {
        NodeKind::Organization | NodeKind::Community | NodeKind::Project | NodeKind::Item => vec![id],
        // The vocabulary and people belong to nobody but the hub.
        NodeKind::Topic | NodeKind::Person => return Ok(Owners::default()),
        // SQL: by primary key.
        NodeKind::Membership => {
            pair(conn, Sql::new("SELECT community_id, NULL::uuid FROM memberships WHERE id = "), id).await?
        }
        // SQL: by primary key.
        NodeKind::Role => {
            pair(conn, Sql::new("SELECT community_id, organization_id FROM roles WHERE id = "), id).await?
        }
        // SQL: by primary key.
        NodeKind::Link => pair(conn, Sql::new("SELECT from_id, to_id FROM links WHERE id = "), id).await?,
    };
    of_any(conn, belongs_to).await
}

/// Who may write what belongs to any of these organizations, communities, projects and items: whoever runs one of them, or
/// what manages it; the coordinators of the communities of an item, and its authors.
pub async fn of_any(conn: &mut AsyncPgConnection, nodes: Vec<Uuid>) -> Result<Owners, Fault> {
    type Row = (Vec<Uuid>, Vec<Uuid>, Vec<Uuid>);
    // SQL: all by primary key or its prefix, authors by item_authors_item.
    let found: Vec<Row> = Sql::new("WITH given AS (SELECT unnest(")
        .uuids(nodes)
        .push(
            ") AS id), belongs AS (SELECT c.id, c.managed_by FROM communities c WHERE c.id IN (SELECT id FROM given \
             UNION SELECT i.community_id FROM item_communities i JOIN given g ON g.id = i.item_id)) \
             SELECT ARRAY(SELECT id FROM belongs), ARRAY(SELECT o.id FROM organizations o JOIN given g ON g.id = o.id \
             UNION SELECT p.managed_by FROM projects p JOIN given g ON g.id = p.id WHERE p.managed_by IS NOT NULL \
             UNION SELECT managed_by FROM belongs WHERE managed_by IS NOT NULL), \
             ARRAY(SELECT a.person_id FROM item_authors a JOIN given g ON g.id = a.item_id WHERE a.person_id IS NOT NULL)",
        )
        .returning::<(Array<SqlUuid>, Array<SqlUuid>, Array<SqlUuid>)>()
        .load(conn)
        .await
        .map_err(doing)?;
    let (communities, organizations, authors) = found.into_iter().next().unwrap_or_default();
    let communities = communities.into_iter().map(On::Community);
    let places = communities.chain(organizations.into_iter().map(On::Organization)).collect();
    Ok(Owners { places, authors })
}

async fn pair(conn: &mut AsyncPgConnection, sql: Sql, id: Uuid) -> Result<Vec<Uuid>, Fault> {
    let found: Vec<(Option<Uuid>, Option<Uuid>)> =
        sql.uuid(id).returning::<(Nullable<SqlUuid>, Nullable<SqlUuid>)>().load(conn).await.map_err(doing)?;
    let (one, other) = found.into_iter().next().unwrap_or_default();
    Ok(one.into_iter().chain(other).collect())
}

fn doing(error: diesel::result::Error) -> Fault {
    Fault::database("looking for who may write a node", error)
}
