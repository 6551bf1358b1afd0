//! The change log's order: a reader that follows the number loses nothing.

use std::time::{Duration, Instant};

use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use futures_util::FutureExt;
use knowledge_hub::db::log::{Change, ChangeAction};
use knowledge_hub::db::statement::Sql;
use knowledge_hub::db::{Db, write};
use knowledge_hub::error::Fault;
use knowledge_hub::policy::{NodeKind, Viewer};
use knowledge_hub::text::messages::Message;
use uuid::Uuid;

use crate::support;

const WRITERS: usize = 6;
const WRITES_OF_EACH: usize = 30;

fn change() -> Change {
    Change {
        action: ChangeAction::Updated,
        kind: NodeKind::Topic,
        node_id: Uuid::nil(),
        fields: vec!["name".to_owned()],
        communities: Vec::new(),
        topics: Vec::new(),
        languages: Vec::new(),
        audiences: None,
    }
}

async fn write(db: &Db, entries: usize, fails: bool) -> Result<(), Fault> {
    write::write(db, Viewer::system("test"), move |tx| {
        async move {
            for _ in 0..entries {
                tx.record(change());
                // Between two pieces of work the others get their turn.
                tokio::task::yield_now().await;
            }
            if fails { Err(Message::new("write-forbidden").into()) } else { Ok(()) }
        }
        .boxed()
    })
    .await
}

async fn positions_after(db: &Db, position: i64) -> Vec<i64> {
    let mut conn = db.connection().await.unwrap();
    let statement = Sql::new("SELECT position FROM changes WHERE position > ").text(position.to_string());
    statement.push("::bigint ORDER BY position").returning::<BigInt>().load(&mut conn).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reader_that_follows_the_position_meets_every_change_of_many_writers() {
    let db = support::database("empty", WRITERS + 1).await;
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let db = db.clone();
            tokio::spawn(async move {
                for count in 0..WRITES_OF_EACH {
                    // Some never commit.
                    let fails = (writer + count) % 5 == 0;
                    assert_eq!(write(&db, 1 + count % 3, fails).await.is_err(), fails);
                }
            })
        })
        .collect();
    let (mut followed, began) = (Vec::new(), Instant::now());
    loop {
        let done = writers.iter().all(tokio::task::JoinHandle::is_finished);
        followed.extend(positions_after(&db, followed.last().copied().unwrap_or(0)).await);
        if done {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(60));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(followed, positions_after(&db, 0).await);
    let expected: usize = (0..WRITERS)
        .flat_map(|writer| (0..WRITES_OF_EACH).filter(move |count| (writer + count) % 5 != 0))
        .map(|count| 1 + count % 3)
        .sum();
    assert_eq!(followed.len(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_goes_away_cuts_no_write_in_half() {
    let db = support::database("empty", 2).await;
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let (go_on, may_go_on) = tokio::sync::oneshot::channel::<()>();
    let caller = {
        let db = db.clone();
        tokio::spawn(async move {
            write::write(&db, Viewer::system("test"), move |tx| {
                async move {
                    tx.record(change());
                    begun.send(()).unwrap();
                    may_go_on.await.unwrap();
                    Ok(())
                }
                .boxed()
            })
            .await
        })
    };
    has_begun.await.unwrap();
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    go_on.send(()).unwrap();
    let began = Instant::now();
    while positions_after(&db, 0).await.is_empty() {
        assert!(began.elapsed() < Duration::from_secs(60), "the write was lost with its caller");
    }
}
