//! What is asked of the database takes no longer than it may, and afterwards all is as before.

use std::time::{Duration, Instant};

use diesel::sql_types::Text;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use futures_util::FutureExt;
use knowledge_hub::db::bounds::Bounds;
use knowledge_hub::db::statement::Sql;
use knowledge_hub::db::{Db, write};
use knowledge_hub::error::{Code, Fault};
use knowledge_hub::policy::Viewer;
use serde_json::{Value, json};

use crate::{processes, support};

/// How long a bound may be overrun on a machine with much to do.
const LATE: Duration = Duration::from_secs(5);

fn bounds(statement_ms: u64, lock_ms: u64) -> Bounds {
    Bounds {
        statement: Some(Duration::from_millis(statement_ms)),
        lock: Some(Duration::from_millis(lock_ms)),
        connection_wait: Some(Duration::from_secs(1)),
    }
}

async fn execute(conn: &mut AsyncPgConnection, sql: &'static str) -> Result<(), Fault> {
    Sql::new(sql).returning::<()>().execute(conn).await.map(|_| ()).map_err(|error| Fault::database("testing", error))
}

async fn setting(conn: &mut AsyncPgConnection, name: &str) -> String {
    let setting = Sql::new("SELECT current_setting(").text(name).push(")");
    setting.returning::<Text>().get_result(conn).await.unwrap()
}

/// What went wrong, after how long at least.
async fn cut(after_ms: u64, work: impl Future<Output = Result<(), Fault>>) -> (Code, &'static str) {
    let began = Instant::now();
    let fault = work.await.unwrap_err();
    let (took, bound) = (began.elapsed(), Duration::from_millis(after_ms));
    assert!(took >= bound && took < bound + LATE, "{took:?} for {bound:?}");
    (fault.code(), fault.message().id())
}

async fn touch_topics(db: &Db) -> Result<(), Fault> {
    write::write(db, Viewer::system("test"), |tx| execute(tx.conn(), "UPDATE topics SET version = version").boxed())
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_and_a_wait_for_a_lock_end_in_time_and_the_pool_works_on() {
    let unbounded = support::database("sample", 1).await;
    let db = unbounded.bounded(bounds(400, 200)).unwrap();
    let mut conn = db.connection().await.unwrap();
    let too_slow = (Code::ServiceUnavailable, "database-too-slow");
    for _ in 0..2 {
        assert_eq!(cut(400, execute(&mut conn, "SELECT pg_sleep_for('1 minute')")).await, too_slow);
    }
    drop(conn);
    let mut other = unbounded.connection().await.unwrap();
    other.batch_execute("BEGIN; LOCK TABLE topics IN ACCESS EXCLUSIVE MODE").await.unwrap();
    assert_eq!(cut(200, touch_topics(&db)).await, (Code::ServiceUnavailable, "database-busy"));
    other.batch_execute("ROLLBACK").await.unwrap();
    touch_topics(&db).await.unwrap();
    // Nothing cuts whoever migrates, imports or listens.
    for conn in [&mut *other, &mut db.dedicated().await.unwrap()] {
        assert_eq!(setting(conn, "statement_timeout").await, "0");
        execute(conn, "SELECT pg_sleep_for('600 ms')").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bounds_cost_no_statement_and_a_shorter_one_of_the_role_stays() {
    let db = support::database("empty", 1).await.bounded(bounds(10_000, 5_000)).unwrap();
    let before = db.statements();
    let mut conn = db.connection().await.unwrap();
    assert_eq!(db.statements(), before);
    assert_eq!(setting(&mut conn, "statement_timeout").await, "10s");
    assert_eq!(setting(&mut conn, "lock_timeout").await, "5s");
    assert_eq!(setting(&mut conn, "lc_messages").await, "C");
    drop(conn);
    let address = format!("{} options='-c statement_timeout=700'", support::address_of(&db).await);
    let own = Db::with_address(&address, 1).unwrap().bounded(bounds(10_000, 5_000)).unwrap();
    let mut conn = own.connection().await.unwrap();
    assert_eq!(setting(&mut conn, "statement_timeout").await, "700ms");
    assert_eq!(setting(&mut conn, "lock_timeout").await, "5s");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_not_choose_the_language_of_messages_connects_all_the_same() {
    let db = support::database("empty", 1).await;
    let address = support::address_of(&db).await.replace("user=hub", "user=ordinary");
    let mut conn = db.connection().await.unwrap();
    // Roles belong to the whole server, which tests share.
    let role = "DO $$ BEGIN CREATE ROLE ordinary LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$";
    conn.batch_execute(role).await.unwrap();
    let ordinary = Db::with_address(&address, 1).unwrap().bounded(bounds(300, 300)).unwrap();
    let mut conn = ordinary.connection().await.unwrap();
    let found = cut(300, execute(&mut conn, "SELECT pg_sleep_for('1 minute')")).await;
    assert_eq!(found, (Code::ServiceUnavailable, "database-too-slow"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_serves_is_bounded_as_its_limits_say() {
    let db = support::database("sample", 1).await;
    let address = support::address_of(&db).await;
    let words = ["serve", "--listen", "127.0.0.1:0", "--database-url", &address];
    let mut command = processes::hub(&words);
    command.args(["--limit", "lock_seconds=1,statement_seconds=20"]);
    let running = processes::start(command);
    let ask = async || -> Value {
        let request = support::client().post(format!("http://{}/graphql", running.address));
        let query = json!({ "query": "{ topics { totalCount } }" });
        request.json(&query).send().await.unwrap().json().await.unwrap()
    };
    let mut conn = db.connection().await.unwrap();
    conn.batch_execute("BEGIN; LOCK TABLE topics IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let began = Instant::now();
    let answer = ask().await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "SERVICE_UNAVAILABLE", "{answer}");
    assert!(answer["errors"][0]["message"].as_str().unwrap().contains("busy"), "{answer}");
    assert!(began.elapsed() >= Duration::from_secs(1) && began.elapsed() < Duration::from_secs(1) + LATE);
    conn.batch_execute("ROLLBACK").await.unwrap();
    let answer = ask().await;
    assert!(answer["data"]["topics"]["totalCount"].as_i64() > Some(0), "{answer}");
    processes::stop(running);
}
