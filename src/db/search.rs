//! Search documents: what each node is found by, and the condition of a search.

use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::db::listing;
use crate::db::statement::Sql;
use crate::error::Fault;
use crate::policy::{NodeKind, Viewer};

/// Whether nodes of this kind are found by a search. What the others say is found at the nodes that they join.
pub fn is_searched(kind: NodeKind) -> bool {
    match kind {
        NodeKind::Topic
        | NodeKind::Organization
        | NodeKind::Community
        | NodeKind::Person
        | NodeKind::Project
        | NodeKind::Item => true,
        NodeKind::Role | NodeKind::Membership | NodeKind::Link => false,
    }
}

/// Writes anew what a node is found by. Owed after every write of its row and of what belongs to it.
pub async fn refresh(conn: &mut AsyncPgConnection, kind: NodeKind, node_id: Uuid) -> Result<(), Fault> {
    if !is_searched(kind) {
        return Ok(());
    }
    // SQL: the node by primary key in the one branch of the view that holds its kind.
    Sql::new("INSERT INTO search_documents AS kept (node_id, kind, audience, document) SELECT * FROM searchable WHERE node_id = ")
        .uuid(node_id)
        .push(" AND kind = ")
        .text(kind.as_ref())
        .push(
            " ON CONFLICT (node_id) DO UPDATE SET audience = excluded.audience, document = excluded.document \
             WHERE (kept.audience, kept.document) IS DISTINCT FROM (excluded.audience, excluded.document)",
        )
        .returning::<()>()
        .execute(conn)
        .await
        .map(|_| ())
        .map_err(|error| Fault::database("writing what a node is found by", error))
}

/// The condition that a node is found by a text, as the viewer's search finds it.
pub fn found(id: &'static str, text: &str, viewer: &Viewer) -> Sql {
    // SQL: the words by search_documents_document. What is searched for is worked out once, in a subquery: for each row
    // it takes a hundred times as long as the comparison, and few rows are gone through one by one.
    Sql::new(id)
        .push(" IN (SELECT d.node_id FROM search_documents d WHERE d.document @@ (SELECT search_query(")
        .text(text)
        .push(", ")
        .append(listing::atoms(viewer))
        .push(")))")
}
