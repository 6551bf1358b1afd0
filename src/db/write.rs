//! The write transaction: every change of data goes through it, and its entry in the change log with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::sql_types::Timestamptz;
use diesel_async::{AnsiTransactionManager, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection, TransactionManager};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;
use tracing::Instrument;
use uuid::{ContextV7, Timestamp, Uuid};

use crate::db::audit::{self, Act};
use crate::db::log::{self, Author, Change, RightsChange};
use crate::db::statement::Sql;
use crate::db::text_origins::TextOrigin;
use crate::db::{Connection, Db};
use crate::error::{Code, Fault};
use crate::policy::{Credential, Identity, NodeKind, Viewer};

/// The key of the advisory lock of imports ("hub" and "imp" as bytes).
const IMPORT_LOCK: i64 = 0x6875_6200_696d_7000;

/// A transaction in progress.
pub struct Tx {
    connection: Connection,
    viewer: Arc<Viewer>,
    now: DateTime<Utc>,
    ids: ContextV7,
    changes: Vec<Change>,
    rights: Vec<RightsChange>,
    acts: Vec<Act>,
    why: String,
    text_origin: TextOrigin,
    active_members: BTreeMap<Uuid, i64>,
}

impl Tx {
    /// The connection, inside the transaction.
    pub fn conn(&mut self) -> &mut AsyncPgConnection {
        &mut self.connection
    }

    /// Who writes.
    pub fn viewer(&self) -> Arc<Viewer> {
        self.viewer.clone()
    }

    /// Puts what is known by now of who writes in the place of what was known when they asked.
    pub fn become_viewer(&mut self, viewer: Arc<Viewer>) {
        self.viewer = viewer;
    }

    /// The database's clock when the transaction began.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// Waits for the end of any other import. Two at once would both find the same key missing.
    pub async fn one_import_at_a_time(&mut self) -> Result<(), Fault> {
        // SQL: an advisory lock until the end of the transaction.
        Sql::new("SELECT pg_advisory_xact_lock(")
            .text(IMPORT_LOCK.to_string())
            .push("::bigint)")
            .returning::<()>()
            .execute(&mut self.connection)
            .await
            .map(|_| ())
            .map_err(|error| Fault::database("waiting for another import", error))
    }

    /// Takes an advisory lock until the end of the transaction, unless another one has it.
    pub async fn try_lock(&mut self, key: i64) -> Result<bool, Fault> {
        Sql::new("SELECT pg_try_advisory_xact_lock(")
            .text(key.to_string())
            .push("::bigint)")
            .returning::<diesel::sql_types::Bool>()
            .get_result(&mut self.connection)
            .await
            .map_err(|error| Fault::database("taking a lock", error))
    }

    /// A new id (UUIDv7); ids of one transaction ascend.
    pub fn new_id(&mut self) -> Uuid {
        let seconds = u64::try_from(self.now.timestamp()).unwrap_or(0);
        Uuid::new_v7(Timestamp::from_unix(&self.ids, seconds, self.now.timestamp_subsec_nanos()))
    }

    /// Adds a field to what was remembered of a node.
    pub fn also_touched(&mut self, node_id: Uuid, field: &str) {
        for change in self.changes.iter_mut().filter(|change| change.node_id == node_id) {
            change.fields.push(field.to_owned());
        }
    }

    /// Takes back what was remembered of nodes of one kind, for a store that has more to say of it.
    pub fn take_changes(&mut self, kind: NodeKind) -> Vec<Change> {
        let (taken, kept) = std::mem::take(&mut self.changes).into_iter().partition(|change| change.kind == kind);
        self.changes = kept;
        taken
    }

    /// Counts active members of a community in or out. Written just before the commit, in the order of ids, so that
    /// two transactions never wait for each other.
    pub fn count_active_members(&mut self, community: Uuid, difference: i64) {
        *self.active_members.entry(community).or_default() += difference;
    }

