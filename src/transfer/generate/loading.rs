//! The one transaction that fills the hub: tables stripped, filled by COPY, and put back as they were.

use std::io::Cursor;
use std::sync::Arc;

use futures_util::{SinkExt, TryStreamExt};
use strum::VariantArray;
use tokio::sync::mpsc;
use tokio_postgres::Client;

use crate::error::Fault;
use crate::text::messages::Message;
use crate::transfer::generate::rows::Table;
use crate::transfer::generate::search::Indexer;
use crate::transfer::generate::{Chunk, Progress, Report};

/// The key of the advisory lock of generators ("hub" and "gen" as bytes).
const GENERATE_LOCK: i64 = 0x6875_6200_6765_6e00;

/// The key of the advisory lock that orders the log, as in `db/log.rs`.
const LOG_LOCK: i64 = 0x6875_6200_6c6f_6700;

/// The table that indexers fill.
const SEARCH_DOCUMENTS: &str = "search_documents";

// SQL: for each table how to take something and how to put it back, from the catalogue alone. Whatever belongs to a
// constraint goes and comes with it.
const STRIPPED: &str = "
    SELECT owner, taking, restoring FROM (
      SELECT CASE contype WHEN 'f' THEN 1 ELSE 3 END AS turn, conname::text AS name, conrelid::regclass::text AS owner,
        format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS taking,
        format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS restoring
      FROM pg_constraint
      WHERE (contype IN ('p', 'u', 'x') AND conrelid = ANY ($1::text[]::regclass[]))
        OR (contype = 'f' AND (conrelid = ANY ($1::text[]::regclass[]) OR confrelid = ANY ($1::text[]::regclass[])))
      UNION ALL
      SELECT 2, indexrelid::regclass::text, indrelid::regclass::text, format('DROP INDEX %s', indexrelid::regclass),
        pg_get_indexdef(indexrelid)
      FROM pg_index
      WHERE indrelid = ANY ($1::text[]::regclass[])
        AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u', 'x'))
    ) AS found
    ORDER BY turn, name";

/// A statement that puts back what was taken from a table.
struct Restoring {
    table: String,
    statement: String,
}

/// The connection whose transaction fills the hub.
pub struct Loader {
    client: Client,
    restoring: Vec<Restoring>,
    progress: Progress,
    restored: u64,
}

impl Loader {
    /// Begins the transaction, one generator at a time, and refuses a hub that has nodes.
    pub async fn begin(client: Client, progress: Progress) -> Result<Self, Fault> {
        let doing = failed("beginning to generate");
        // SQL: the lock, like the settings, until the end of the transaction. Sorting for indexes is what memory is for;
        // just-in-time compilation costs more than it saves.
        let begin = format!(
            "BEGIN; SET LOCAL jit = off; SET LOCAL maintenance_work_mem = '256MB'; \
             SELECT pg_advisory_xact_lock({GENERATE_LOCK})"
        );
        client.batch_execute(&begin).await.map_err(&doing)?;
        let loader = Self { client, restoring: Vec::new(), progress, restored: 0 };
        loader.require_no_nodes().await?;
        Ok(loader)
    }

