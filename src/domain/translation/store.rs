//! The nodes that have something left to translate, and which texts of them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::sql_types::{Text, Uuid as SqlUuid};
use diesel::{Queryable, Selectable};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt;
use serde::Serialize;
use strum::{AsRefStr, EnumMessage, EnumString, VariantArray};
use uuid::Uuid;

use crate::db::column::Word;
use crate::db::coverage::TextColumn;
use crate::db::facets::{Dimension, Values};
use crate::db::listing::{self, Listed, Loaded, Selection};
use crate::db::page::{SortColumn, SortKey};
use crate::db::per_parent::PerParent;
use crate::db::schema::nodes;
use crate::db::statement::{Rows, Sql};
use crate::error::Fault;
use crate::policy::{NodeKind, Viewer};
use crate::text::language::{LanguageTag, Languages};
use crate::text::vocabulary::Vocabulary;

/// What is left to do with a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, AsRefStr, EnumString, EnumMessage, VariantArray)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum TranslationState {
    /// It is not there in the language.
    Missing,
    /// It is a translation of an original that has changed since.
    Stale,
}

impl Vocabulary for TranslationState {
    const NAME: &'static str = "TranslationState";
    const ABOUT: &'static str = "What is left to do with a text in a language.";
}

/// A node that has something left to translate.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = nodes, check_for_backend(Pg))]
pub struct WorkRow {
    /// The node.
    pub id: Uuid,
    /// Its kind.
    pub kind: Word<NodeKind>,
    /// When it came to the hub.
    pub created_at: DateTime<Utc>,
}

/// Nodes that have something left to translate, listed by the organization whose they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Works;

/// What a list of them hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WorksOf {
    /// The organization: itself, the communities and projects that it manages, their roles and items.
    Organization,
}

/// What they are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, AsRefStr)]
pub enum WorkOrder {
    /// When the node came to the hub.
    CreatedAt,
}

/// What a list of them is narrowed by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct WorkFilter {
    /// Those with something left in this language; null: all nodes.
    pub language: Option<LanguageTag>,
    /// Those with texts where this is left.
    pub states: Option<Vec<String>>,
    /// Those of one of these kinds.
    pub kinds: Option<Vec<String>>,
}

impl Listed for Works {
    type Row = WorkRow;
    type Filter = WorkFilter;
    type Order = WorkOrder;
    type Of = WorksOf;

    const TABLE: &'static str = "nodes";
    const ID: &'static str = "nodes.id";
    const TEXTS: &'static [TextColumn] = &[];

    fn condition(filter: &WorkFilter, _viewer: &Viewer) -> Sql {
        let mut sql = Sql::new("TRUE");
        if let Some(kinds) = &filter.kinds {
            sql = sql.and(Sql::new("nodes.kind = ANY (").texts(kinds.clone()).push(")"));
        }
        if let Some(language) = &filter.language {
            let mut gaps = Sql::new("EXISTS (SELECT 1 FROM translation_gaps(nodes.id, ")
                .text(language.as_str())
                .push(") g WHERE TRUE");
            if let Some(states) = &filter.states {
                gaps = gaps.and(Sql::new("g.state = ANY (").texts(states.clone()).push(")"));
            }
            sql = sql.and(gaps.push(")"));
        }
        sql
    }

    fn hangs_on(of: WorksOf, _viewer: &Viewer) -> Sql {
        match of {
            // SQL: by communities_managed_by and projects_managed_by; items by item_communities_community, roles by theirs.
            WorksOf::Organization => Sql::new(
                "nodes.id IN (SELECT parent.id UNION ALL SELECT p.id FROM projects p WHERE p.managed_by = parent.id \
                 UNION ALL SELECT r.id FROM roles r WHERE r.organization_id = parent.id \
                 UNION ALL SELECT c.id FROM communities c WHERE c.managed_by = parent.id \
                 UNION ALL SELECT r.id FROM communities c JOIN roles r ON r.community_id = c.id WHERE c.managed_by = parent.id \
                 UNION ALL SELECT i.item_id FROM communities c JOIN item_communities i ON i.community_id = c.id \
                 WHERE c.managed_by = parent.id)",
            ),
        }
    }

    fn columns(order: WorkOrder, _languages: &Languages) -> Vec<SortColumn> {
        match order {
            WorkOrder::CreatedAt => vec![SortColumn::time(Sql::new("nodes.created_at"))],
        }
    }

    fn keys(row: &WorkRow, order: WorkOrder, _languages: &Languages) -> Vec<SortKey> {
        match order {
            WorkOrder::CreatedAt => vec![SortKey::Time(row.created_at)],
        }
    }

    fn id(row: &WorkRow) -> Uuid {
        row.id
    }

    fn values(_by: Dimension, _viewer: &Viewer) -> Option<Values> {
        None
    }

    fn visible(viewer: &Viewer) -> Sql {
        listing::visible_to(viewer, "nodes.is_public", "nodes.audience")
    }

    fn load<'a>(rows: Rows<Selection<Self>>, conn: &'a mut AsyncPgConnection) -> Loaded<'a, WorkRow> {
        rows.load(conn).boxed()
    }

    fn load_per_parent<'a>(
        rows: PerParent<Rows<Selection<Self>>>,
        conn: &'a mut AsyncPgConnection,
    ) -> Loaded<'a, (Uuid, WorkRow)> {
        rows.load(conn).boxed()
    }
}

/// What is left to translate of nodes into a language, as far as the viewer sees them: fields by their paths, in their order.
pub async fn gaps(
    conn: &mut AsyncPgConnection,
    viewer: &Viewer,
    language: &LanguageTag,
    nodes: Vec<Uuid>,
) -> Result<HashMap<Uuid, Vec<(String, TranslationState)>>, Fault> {
    // SQL: nodes by primary key, their texts by the primary key of text_origins.
    let found: Vec<(Uuid, String, String)> =
        Sql::new("SELECT nodes.id, g.field, g.state FROM nodes CROSS JOIN LATERAL translation_gaps(nodes.id, ")
            .text(language.as_str())
            .push(") g WHERE nodes.id = ANY (")
            .uuids(nodes)
            .push(")")
            .and(Works::visible(viewer))
            .push(" ORDER BY g.field COLLATE \"C\"")
            .returning::<(SqlUuid, Text, Text)>()
            .load(conn)
            .await
            .map_err(|error| Fault::database("looking for what is left to translate", error))?;
    let mut gaps: HashMap<Uuid, Vec<(String, TranslationState)>> = HashMap::new();
    for (node, field, state) in found {
        let state = state.parse().map_err(|_| Fault::internal("looking for what is left to translate", &state))?;
        gaps.entry(node).or_default().push((field, state));
    }
    Ok(gaps)
}