    /// Remembers that an account lost or gained rights, or that it is to be looked at anew; told as the changes are.
    pub fn record_rights(&mut self, change: RightsChange) {
        self.rights.push(change);
    }

    /// Remembers for the audit what no entry of the change log tells.
    pub fn note(&mut self, act: Act) {
        self.acts.push(act);
    }

    /// Where translations come from that are written.
    pub fn text_origin(&self) -> TextOrigin {
        self.text_origin
    }

    /// Says where translations come from that are written: without a word, a file for the hub itself, else somebody.
    pub fn translated_by(&mut self, origin: TextOrigin) {
        self.text_origin = origin;
    }

    /// Says why it is written, in the words of whoever writes; the hub's own reason stands unless somebody says more.
    pub fn because(&mut self, why: &str) {
        why.clone_into(&mut self.why);
    }

    /// Remembers what was done; the change log is appended to just before the commit.
    pub fn record(&mut self, change: Change) {
        self.changes.push(change);
    }
}

/// Runs `work` in a transaction and appends what it recorded to the change log as the last thing before the commit.
///
/// It runs in a task of its own, so that a caller who goes away can neither cut it in half nor burn its connection.
pub async fn write<T, W>(db: &Db, viewer: Viewer, work: W) -> Result<T, Fault>
where
    T: Send + 'static,
    W: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, Fault>> + Send + 'static,
{
    run(db, viewer, true, work).await.map(|written| written.value)
}

/// Does the same; the answer also says where in the change log it is told.
pub async fn write_at<T, W>(db: &Db, viewer: Viewer, work: W) -> Result<Written<T>, Fault>
where
    T: Send + 'static,
    W: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, Fault>> + Send + 'static,
{
    run(db, viewer, true, work).await
}

/// Does the same and takes it back: the answer is what would have come of it, and nothing is written.
pub async fn rehearse<T, W>(db: &Db, viewer: Viewer, work: W) -> Result<T, Fault>
where
    T: Send + 'static,
    W: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, Fault>> + Send + 'static,
{
    run(db, viewer, false, work).await.map(|written| written.value)
}

/// What came of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written<T> {
    /// What its work answered.
    pub value: T,
    /// The position of its last entry in the change log; null when it changed nothing.
    pub position: Option<i64>,
}

/// What a transaction does, whatever it is.
type Work = Box<dyn for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<(), Fault>> + Send>;

async fn run<T, W>(db: &Db, viewer: Viewer, is_meant: bool, work: W) -> Result<Written<T>, Fault>
where
    T: Send + 'static,
    W: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, Fault>> + Send + 'static,
{
    // Told apart from how it went, so that a transaction is made once, and not for each of hundreds of kinds of work.
    let (tell, told) = oneshot::channel();
    let work: Work = Box::new(move |tx: &mut Tx| {
        let working = work(tx);
        async move {
            // A caller who went away wants nothing told.
            let _ = tell.send(working.await?);
            Ok(())
        }
        .boxed()
    });
    let position = transact(db, viewer, is_meant, work).await?;
    let value = told.await.map_err(|error| Fault::internal("writing", error))?;
    Ok(Written { value, position })
}

/// Runs it; the answer is the position of the last entry that was appended.
async fn transact(db: &Db, viewer: Viewer, is_meant: bool, work: Work) -> Result<Option<i64>, Fault> {
    // Before anything begins: nothing is kept of what was refused.
    db.require_room()?;
    let db = db.clone();
    let under_way = db.writes().begin();
    let work = async move {
        // Whoever stops the hub waits for it.
        let _under_way = under_way;
        let mut tx = begin(&db, viewer).await?;
        let outcome = match work(&mut tx).await {
            Ok(()) if is_meant => finish(&mut tx).await,
            // What a commit would check is checked, so that a rehearsal promises nothing false.
            Ok(()) => check_constraints(&mut tx).await.map(|()| None),
            Err(fault) => Err(fault),
        };
        if outcome.is_err() || !is_meant {
            // A connection that cannot even roll back is found broken by the pool and dropped.
            let rolled_back = AnsiTransactionManager::rollback_transaction(&mut *tx.connection).await;
            if let Err(error) = rolled_back {
                tracing::warn!(%error, "a transaction could not be rolled back");
            }
        }
        outcome
    };
    // What a panic says may hold what was written.
    tokio::spawn(work.in_current_span())
        .await
        .map_err(|_| Fault::internal("writing", "it panicked or was cut short"))?
}

