//! Nothing is lost, repeated or told out of order, whatever happens.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use futures_util::FutureExt;
use knowledge_hub::changes::cursor::Cursor;
use knowledge_hub::db::log::{Audiences, Change, ChangeAction, ensure_epoch};
use knowledge_hub::db::statement::Sql;
use knowledge_hub::db::{Db, write};
use knowledge_hub::error::Fault;
use knowledge_hub::policy::{NodeKind, Viewer};
use knowledge_hub::text::language::{LanguageTag, Languages};
use knowledge_hub::text::messages::Message;
use knowledge_hub::transfer::{Place, feed};
use nix::sys::signal::{Signal, kill};
use serde_json::{Value, json};
use tokio::sync::watch;
use uuid::Uuid;

use crate::lines::{self, item, topic};
use crate::processes;
use crate::socket::{DEADLINE, Heard, Socket};
use crate::support::{self, TestHub};

const FOLLOW: &str = "subscription($after: String) { changes(after: $after) { cursor change { nodeId } } }";

/// How many times as long as usual the tests are, for `make soak`.
#[expect(clippy::disallowed_methods, reason = "the tests are their own start-up")]
fn soak() -> u32 {
    std::env::var("HUB_SOAK").ok().and_then(|times| times.parse().ok()).unwrap_or(1)
}

/// Numbers that look like chance and are the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

fn public_change(node_id: Uuid) -> Change {
    let everybody = || vec!["public".to_owned()];
    Change {
        action: ChangeAction::Updated,
        kind: NodeKind::Topic,
        node_id,
        fields: vec!["name".to_owned()],
        communities: Vec::new(),
        topics: Vec::new(),
        languages: Vec::new(),
        audiences: Some(Audiences { before: everybody(), after: everybody() }),
    }
}

/// A transaction of some length that touches two rows others touch too, in any order, and may not commit.
async fn write_some(db: &Db, mut chance: Chance) -> Result<(), Fault> {
    write::write(db, Viewer::system("test"), move |tx| {
        async move {
            for _ in 0..2 {
                let key = format!("t{}", chance.below(8));
                let touch =
                    Sql::new("UPDATE topics SET version = version + 1 WHERE key = ").text(key).returning::<()>();
                touch.execute(tx.conn()).await?;
            }
            for _ in 0..=chance.below(3) {
                let id = tx.new_id();
                tx.record(public_change(id));
                // Between two pieces of work the others get their turn.
                tokio::task::yield_now().await;
            }
            if chance.below(5) == 0 { Err(Message::new("write-forbidden").into()) } else { Ok(()) }
        }
        .boxed()
    })
    .await
}

async fn positions(db: &Db) -> Vec<i64> {
    let mut conn = db.connection().await.unwrap();
    // What anonymous viewers are told of, which is all that these tests write.
    let statement =
        Sql::new("SELECT position FROM changes WHERE 'public' = ANY (audience_before || audience_after) ORDER BY 1");
    statement.returning::<diesel::sql_types::BigInt>().load(&mut conn).await.unwrap()
}

/// Follows until the last change is told; the answer is where it began and the positions that it was told.
async fn follow_until_end(
    hub: std::net::SocketAddr,
    after: Option<Cursor>,
    mut end: watch::Receiver<Option<i64>>,
) -> (i64, Vec<i64>) {
    let mut socket = Socket::begun(hub).await;
    let from = match after {
        Some(cursor) => cursor,
        // Where "from now on" is, is known only before it.
        None => {
            socket.subscribe("c", "{ changeCursor }", json!({})).await;
            let cursor = socket.next().await["data"]["changeCursor"].as_str().unwrap().to_owned();
            assert_eq!(socket.hear().await, Heard::Said(json!({ "id": "c", "type": "complete" })));
            Cursor::read(&cursor).unwrap()
        }
    };
    socket.subscribe("1", FOLLOW, json!({ "after": from.write() })).await;
    let mut told = Vec::new();
    loop {
        if end.borrow().is_some_and(|end| told.last().copied().unwrap_or(from.position) >= end) {
            return (from.position, told);
        }
        tokio::select! {
            heard = socket.hear() => {
                let Heard::Said(said) = heard else { panic!("{heard:?}") };
                let cursor = said["payload"]["data"]["changes"]["cursor"].as_str().unwrap_or_else(|| panic!("{said}"));
                told.push(Cursor::read(cursor).unwrap().position);
            }
            changed = end.changed() => changed.unwrap(),
        }
    }
}

