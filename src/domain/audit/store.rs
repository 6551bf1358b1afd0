//! The rows of the audit that tell who read what of whom.

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
use crate::db::schema::audit;
use crate::db::statement::{Rows, Sql};
use crate::policy::Viewer;
use crate::text::language::Languages;

/// Somebody read what of a person is not for everybody.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = audit, check_for_backend(Pg))]
pub struct ReadingRow {
    /// The row.
    pub id: Uuid,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Whether it was read, or handed out as a file.
    pub act: String,
    /// Who; null: somebody who is gone.
    pub account_id: Option<Uuid>,
    /// By which token; null: none.
    pub token_id: Option<Uuid>,
    /// Which fields, by their names in the contract.
    pub fields: Vec<String>,
    /// Of whom.
    pub person_id: Option<Uuid>,
    /// The operation that was named, or the reason that was given.
    pub why: String,
}

/// Readings, listed by the person who was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Readings;

/// What a list of readings hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReadingsOf {
    /// The person who was read.
    Person,
}

/// What readings are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::AsRefStr)]
pub enum ReadingOrder {
    /// When it was read.
    ReadAt,
}

/// Nothing narrows a list of readings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, serde::Serialize)]
pub struct ReadingFilter;

impl Listed for Readings {
    type Row = ReadingRow;
    type Filter = ReadingFilter;
    type Order = ReadingOrder;
    type Of = ReadingsOf;

    const TABLE: &'static str = "audit";
    const ID: &'static str = "audit.id";
    const TEXTS: &'static [TextColumn] = &[];

    fn condition(ReadingFilter: &ReadingFilter, _viewer: &Viewer) -> Sql {
        Sql::new("TRUE")
    }

    fn hangs_on(of: ReadingsOf, _viewer: &Viewer) -> Sql {
        match of {
            ReadingsOf::Person => Sql::new("audit.person_id = parent.id"),
        }
    }

    fn columns(order: ReadingOrder, _languages: &Languages) -> Vec<SortColumn> {
        match order {
            ReadingOrder::ReadAt => vec![SortColumn::time(Sql::new("audit.created_at"))],
        }
    }

    fn keys(row: &ReadingRow, order: ReadingOrder, _languages: &Languages) -> Vec<SortKey> {
        match order {
            ReadingOrder::ReadAt => vec![SortKey::Time(row.created_at)],
        }
    }

    fn id(row: &ReadingRow) -> Uuid {
        row.id
    }

    fn values(_by: Dimension, _viewer: &Viewer) -> Option<Values> {
        None
    }

    /// Twin of `policy::can` for personal data.
    fn visible(viewer: &Viewer) -> Sql {
        let of_own = match viewer {
            Viewer::System(_) => Sql::new("TRUE"),
            Viewer::Known(identity) if identity.runs_the_hub() => Sql::new("TRUE"),
            Viewer::Known(identity) => Sql::new("audit.person_id = ").uuid_or_null(identity.person()),
            Viewer::Anonymous => Sql::new("FALSE"),
        };
        Sql::new("audit.act IN ('READ', 'EXPORTED')").and(of_own)
    }

    fn load<'a>(rows: Rows<Selection<Self>>, conn: &'a mut AsyncPgConnection) -> Loaded<'a, ReadingRow> {
        rows.load(conn).boxed()
    }

    fn load_per_parent<'a>(
        rows: PerParent<Rows<Selection<Self>>>,
        conn: &'a mut AsyncPgConnection,
    ) -> Loaded<'a, (Uuid, ReadingRow)> {
        rows.load(conn).boxed()
    }
}