async fn begin(db: &Db, viewer: Viewer) -> Result<Tx, Fault> {
    let doing = |error: diesel::result::Error| Fault::database("beginning a transaction", error);
    let mut connection = db.connection().await?;
    AnsiTransactionManager::begin_transaction(&mut *connection).await.map_err(doing)?;
    let now = Sql::new("SELECT now()").returning::<Timestamptz>().get_result(&mut connection).await.map_err(doing)?;
    let why = match &viewer {
        Viewer::System(reason) => (*reason).to_owned(),
        Viewer::Anonymous | Viewer::Known(_) => String::new(),
    };
    let text_origin = match &viewer {
        Viewer::System(_) => TextOrigin::Imported,
        Viewer::Anonymous | Viewer::Known(_) => TextOrigin::Human,
    };
    Ok(Tx {
        connection,
        viewer: Arc::new(viewer),
        now,
        ids: ContextV7::new(),
        changes: Vec::new(),
        rights: Vec::new(),
        acts: Vec::new(),
        why,
        text_origin,
        active_members: BTreeMap::new(),
    })
}

async fn finish(tx: &mut Tx) -> Result<Option<i64>, Fault> {
    write_counts(tx).await?;
    let (changes, rights) = (std::mem::take(&mut tx.changes), std::mem::take(&mut tx.rights));
    let author = author(&tx.viewer, &tx.why);
    audit::append(&mut tx.connection, &author, std::mem::take(&mut tx.acts)).await?;
    let position = log::append(&mut tx.connection, &author, changes, &rights).await?;
    AnsiTransactionManager::commit_transaction(&mut *tx.connection).await.map_err(|error| {
        let fault = Fault::database("committing", error);
        // Whether the commit came through before the database went away, nobody can tell.
        if fault.code() == Code::ServiceUnavailable { Fault::uncertain(fault) } else { fault }
    })?;
    Ok(position)
}

/// How the audit and the change log name a viewer and their reason.
pub fn author(viewer: &Viewer, why: &str) -> Author {
    let identity = viewer.identity();
    Author {
        actor: viewer.actor(),
        account: identity.map(Identity::account),
        token: identity.and_then(|identity| match identity.credential() {
            Credential::Token(token) => Some(token),
            Credential::Session(_) => None,
        }),
        why: why.to_owned(),
    }
}

async fn check_constraints(tx: &mut Tx) -> Result<(), Fault> {
    let checked = tx.connection.batch_execute("SET CONSTRAINTS ALL IMMEDIATE").await;
    checked.map_err(|error| Fault::database("checking constraints", error))
}

async fn write_counts(tx: &mut Tx) -> Result<(), Fault> {
    for (community, difference) in std::mem::take(&mut tx.active_members) {
        if difference == 0 {
            continue;
        }
        // SQL: by primary key.
        Sql::new("INSERT INTO community_counts AS kept (community_id, active_members) VALUES (")
            .uuid(community)
            .push(", ")
            .text(difference.to_string())
            .push("::bigint) ON CONFLICT (community_id) DO UPDATE SET active_members = kept.active_members + excluded.active_members")
            .returning::<()>()
            .execute(&mut tx.connection)
            .await
            .map_err(|error| Fault::database("counting members", error))?;
    }
    Ok(())
}