/// Many writers, some through the store and some line by line; subscribers that join when they like, from where they like.
async fn everybody_is_told_the_same(hub_count: usize, writers: u64, writes: u64, subscribers: u64) {
    let db = support::database("empty", usize::try_from(writers).unwrap() + 2).await;
    lines::read(&db, &(0..8).map(|n| topic(&format!("t{n}"), json!({}))).collect::<Vec<_>>()).await;
    // One hub is of this process; several are processes of their own.
    let (mut hub, mut running, mut hubs) = (None, Vec::new(), Vec::new());
    if hub_count == 1 {
        let one = TestHub::over(support::another_pool(&db).await).await;
        hubs.push(one.address);
        hub.replace(one);
    }
    for _ in hubs.len()..hub_count {
        let address = support::address_of(&db).await;
        let command = processes::hub(&["serve", "--listen", "127.0.0.1:0", "--database-url", &address]);
        running.push(processes::start(command));
    }
    hubs.extend(running.iter().map(|running| running.address));
    assert_eq!(hubs.len(), hub_count);
    let epoch = ensure_epoch(&mut db.connection().await.unwrap(), Uuid::nil()).await.unwrap();
    let start = Cursor::at(epoch, *positions(&db).await.last().unwrap());
    let known = Arc::new(Mutex::new(vec![start]));
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let mut writing = Vec::new();
    for writer in 0..writers {
        let (db, known, acknowledged) = (db.clone(), known.clone(), acknowledged.clone());
        writing.push(tokio::spawn(async move {
            let mut chance = Chance(writer + 1);
            let languages = Languages::new(vec![LanguageTag::english()], LanguageTag::english());
            for write in 0..writes {
                // Some are meant to fail, and some meet each other's locks the wrong way round.
                if chance.below(3) > 0 {
                    let _ = write_some(&db, Chance(writer * 1_000 + write)).await;
                    continue;
                }
                let line = item(&format!("i{writer}-{write}"), json!({})).to_string();
                let place = Place { file: "feed".to_owned(), line: 1 };
                let viewer = Viewer::system("test");
                let said = feed::import_line(&db, viewer, epoch, place, line.as_bytes(), &languages).await.unwrap();
                let cursor = Cursor::read(said["cursor"].as_str().unwrap()).unwrap();
                known.lock().unwrap().push(cursor);
                acknowledged.lock().unwrap().push(cursor.position);
            }
        }));
    }
    let (ending, end) = watch::channel(None);
    let mut following = Vec::new();
    for subscriber in 0..subscribers {
        let (hub, end, known) = (hubs[usize::try_from(subscriber).unwrap() % hub_count], end.clone(), known.clone());
        following.push(tokio::spawn(async move {
            let mut chance = Chance(subscriber + 7);
            // It joins once so many lines are acknowledged, or the writers are done.
            let (wanted, began) = (usize::try_from(chance.below(writers * writes / 6)).unwrap(), Instant::now());
            let mut looks = tokio::time::interval(Duration::from_millis(5));
            while known.lock().unwrap().len() <= wanted && end.borrow().is_none() {
                looks.tick().await;
                assert!(began.elapsed() < DEADLINE * (2 * soak()));
            }
            let after = match chance.below(3) {
                0 => None,
                _ => {
                    let known = known.lock().unwrap();
                    Some(known[usize::try_from(chance.below(u64::try_from(known.len()).unwrap())).unwrap()])
                }
            };
            follow_until_end(hub, after, end).await
        }));
    }
    for writer in writing {
        writer.await.unwrap();
    }
    lines::read(&db, &[item("the-end", json!({}))]).await;
    let log = positions(&db).await;
    ending.send(log.last().copied()).unwrap();
    for (number, following) in following.into_iter().enumerate() {
        let (from, told) = following.await.unwrap();
        let expected: Vec<i64> = log.iter().copied().filter(|position| *position > from).collect();
        assert_eq!(told, expected, "subscriber {number} from {from}");
    }
    let log: HashSet<i64> = log.into_iter().collect();
    assert!(acknowledged.lock().unwrap().iter().all(|position| log.contains(position)));
    assert!(u64::try_from(log.len()).unwrap() > writers * writes / 2, "most of the writes went through");
    drop(hub);
    running.into_iter().for_each(processes::stop);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_subscribers_are_told_what_fifty_writers_commit_once_and_in_order() {
    everybody_is_told_the_same(1, 50, 8 * u64::from(soak()), 20).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_on_one_database_tell_the_same_sequence() {
    everybody_is_told_the_same(2, 12, 20 * u64::from(soak()), 10).await;
}

/// Feeds lines to a hub's database until all are acknowledged, whatever dies on the way.
fn feed_all(folder: &Path, count: usize, acknowledged: &watch::Sender<usize>) {
    let began = Instant::now();
    let mut next = 0;
    while next < count {
        assert!(began.elapsed() < DEADLINE * (3 * soak()), "only {next} lines went through");
        let mut command = processes::hub(&["import", "--each", "-", "--data-dir", folder.to_str().unwrap()]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        // One at a time: what was not acknowledged may be sent again without harm.
        while next < count {
            let mut answer = String::new();
            let line = item(&format!("i{next:04}"), json!({}));
            if writeln!(input, "{line}").is_err() || output.read_line(&mut answer).unwrap_or(0) == 0 {
                break;
            }
            let answer: Value = serde_json::from_str(&answer).unwrap();
            assert!(answer["outcome"] == "CREATED" || answer["outcome"] == "UNCHANGED", "{answer}");
            next += 1;
            acknowledged.send_replace(next);
        }
        drop(input);
        // It may have been killed with the server.
        let _ = child.wait();
    }
}

/// Follows items through cuts, coming back with its cursor, until it was told of the last one.
async fn resume_until(address: watch::Receiver<std::net::SocketAddr>, last: &str) -> Vec<String> {
    let query = "subscription($after: String) { itemPublished(after: $after) { cursor item { key } } }";
    let (mut cursor, mut keys, began) = (Value::Null, Vec::new(), Instant::now());
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    loop {
        looks.tick().await;
        assert!(began.elapsed() < DEADLINE * (3 * soak()), "told of {} items", keys.len());
        let hub = *address.borrow();
        let Some(mut socket) = Socket::try_begun(hub).await else { continue };
        if cursor.is_null() {
            // From the beginning, not from now on.
            let start = json!({ "id": "0", "type": "subscribe", "payload": { "query": "{ changes(first: 1) { edges { cursor } } }" } });
            let Some(()) = socket.try_say(&start).await else { continue };
            let Heard::Said(said) = socket.hear().await else { continue };
            cursor = said["payload"]["data"]["changes"]["edges"][0]["cursor"].clone();
            continue;
        }
        let message =
            json!({ "id": "1", "type": "subscribe", "payload": { "query": query, "variables": { "after": cursor } } });
        if socket.try_say(&message).await.is_none() {
            continue;
        }
        while let Some(Heard::Said(said)) = socket.hear_within(DEADLINE).await {
            assert_ne!(said["type"], "complete", "{said}");
            let delivery = &said["payload"]["data"]["itemPublished"];
            if said["type"] != "next" || delivery.is_null() {
                break;
            }
            cursor = delivery["cursor"].clone();
            keys.push(delivery["item"]["key"].as_str().unwrap().to_owned());
            if keys.last().is_some_and(|key| key == last) {
                return keys;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_comes_back_with_a_cursor_misses_nothing_of_a_hub_that_is_killed_and_a_database_that_restarts() {
    let items = 160 * usize::try_from(soak()).unwrap();
    let folder = support::open_folder("hub-follow-");
    let mut running = processes::serve(folder.path(), "serve");
    // The first entry of the log is no item: everybody can begin after it.
    let seed = folder.path().join("topic.jsonl");
    std::fs::write(&seed, topic("first", json!({})).to_string()).unwrap();
    let seeded =
        processes::hub(&["import", seed.to_str().unwrap(), "--data-dir", folder.path().to_str().unwrap()]).output();
    assert!(seeded.unwrap().status.success());
    let (moved, address) = watch::channel(running.address);
    let last = format!("i{:04}", items - 1);
    let followers: Vec<_> = (0..4)
        .map(|_| {
            let (address, last) = (address.clone(), last.clone());
            tokio::spawn(async move { resume_until(address, &last).await })
        })
        .collect();
    let (counting, mut count) = watch::channel(0);
    let data = folder.path().to_path_buf();
    let feeder = tokio::task::spawn_blocking(move || feed_all(&data, items, &counting));
    for blow in 1..=7 {
        // Each at another moment of the feed.
        let reached = count.wait_for(|count| *count >= blow * items / 8).await;
        assert!(reached.is_ok());
        drop(reached);
        if blow % 3 == 0 {
            kill(processes::server_pid(folder.path()), Signal::SIGINT).unwrap();
        } else {
            // A kill: it says goodbye to nobody.
            drop(running);
            running = tokio::task::block_in_place(|| processes::serve(folder.path(), "serve"));
            moved.send(running.address).unwrap();
        }
    }
    feeder.await.unwrap();
    let expected: Vec<String> = (0..items).map(|number| format!("i{number:04}")).collect();
    for follower in followers {
        assert_eq!(follower.await.unwrap(), expected);
    }
    // The log holds every acknowledged line once, and says so to operators.
    let log = processes::hub(&["changes", "--data-dir", folder.path().to_str().unwrap()]).output().unwrap();
    let published = String::from_utf8(log.stdout).unwrap().lines().filter(|line| line.contains("PUBLISHED")).count();
    assert_eq!(published, items);
    processes::stop(running);
}

fn resident_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Appends so many entries that everybody may see, as writers do, 250 to a transaction.
async fn append(db: &Db, count: usize) {
    let mut conn = db.connection().await.unwrap();
    for _ in 0..count / 250 {
        let insert = "INSERT INTO changes (action, kind, node_id, fields, communities, topics, languages, audience_before, audience_after, actor) \
            SELECT 'UPDATED', 'TOPIC', gen_random_uuid(), '{name}', '{}', '{}', '{}', '{public}', '{public}', 'test' FROM generate_series(1, 250)";
        conn.batch_execute(insert).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reader_of_one_message_a_second_costs_no_memory_slows_nobody_and_loses_nothing() {
    const CHANGES: usize = 15_000;
    let db = support::database("empty", 2).await;
    let address = support::address_of(&db).await;
    let mut command = processes::hub(&["serve", "--listen", "127.0.0.1:0", "--database-url", &address]);
    command.stdin(Stdio::null());
    let running = processes::start(command);
    let query = "subscription { changes { cursor change { action kind nodeId fields changedAt } } }";
    let mut slow = Socket::begun(running.address).await;
    slow.subscribe("1", query, json!({})).await;
    slow.subscribe("heard", "{ __typename }", json!({})).await;
    slow.hear().await;
    slow.hear().await;
    let mut fast = Socket::begun(running.address).await;
    fast.subscribe("1", query, json!({})).await;
    fast.subscribe("heard", "{ __typename }", json!({})).await;
    fast.hear().await;
    fast.hear().await;
    // What a hub takes for itself is taken before it is measured.
    append(&db, 1_000).await;
    for _ in 0..1_000 {
        fast.next().await;
    }
    let before = resident_kib(running.child.id());
    let writer = tokio::spawn(async move { append(&db, CHANGES).await });
    let (mut every, mut slowly, mut quickly) = (tokio::time::interval(Duration::from_secs(1)), Vec::new(), Vec::new());
    let cursor = |payload: Value| payload["data"]["changes"]["cursor"].as_str().unwrap().to_owned();
    while quickly.len() < CHANGES {
        tokio::select! {
            payload = fast.next() => quickly.push(cursor(payload)),
            _ = every.tick() => slowly.push(cursor(slow.next().await)),
        }
    }
    writer.await.unwrap();
    let grown = resident_kib(running.child.id()).saturating_sub(before);
    assert!(grown < 24 * 1024, "{grown} KiB more than before");
    assert!(slowly.len() < 200, "the slow one is far behind: {}", slowly.len());
    while slowly.len() < 1_000 + CHANGES {
        slowly.push(cursor(slow.next().await));
    }
    assert_eq!(slowly[1_000..], quickly);
    processes::stop(running);
}
