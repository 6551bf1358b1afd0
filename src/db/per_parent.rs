//! "The first n children of each parent" as one statement.
//!
//! ```sql
//! SELECT parent.id, child.* FROM unnest((SELECT $1)) AS parent(id) CROSS JOIN LATERAL (<rows>) AS child
//! ```
//!
//! The rows' condition speaks of `parent.id`. A LATERAL subquery with a LIMIT cannot be flattened, so it runs once
//! per parent, and the nested loop hands its rows on in their order.

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types;
use uuid::Uuid;

/// Rows for each of many parents; every result starts with the parent's id.
#[derive(Clone, Debug)]
pub struct PerParent<Q> {
    /// The parents' ids.
    pub parents: Vec<Uuid>,
    /// What is selected for each parent.
    pub query: Q,
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for PerParent<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        // The planner is not told how many they are, for the reason that `Sql::keys` gives.
        out.push_sql("SELECT parent.id, child.* FROM unnest((SELECT ");
        out.push_bind_param::<sql_types::Array<sql_types::Uuid>, _>(&self.parents)?;
        out.push_sql(")) AS parent(id) CROSS JOIN LATERAL (");
        self.query.walk_ast(out.reborrow())?;
        out.push_sql(") AS child");
        Ok(())
    }
}

impl<Q> QueryId for PerParent<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for PerParent<Q> {
    type SqlType = (sql_types::Uuid, Q::SqlType);
}
