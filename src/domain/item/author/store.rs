//! The rows of authors. A byline is as visible as its item, whoever may see the person.

use std::collections::HashMap;

use diesel::pg::Pg;
use diesel::{ExpressionMethods, Insertable, QueryDsl, Queryable, Selectable, SelectableHelper};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt;
use uuid::Uuid;

use crate::db::coverage::TextColumn;
use crate::db::facets::{Dimension, Values};
use crate::db::listing::{self, Listed, Loaded, Selection};
use crate::db::page::{SortColumn, SortKey};
use crate::db::per_parent::PerParent;
use crate::db::schema::item_authors;
use crate::db::statement::{Rows, Sql};
use crate::db::write::Tx;
use crate::error::Fault;
use crate::policy::Viewer;
use crate::text::language::Languages;

/// An author of an item.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = item_authors, check_for_backend(Pg))]
pub struct AuthorRow {
    /// The row; ids of an item ascend in the order of the byline.
    pub id: Uuid,
    /// The item.
    pub item_id: Uuid,
    /// The person; null: the hub does not know them.
    pub person_id: Option<Uuid>,
    /// The name as printed.
    pub byline: String,
}

/// Authors, listed by item in the order of the byline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Authors;

/// What a list of authors hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AuthorsOf {
    /// The item.
    Item,
}

/// What authors are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::AsRefStr)]
pub enum AuthorOrder {
    /// The order of the byline.
    Position,
}

/// Nothing narrows a list of authors.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, serde::Serialize)]
pub struct AuthorFilter;

impl Listed for Authors {
    type Row = AuthorRow;
    type Filter = AuthorFilter;
    type Order = AuthorOrder;
    type Of = AuthorsOf;

    const TABLE: &'static str = "item_authors";
    const ID: &'static str = "item_authors.id";
    const TEXTS: &'static [TextColumn] = &[];

    fn condition(AuthorFilter: &AuthorFilter, _viewer: &Viewer) -> Sql {
        Sql::new("TRUE")
    }

    fn hangs_on(of: AuthorsOf, _viewer: &Viewer) -> Sql {
        match of {
            AuthorsOf::Item => Sql::new("item_authors.item_id = parent.id"),
        }
    }

    fn columns(order: AuthorOrder, _languages: &Languages) -> Vec<SortColumn> {
        match order {
            // Ids ascend in the order of the byline.
            AuthorOrder::Position => Vec::new(),
        }
    }

    fn keys(_row: &AuthorRow, order: AuthorOrder, _languages: &Languages) -> Vec<SortKey> {
        match order {
            AuthorOrder::Position => Vec::new(),
        }
    }

    fn id(row: &AuthorRow) -> Uuid {
        row.id
    }

    fn values(_by: Dimension, _viewer: &Viewer) -> Option<Values> {
        None
    }

    fn visible(viewer: &Viewer) -> Sql {
        // SQL: the item by primary key.
        Sql::new("EXISTS (SELECT 1 FROM items WHERE items.id = item_authors.item_id")
            .and(listing::visible_to(viewer, "items.is_public", "items.audience"))
            .push(")")
    }

    fn load<'a>(rows: Rows<Selection<Self>>, conn: &'a mut AsyncPgConnection) -> Loaded<'a, AuthorRow> {
        rows.load(conn).boxed()
    }

    fn load_per_parent<'a>(
        rows: PerParent<Rows<Selection<Self>>>,
        conn: &'a mut AsyncPgConnection,
    ) -> Loaded<'a, (Uuid, AuthorRow)> {
        rows.load(conn).boxed()
    }
}

/// Puts these authors in the place of an item's authors.
pub async fn replace(tx: &mut Tx, item_id: Uuid, authors: Vec<(String, Option<Uuid>)>) -> Result<(), Fault> {
    let doing = |error: diesel::result::Error| Fault::database("writing authors", error);
    let old = item_authors::table.filter(item_authors::item_id.eq(item_id));
    diesel::delete(old).execute(tx.conn()).await.map_err(doing)?;
    let mut rows = Vec::new();
    for (byline, person_id) in authors {
        rows.push(AuthorRow { id: tx.new_id(), item_id, person_id, byline });
    }
    diesel::insert_into(item_authors::table).values(rows).execute(tx.conn()).await.map(|_| ()).map_err(doing)
}

/// The authors of many items, for the hub itself: comparing and exporting.
pub async fn of_items(
    conn: &mut AsyncPgConnection,
    viewer: &Viewer,
    items: Vec<Uuid>,
) -> Result<HashMap<Uuid, Vec<AuthorRow>>, Fault> {
    let rows = Rows {
        selection: AuthorRow::as_select(),
        table: Authors::TABLE,
        condition: Authors::visible(viewer).and(Sql::new("item_authors.item_id = ANY (").uuids(items).push(")")),
        order: Sql::new(" ORDER BY item_authors.id"),
    };
    let found: Vec<AuthorRow> = rows.load(conn).await.map_err(|error| Fault::database("reading authors", error))?;
    let mut grouped: HashMap<Uuid, Vec<AuthorRow>> = HashMap::new();
    for row in found {
        grouped.entry(row.item_id).or_default().push(row);
    }
    Ok(grouped)
}
