//! The rows of accounts.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::{Queryable, Selectable};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt;
use uuid::Uuid;

use crate::db::coverage::TextColumn;
use crate::db::facets::{Dimension, Values};
use crate::db::listing::{Listed, Loaded, Selection};
use crate::db::page::{SortColumn, SortKey};
use crate::db::per_parent::PerParent;
use crate::db::schema::accounts;
use crate::db::statement::{Rows, Sql};
use crate::policy::Viewer;
use crate::text::language::Languages;

/// Who acts on the hub.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = accounts, check_for_backend(Pg))]
pub struct AccountRow {
    /// The row.
    pub id: Uuid,
    /// Who vouches for them; null: it is a service.
    pub issuer: Option<String>,
    /// What they are called there; null: it is a service.
    pub subject: Option<String>,
    /// The name of a service; null: it is somebody who signs in.
    pub service_name: Option<String>,
    /// Whose data are its own; null: nobody's, or not yet.
    pub person_id: Option<Uuid>,
    /// What it told the administrators of who it is; null: nothing.
    pub link_note: Option<String>,
    /// When it asked to be linked; null: it does not ask.
    pub link_asked_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// Accounts, in the order in which they were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Accounts;

/// What a list of accounts hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccountsOf {
    /// The person whose accounts they are.
    Person,
}

/// What accounts are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::AsRefStr)]
pub enum AccountOrder {
    /// When they were made.
    Made,
}

/// What a list of accounts is narrowed by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, serde::Serialize)]
pub struct AccountFilter {
    /// Those that ask to be linked to a person, or do not.
    pub asks: Option<bool>,
}

impl Listed for Accounts {
    type Row = AccountRow;
    type Filter = AccountFilter;
    type Order = AccountOrder;
    type Of = AccountsOf;

    const TABLE: &'static str = "accounts";
    const ID: &'static str = "accounts.id";
    const TEXTS: &'static [TextColumn] = &[];

    fn condition(filter: &AccountFilter, _viewer: &Viewer) -> Sql {
        match filter.asks {
            None => Sql::new("TRUE"),
            Some(true) => Sql::new("accounts.link_asked_at IS NOT NULL"),
            Some(false) => Sql::new("accounts.link_asked_at IS NULL"),
        }
    }

    fn hangs_on(of: AccountsOf, _viewer: &Viewer) -> Sql {
        match of {
            AccountsOf::Person => Sql::new("accounts.person_id = parent.id"),
        }
    }

    fn columns(order: AccountOrder, _languages: &Languages) -> Vec<SortColumn> {
        match order {
            // Ids ascend in the order in which they were made.
            AccountOrder::Made => Vec::new(),
        }
    }

    fn keys(_row: &AccountRow, order: AccountOrder, _languages: &Languages) -> Vec<SortKey> {
        match order {
            AccountOrder::Made => Vec::new(),
        }
    }

    fn id(row: &AccountRow) -> Uuid {
        row.id
    }

    fn values(_by: Dimension, _viewer: &Viewer) -> Option<Values> {
        None
    }

    /// Twin of `policy::can` for reading accounts.
    fn visible(viewer: &Viewer) -> Sql {
        super::of_own_account("accounts.id", viewer)
    }

    fn load<'a>(rows: Rows<Selection<Self>>, conn: &'a mut AsyncPgConnection) -> Loaded<'a, AccountRow> {
        rows.load(conn).boxed()
    }

    fn load_per_parent<'a>(
        rows: PerParent<Rows<Selection<Self>>>,
        conn: &'a mut AsyncPgConnection,
    ) -> Loaded<'a, (Uuid, AccountRow)> {
        rows.load(conn).boxed()
    }
}
