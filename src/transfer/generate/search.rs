//! What items are found by, worked out beside the transaction that loads them.
//!
//! The view `searchable` is the one place that says what a node is found by. An indexer has a copy of the view over
//! temporary tables of the same names, so that it needs nothing that is not committed yet.

use std::sync::Arc;

use futures_util::future;
use tokio::sync::mpsc;
use tokio_postgres::Client;

use crate::error::Fault;
use crate::transfer::generate::Chunk;
use crate::transfer::generate::loading::{copy, failed, filled_tables};

/// A connection that works out what items are found by.
pub struct Indexer {
    client: Client,
    tables: Vec<String>,
}

impl Indexer {
    /// Makes the temporary tables that the view reads, and the view over them.
    pub async fn prepare(client: Client) -> Result<Self, Fault> {
        let doing = failed("preparing to index");
        // SQL: what the view is, while its names still mean the real tables; and which tables those are.
        let view: String =
            client.query_one("SELECT pg_get_viewdef('searchable'::regclass)", &[]).await.map_err(&doing)?.get(0);
        let tables = client
            .query(
                "SELECT DISTINCT c.relname::text FROM pg_rewrite r JOIN pg_depend d ON d.objid = r.oid \
                 JOIN pg_class c ON c.oid = d.refobjid WHERE d.classid = 'pg_rewrite'::regclass \
                 AND d.refclassid = 'pg_class'::regclass AND r.ev_class = 'searchable'::regclass AND c.relkind = 'r'",
                &[],
            )
            .await
            .map_err(&doing)?;
        let tables: Vec<String> = tables.iter().map(|row| row.get(0)).collect();
        // SQL: with the indexes, which the view looks rows up by. Just-in-time compilation costs more than it saves.
        let mut statements = String::from("SET jit = off;");
        for table in &tables {
            statements.push_str(&format!("CREATE TEMPORARY TABLE {table} (LIKE {table} INCLUDING ALL);"));
        }
        statements.push_str(&format!("CREATE TEMPORARY VIEW searchable AS {view}"));
        client.batch_execute(&statements).await.map_err(&doing)?;
        Ok(Self { client, tables })
    }

    /// Takes rows until there are no more, then works out what they are found by.
    pub async fn run(self, mut chunks: mpsc::Receiver<Arc<Chunk>>) -> Result<Self, Fault> {
        while let Some(chunk) = chunks.recv().await {
            for (table, _) in chunk.batch.tables() {
                if self.tables.iter().any(|name| name == table.as_ref()) {
                    copy(&self.client, &chunk, table, "").await?;
                }
            }
        }
        // SQL: kept in a temporary table, so that the work does not wait for the loader.
        self.client
            .batch_execute(
                "CREATE TEMPORARY TABLE documents AS SELECT node_id, kind, audience, document FROM searchable",
            )
            .await
            .map_err(failed("indexing"))?;
        Ok(self)
    }

    /// The connection, on which the temporary table `documents` holds what was worked out.
    pub fn client(&self) -> &Client {
        &self.client
    }
}

/// Lets the planner know the tables, on all connections at once. Only after the commit: others see the tables then.
pub async fn analyze(indexers: &[Indexer]) -> Result<(), Fault> {
    let doing = failed("analyzing");
    let work = indexers.iter().enumerate().map(|(nth, indexer)| {
        let doing = &doing;
        async move {
            // SQL: the temporary tables would hide the real ones.
            indexer.client.batch_execute("DISCARD TEMP").await.map_err(doing)?;
            for (place, table) in filled_tables().into_iter().enumerate() {
                if place % indexers.len() == nth {
                    indexer.client.batch_execute(&format!("ANALYZE {table}")).await.map_err(doing)?;
                }
            }
            Ok::<(), Fault>(())
        }
    });
    future::try_join_all(work).await.map(|_| ())
}
