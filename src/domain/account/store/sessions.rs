//! The rows of sessions: browsers that are signed in.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::pg::Pg;
use diesel::sql_types::BigInt;
use diesel::{Queryable, Selectable};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt;
use uuid::Uuid;

use crate::db::audit::{Act, Deed};
use crate::db::coverage::TextColumn;
use crate::db::facets::{Dimension, Values};
use crate::db::listing::{Listed, Loaded, Selection};
use crate::db::log::RightsChange;
use crate::db::page::{SortColumn, SortKey};
use crate::db::per_parent::PerParent;
use crate::db::schema::sessions;
use crate::db::statement::{Rows, Sql};
use crate::db::write::Tx;
use crate::domain::permission;
use crate::error::Fault;
use crate::policy::{Action, Subject, Viewer};
use crate::text::language::Languages;

/// How long somebody stays signed in, as PostgreSQL writes it: 14 days.
const LASTS: &str = "now() + interval '14 days'";

/// The same 14 days in seconds, for the cookie that goes with it.
pub const LASTS_S: i64 = 14 * 24 * 60 * 60;

/// A browser that is or was signed in.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = sessions, check_for_backend(Pg))]
pub struct SessionRow {
    /// The row.
    pub id: Uuid,
    /// Who is signed in.
    pub account_id: Uuid,
    /// Until when.
    pub expires_at: DateTime<Utc>,
    /// When it was ended; null: it was not.
    pub ended_at: Option<DateTime<Utc>>,
    /// The last day on which it was used; null: never.
    pub last_used_on: Option<NaiveDate>,
    /// When it began.
    pub created_at: DateTime<Utc>,
}

/// Sessions, listed by account, in the order in which they began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sessions;

/// What a list of sessions hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SessionsOf {
    /// The account.
    Account,
}

/// What sessions are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::AsRefStr)]
pub enum SessionOrder {
    /// When they began.
    Made,
}

/// Nothing narrows a list of sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, serde::Serialize)]
pub struct SessionFilter;

impl Listed for Sessions {
    type Row = SessionRow;
    type Filter = SessionFilter;
    type Order = SessionOrder;
    type Of = SessionsOf;

    const TABLE: &'static str = "sessions";
    const ID: &'static str = "sessions.id";
    const TEXTS: &'static [TextColumn] = &[];

    fn condition(SessionFilter: &SessionFilter, _viewer: &Viewer) -> Sql {
        Sql::new("TRUE")
    }

    fn hangs_on(of: SessionsOf, _viewer: &Viewer) -> Sql {
        match of {
            SessionsOf::Account => Sql::new("sessions.account_id = parent.id"),
        }
    }

    fn columns(order: SessionOrder, _languages: &Languages) -> Vec<SortColumn> {
        match order {
            // Ids ascend in the order in which they began.
            SessionOrder::Made => Vec::new(),
        }
    }

    fn keys(_row: &SessionRow, order: SessionOrder, _languages: &Languages) -> Vec<SortKey> {
        match order {
            SessionOrder::Made => Vec::new(),
        }
    }

    fn id(row: &SessionRow) -> Uuid {
        row.id
    }

    fn values(_by: Dimension, _viewer: &Viewer) -> Option<Values> {
        None
    }

    /// Twin of `policy::can` for reading sessions.
    fn visible(viewer: &Viewer) -> Sql {
        super::of_own_account("sessions.account_id", viewer)
    }

    fn load<'a>(rows: Rows<Selection<Self>>, conn: &'a mut AsyncPgConnection) -> Loaded<'a, SessionRow> {
        rows.load(conn).boxed()
    }

    fn load_per_parent<'a>(
        rows: PerParent<Rows<Selection<Self>>>,
        conn: &'a mut AsyncPgConnection,
    ) -> Loaded<'a, (Uuid, SessionRow)> {
        rows.load(conn).boxed()
    }
}

/// Begins a session, for the hub itself: whoever asks for one showed who they are elsewhere.
pub async fn begin(tx: &mut Tx, account: Uuid, secret_hash: Vec<u8>) -> Result<Uuid, Fault> {
    let id = tx.new_id();
    // SQL: one row.
    Sql::new("INSERT INTO sessions (id, account_id, secret_hash, expires_at) VALUES (")
        .uuid(id)
        .push(", ")
        .uuid(account)
        .push(", ")
        .bytes(secret_hash)
        .push(", ")
        .push(LASTS)
        .push(")")
        .returning::<()>()
        .execute(tx.conn())
        .await
        .map_err(|error| Fault::database("beginning a session", error))?;
    tx.note(Act { deed: Deed::Created, kind: "SESSION", subject: Some(id), fields: Vec::new(), person: None });
    Ok(id)
}

/// In how many browsers an account is signed in, as far as the viewer may know.
pub async fn open_count(conn: &mut AsyncPgConnection, viewer: &Viewer, account: Uuid) -> Result<i64, Fault> {
    // SQL: by sessions_account.
    Sql::new("SELECT count(*) FROM sessions WHERE ended_at IS NULL AND expires_at > now() AND account_id = ")
        .uuid(account)
        .push(" AND ")
        .append(Sessions::visible(viewer))
        .returning::<BigInt>()
        .get_result(conn)
        .await
        .map_err(|error| Fault::database("counting sessions", error))
}

/// Ends a session, or all of an account when none is named; whoever follows by one is told. The answer is how many ended.
pub async fn end(tx: &mut Tx, account: Uuid, only: Option<Uuid>) -> Result<usize, Fault> {
    permission::require(tx, Action::Read, Subject::Account(account)).await?;
    let which = match only {
        Some(id) => Sql::new(" AND id = ").uuid(id),
        None => Sql::default(),
    };
    // SQL: by sessions_account.
    let ended = Sql::new("UPDATE sessions SET ended_at = now() WHERE ended_at IS NULL AND account_id = ")
        .uuid(account)
        .append(which)
        .returning::<()>()
        .execute(tx.conn())
        .await
        .map_err(|error| Fault::database("ending sessions", error))?;
    if ended > 0 {
        tx.note(Act { deed: Deed::Ended, kind: "SESSION", subject: only, fields: Vec::new(), person: None });
        tx.record_rights(RightsChange { account, lost: Vec::new(), gained: Vec::new() });
    }
    Ok(ended)
}