    /// Takes indexes, constraints and triggers from the tables, and remembers how to put them back.
    pub async fn strip(&mut self) -> Result<(), Fault> {
        let doing = failed("stripping tables");
        let tables = loaded_tables();
        let list = tables.join(", ");
        // SQL: the log's lock comes after those of the tables, as in every write; its holder is about to commit.
        let locks = format!("LOCK TABLE {list} IN ACCESS EXCLUSIVE MODE; SELECT pg_advisory_xact_lock({LOG_LOCK})");
        self.client.batch_execute(&locks).await.map_err(&doing)?;
        // Somebody may have written between the first look and the locks.
        self.require_no_nodes().await?;
        let mut taking = Vec::new();
        // SQL: foreign keys from and to the tables; then indexes of their own right; then keys. In the order of taking.
        let found = self.client.query(STRIPPED, &[&tables]).await.map_err(&doing)?;
        for row in &found {
            taking.push(row.get::<_, String>(1));
            self.restoring.push(Restoring { table: row.get(0), statement: row.get(2) });
        }
        self.restoring.reverse();
        // Every row of these tables belongs to a node by its foreign keys, so they are empty. Emptied in the same
        // transaction they can be written frozen, which saves a second writing of every page.
        taking.push(format!("TRUNCATE {list}"));
        taking.extend(tables.iter().map(|table| format!("ALTER TABLE {table} DISABLE TRIGGER USER")));
        self.client.batch_execute(&taking.join(";")).await.map_err(&doing)
    }

    /// Copies the chunks of every lane in turn, so that they always come in the same order, until there are no more.
    pub async fn load(&mut self, mut lanes: Vec<mpsc::Receiver<Arc<Chunk>>>) -> Result<Report, Fault> {
        let mut report = Report::default();
        let mut turn = 0;
        loop {
            // The first chunk is that of lane 1: they are counted from one.
            turn = (turn + 1) % lanes.len();
            let Some(chunk) = (match lanes.get_mut(turn) {
                Some(lane) => lane.recv().await,
                None => None,
            }) else {
                return Ok(report);
            };
            for (table, rows) in chunk.batch.tables() {
                let options = if table == Table::Changes { "" } else { " WITH (FREEZE)" };
                copy(&self.client, &chunk, table, options).await?;
                report.add(table, rows.count);
            }
            (self.progress)(chunk.stage, chunk.done, chunk.total);
        }
    }

    /// Fills what follows from the rows.
    pub async fn derive(&self) -> Result<(), Fault> {
        // SQL: one pass over memberships; one over what is searched, items aside.
        self.client
            .batch_execute(
                "INSERT INTO community_counts (community_id, active_members) SELECT community_id, count(*) \
                 FROM memberships WHERE status = 'ACTIVE' AND NOT retired GROUP BY community_id; \
                 INSERT INTO search_documents (node_id, kind, audience, document) \
                 SELECT node_id, kind, audience, document FROM searchable WHERE kind <> 'ITEM'",
            )
            .await
            .map_err(failed("filling what follows from the rows"))
    }

    /// Puts back what was taken from every table but the one of search documents.
    pub async fn restore_all_but_search(&mut self) -> Result<(), Fault> {
        self.restore(|restoring| restoring.table != SEARCH_DOCUMENTS).await
    }

    /// Copies what an indexer worked out.
    pub async fn load_documents(&self, indexer: &Indexer) -> Result<(), Fault> {
        let doing = failed("loading search documents");
        // SQL: the bytes pass through unread.
        let out = "COPY documents TO STDOUT (FORMAT binary)";
        let mut documents = Box::pin(indexer.client().copy_out(out).await.map_err(&doing)?);
        let into = "COPY search_documents (node_id, kind, audience, document) FROM STDIN (FORMAT binary, FREEZE)";
        let mut sink = Box::pin(self.client.copy_in(into).await.map_err(&doing)?);
        while let Some(bytes) = documents.try_next().await.map_err(&doing)? {
            sink.feed(bytes).await.map_err(&doing)?;
        }
        sink.as_mut().finish().await.map(|_| ()).map_err(&doing)
    }

    /// Puts back the rest, lets triggers fire again, and has them write the words of topics.
    pub async fn restore_search(&mut self) -> Result<(), Fault> {
        self.restore(|_| true).await?;
        let mut statements: Vec<String> =
            loaded_tables().iter().map(|table| format!("ALTER TABLE {table} ENABLE TRIGGER USER")).collect();
        // SQL: the trigger that keeps topic_words fires for a few hundred rows.
        statements.push("UPDATE topics SET name = name".to_owned());
        self.client.batch_execute(&statements.join(";")).await.map_err(failed("enabling triggers"))
    }

