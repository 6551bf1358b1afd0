//! Synthetic data: the same for the same seed, as the stores would have written it, and all of it or nothing.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use knowledge_hub::db::Db;
use knowledge_hub::error::Fault;
use knowledge_hub::policy::Viewer;
use knowledge_hub::transfer::generate::{self, Plan, Progress, Report};
use knowledge_hub::transfer::{self, Input};
use serde_json::Value;
use tokio::sync::Notify;

use crate::support;

/// What differs between a generated hub and one that imported its export: when rows were written, and ids that no key
/// stands for. What drafts are ordered by is the first of these.
const OF_THE_WRITING: [&str; 4] = ["id", "created_at", "updated_at", "ordered_at"];

fn quietly() -> Progress {
    Arc::new(|_, _, _| ())
}

async fn generated(scale: f64, seed: u64) -> (Db, Report) {
    let db = support::database("empty", 2).await;
    let report = generate::generate(&db, Plan { scale, seed }, quietly()).await.unwrap();
    (db, report)
}

async fn exported(db: &Db) -> String {
    let mut text = String::new();
    let out = |line: &str| {
        text.push_str(line);
        text.push('\n');
        Ok(())
    };
    transfer::export(db, &Viewer::system("test"), out).await.unwrap();
    text
}

async fn texts(db: &Db, query: &str) -> Vec<String> {
    let rows = db.raw().await.unwrap().query(query, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

async fn count(db: &Db, query: &str) -> i64 {
    db.raw().await.unwrap().query_one(query, &[]).await.unwrap().get(0)
}

/// Every index, constraint, trigger and view, as the catalogue describes it.
async fn shape(db: &Db) -> Vec<String> {
    texts(
        db,
        "SELECT line FROM (
           SELECT indrelid::regclass || ' ' || pg_get_indexdef(indexrelid) || indisvalid AS line FROM pg_index
             WHERE indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
           UNION ALL SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) || convalidated
             FROM pg_constraint WHERE connamespace = 'public'::regnamespace
           UNION ALL SELECT tgrelid::regclass || ' ' || pg_get_triggerdef(oid) || tgenabled::text FROM pg_trigger WHERE NOT tgisinternal
           UNION ALL SELECT attrelid::regclass || ' ' || attname || attnotnull FROM pg_attribute
             WHERE attnum > 0 AND attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
         ) AS found ORDER BY line COLLATE \"C\"",
    )
    .await
}

/// The rows of a table with keys in the place of ids, in an order of their own.
async fn rows(db: &Db, query: &str, names: &HashMap<String, String>) -> Vec<String> {
    let mut rows: Vec<String> = texts(db, query)
        .await
        .into_iter()
        .map(|row| {
            let mut row: BTreeMap<String, Value> = serde_json::from_str(&row).unwrap();
            row.retain(|column, _| !OF_THE_WRITING.contains(&column.as_str()));
            row.values_mut().for_each(|value| name_ids(value, names));
            serde_json::to_string(&row).unwrap()
        })
        .collect();
    rows.sort();
    rows
}

