//! Slugs and their history: an old slug keeps leading to its node.

use diesel::sql_types::Uuid as SqlUuid;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::db::statement::Sql;
use crate::error::Fault;
use crate::policy::NodeKind;
use crate::text::messages::Message;

/// Refuses a slug that another node of the kind has, or had once.
pub async fn require_free(
    conn: &mut AsyncPgConnection,
    kind: NodeKind,
    node_id: Uuid,
    slug: &str,
) -> Result<(), Fault> {
    // SQL: by primary key.
    let others: Vec<Uuid> = Sql::new("SELECT node_id FROM slugs WHERE kind = ")
        .text(kind.as_ref())
        .push(" AND slug = ")
        .text(slug)
        .push(" AND node_id <> ")
        .uuid(node_id)
        .returning::<SqlUuid>()
        .load(conn)
        .await
        .map_err(|error| Fault::database("looking up a slug", error))?;
    if others.is_empty() {
        return Ok(());
    }
    Err(Fault::bad_input(Message::new("slug-taken").with("slug", slug)).of_field("slug"))
}

/// Remembers for ever that a slug leads to a node. The answer is whether that is new.
pub async fn keep(conn: &mut AsyncPgConnection, kind: NodeKind, node_id: Uuid, slug: &str) -> Result<bool, Fault> {
    // SQL: by primary key.
    Sql::new("INSERT INTO slugs (kind, slug, node_id) VALUES (")
        .text(kind.as_ref())
        .push(", ")
        .text(slug)
        .push(", ")
        .uuid(node_id)
        .push(") ON CONFLICT DO NOTHING")
        .returning::<()>()
        .execute(conn)
        .await
        .map(|rows| rows > 0)
        .map_err(|error| Fault::database("keeping a slug", error))
}