    /// Everything is there for everybody, at once.
    pub async fn commit(self) -> Result<(), Fault> {
        self.client.batch_execute("COMMIT").await.map_err(failed("committing"))
    }

    async fn require_no_nodes(&self) -> Result<(), Fault> {
        let found = self.client.query_one("SELECT EXISTS (SELECT FROM nodes)", &[]).await;
        let has_nodes: bool = found.map_err(failed("looking for nodes"))?.get(0);
        if has_nodes { Err(Message::new("generate-not-empty").into()) } else { Ok(()) }
    }

    async fn restore(&mut self, chosen: impl Fn(&Restoring) -> bool) -> Result<(), Fault> {
        let total = self.restored + self.restoring.len() as u64;
        let (now, later) = std::mem::take(&mut self.restoring).into_iter().partition(chosen);
        self.restoring = later;
        for restoring in now {
            self.client.batch_execute(&restoring.statement).await.map_err(failed("putting indexes back"))?;
            self.restored += 1;
            (self.progress)("indexes", self.restored, total);
        }
        Ok(())
    }
}

impl Report {
    fn add(&mut self, table: Table, rows: u64) {
        match table {
            Table::Topics => self.topics += rows,
            Table::Organizations => self.organizations += rows,
            Table::Communities => self.communities += rows,
            Table::People => self.people += rows,
            Table::Roles => self.roles += rows,
            Table::Memberships => self.memberships += rows,
            Table::Projects => self.projects += rows,
            Table::Items => self.items += rows,
            Table::Links => self.links += rows,
            Table::Nodes
            | Table::Slugs
            | Table::TextOrigins
            | Table::TopicParents
            | Table::CommunityTopics
            | Table::Consents
            | Table::PersonExpertise
            | Table::Affiliations
            | Table::ProjectOrganizations
            | Table::ProjectCommunities
            | Table::ProjectPeople
            | Table::ItemCommunities
            | Table::ItemTopics
            | Table::ItemAuthors
            | Table::Changes => {}
        }
    }
}

/// The tables that are stripped: those that rows are made for, but not the log, which is not empty in every hub without
/// nodes.
fn loaded_tables() -> Vec<&'static str> {
    let tables = Table::VARIANTS.iter().filter(|table| **table != Table::Changes);
    tables.map(AsRef::as_ref).chain([SEARCH_DOCUMENTS]).collect()
}

/// Every table that is filled, for the planner.
pub fn filled_tables() -> Vec<&'static str> {
    Table::VARIANTS.iter().map(AsRef::as_ref).chain([SEARCH_DOCUMENTS, "community_counts", "topic_words"]).collect()
}

/// The rows of one table in a chunk, as bytes that several connections can send.
struct Shared {
    chunk: Arc<Chunk>,
    table: Table,
}

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        self.chunk.batch.text(self.table).as_bytes()
    }
}

/// Sends the rows of one table.
pub async fn copy(client: &Client, chunk: &Arc<Chunk>, table: Table, options: &str) -> Result<(), Fault> {
    let doing = failed("copying rows");
    let statement = format!("COPY {} ({}) FROM STDIN{options}", table.as_ref(), table.columns());
    let mut sink = Box::pin(client.copy_in(&statement).await.map_err(&doing)?);
    sink.feed(Cursor::new(Shared { chunk: chunk.clone(), table })).await.map_err(&doing)?;
    sink.as_mut().finish().await.map(|_| ()).map_err(&doing)
}

/// What a failed statement comes to.
pub fn failed(doing: &'static str) -> impl Fn(tokio_postgres::Error) -> Fault {
    move |error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_else(|| error.to_string());
        if error.is_closed() {
            Fault::unavailable(format_args!("{doing}: {cause}"))
        } else {
            Fault::internal(doing, cause)
        }
    }
}