/// Puts keys in the place of ids. The order of atoms follows from ids, so it is forgotten.
fn name_ids(value: &mut Value, names: &HashMap<String, String>) {
    match value {
        Value::String(text) => {
            let id = text.rsplit(':').next().unwrap_or_default().to_owned();
            if let Some(name) = names.get(&id) {
                *text = text.replace(&id, name);
            }
        }
        Value::Array(values) => {
            values.iter_mut().for_each(|value| name_ids(value, names));
            values.sort_by_key(ToString::to_string);
        }
        Value::Object(fields) => fields.values_mut().for_each(|value| name_ids(value, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

async fn names(db: &Db) -> HashMap<String, String> {
    let lines = texts(db, "SELECT id || ' ' || kind || '/' || key FROM nodes").await;
    lines.iter().filter_map(|line| line.split_once(' ')).map(|(id, name)| (id.to_owned(), name.to_owned())).collect()
}

fn refusal(outcome: Result<Report, Fault>) -> &'static str {
    outcome.unwrap_err().message().id()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_seed_makes_the_same_bytes_and_another_seed_others() {
    let (one, report) = generated(0.002, 1).await;
    let (same, other) = (generated(0.002, 1).await.0, generated(0.002, 2).await.0);
    let bytes = exported(&one).await;
    assert_eq!(bytes.lines().count() as i64, count(&one, "SELECT count(*) FROM nodes").await);
    assert!(exported(&same).await == bytes);
    assert!(exported(&other).await != bytes);
    let ids = "SELECT id::text FROM nodes ORDER BY id";
    assert_eq!(texts(&one, ids).await, texts(&same, ids).await);
    assert_eq!((report.items, report.people, report.communities), (400, 200, 12));
    let logged = "SELECT (position || kind || node_id || audience_after::text) FROM changes ORDER BY position";
    assert_eq!(texts(&one, logged).await, texts(&same, logged).await);
    let public = count(&one, "SELECT count(*) FROM nodes WHERE is_public").await;
    assert_eq!(count(&one, "SELECT count(*) FROM changes WHERE 'public' = ANY (audience_after)").await, public);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_as_the_stores_would_have_written_them() {
    let (made, _) = generated(0.001, 7).await;
    let lines = exported(&made).await;
    let input = |lines: &str| vec![Input { name: "export".to_owned(), bytes: lines.as_bytes().to_vec() }];
    let again = support::import(&made, input(&lines)).await.unwrap();
    assert_eq!((again.created, again.updated, again.unchanged), (0, 0, lines.lines().count()));
    let imported = support::database("empty", 2).await;
    support::import(&imported, input(&lines)).await.unwrap();
    let (own, others) = (names(&made).await, names(&imported).await);
    let tables = "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
        AND relname NOT IN ('audit', 'changes', 'log_epoch', '__diesel_schema_migrations') ORDER BY relname";
    let mut filled = 0;
    for table in texts(&made, tables).await {
        let query = format!("SELECT to_jsonb(t)::text FROM {table} t");
        let (left, right) = (rows(&made, &query, &own).await, rows(&imported, &query, &others).await);
        for (left, right) in left.iter().zip(&right) {
            assert_eq!(left, right, "{table}");
        }
        assert_eq!(left.len(), right.len(), "{table}");
        filled += usize::from(!left.is_empty());
    }
    assert!(filled > 24, "{filled} tables are compared");
    // A store writes an entry for each audience of a person's fields; those who see the name are told here.
    let logged = "SELECT (to_jsonb(c) - 'position' - 'actor')::text FROM changes c";
    let told = rows(&imported, logged, &others).await;
    for entry in rows(&made, logged, &own).await {
        assert!(told.contains(&entry), "{entry}");
    }
    let apart = "SELECT count(*) FROM item_communities c JOIN items i ON i.id = c.item_id
        WHERE (c.ordered_at, c.is_public) IS DISTINCT FROM (i.ordered_at, i.is_public)";
    assert_eq!(count(&made, apart).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_index_constraint_and_trigger_is_back() {
    let before = shape(&support::database("empty", 1).await).await;
    assert!(before.len() > 300, "{}", before.len());
    assert_eq!(shape(&generated(0.001, 1).await.0).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_with_nodes_and_a_scale_out_of_bounds_are_refused() {
    let sample = support::database("sample", 2).await;
    let nodes = count(&sample, "SELECT count(*) FROM nodes").await;
    assert_eq!(
        refusal(generate::generate(&sample, Plan { scale: 0.001, seed: 1 }, quietly()).await),
        "generate-not-empty"
    );
    assert_eq!(count(&sample, "SELECT count(*) FROM nodes").await, nodes);
    let empty = support::database("empty", 2).await;
    for scale in [0.0, -1.0, 10.1, f64::NAN, f64::INFINITY] {
        assert_eq!(refusal(generate::generate(&empty, Plan { scale, seed: 1 }, quietly()).await), "generate-scale");
    }
    assert_eq!(count(&empty, "SELECT count(*) FROM nodes").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_generators_at_once_one_is_refused() {
    let db = support::database("empty", 2).await;
    let plan = Plan { scale: 0.001, seed: 1 };
    let (one, other) = tokio::join!(generate::generate(&db, plan, quietly()), generate::generate(&db, plan, quietly()));
    let refused = if one.is_ok() { other } else { one };
    assert_eq!(refusal(refused), "generate-not-empty");
    assert_eq!(count(&db, "SELECT count(*) FROM items").await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generator_that_is_stopped_leaves_nothing_behind() {
    let db = support::database("empty", 2).await;
    let before = shape(&db).await;
    let reached = Arc::new(Notify::new());
    let (signal, target) = (reached.clone(), db.clone());
    let progress: Progress = Arc::new(move |stage, _, _| {
        if stage == "people" {
            signal.notify_one();
        }
    });
    let work = tokio::spawn(async move { generate::generate(&target, Plan { scale: 0.05, seed: 1 }, progress).await });
    reached.notified().await;
    work.abort();
    assert!(work.await.unwrap_err().is_cancelled());
    // This waits for the locks of the one that was stopped.
    assert_eq!(count(&db, "SELECT count(*) FROM nodes").await, 0);
    assert_eq!(shape(&db).await, before);
    let report = generate::generate(&db, Plan { scale: 0.001, seed: 1 }, quietly()).await.unwrap();
    assert_eq!(report.items, 200);
}
