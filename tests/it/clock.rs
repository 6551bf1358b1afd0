//! What the clock does: items come before their readers and consents begin and end when it is time, and old changes are
//! forgotten.

use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use diesel_async::SimpleAsyncConnection;
use knowledge_hub::clock;
use knowledge_hub::db::log::Retention;
use knowledge_hub::db::{Db, due};
use serde_json::{Value, json};

use crate::lines::{self, consent, item, person, topic, with};
use crate::socket::{DEADLINE, Socket};
use crate::support::{self, TestHub};

const KEPT: Retention = Retention { age: TimeDelta::days(90), count: 1_000_000 };

async fn now(db: &Db) -> DateTime<Utc> {
    due::now(&mut db.connection().await.unwrap()).await.unwrap()
}

fn text(moment: DateTime<Utc>) -> Value {
    json!(moment.to_rfc3339_opts(SecondsFormat::Millis, true))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_of_the_future_comes_before_its_readers_once_when_its_time_comes() {
    let hub = TestHub::with_lines(&[topic("t", json!({}))]).await;
    let other = support::another_pool(&hub.db).await;
    // Two processes have clocks.
    let clocks = [tokio::spawn(clock::run(hub.db.clone(), KEPT)), tokio::spawn(clock::run(other, KEPT))];
    let mut socket = Socket::begun(hub.address).await;
    let query = "subscription { changes(filter: { kinds: [ITEM] }) { change { action changedAt fields languages node { key } } } }";
    socket.subscribe("1", query, json!({})).await;
    socket.subscribe("heard", "{ __typename }", json!({})).await;
    socket.hear().await;
    socket.hear().await;
    let publish_at = now(&hub.db).await + TimeDelta::milliseconds(1_200);
    let line = item("later", json!({ "publishedAt": text(publish_at), "topics": ["t"] }));
    lines::read(&hub.db, std::slice::from_ref(&line)).await;
    let seen = "{ items { totalCount } item(slug: \"later\") { key } search(text: \"later\") { totalCount } topics { nodes { items { totalCount } } } }";
    let nothing = json!({ "items": { "totalCount": 0 }, "item": null, "search": { "totalCount": 0 }, "topics": { "nodes": [{ "items": { "totalCount": 0 } }] } });
    assert_eq!(hub.data(seen).await, nothing);
    let change = socket.next().await["data"]["changes"]["change"].clone();
    assert_eq!(
        (&change["action"], &change["node"]["key"], &change["languages"]),
        (&json!("PUBLISHED"), &json!("later"), &json!(["en"]))
    );
    let told_at: DateTime<Utc> = change["changedAt"].as_str().unwrap().parse().unwrap();
    let lag = told_at - publish_at;
    assert!(lag >= TimeDelta::zero() && lag < TimeDelta::seconds(2), "{lag}");
    let data = hub.data(seen).await;
    assert_eq!((&data["items"]["totalCount"], &data["search"]["totalCount"]), (&json!(1), &json!(1)));
    // The line is still the one that was imported, and nothing is told twice.
    lines::read(&hub.db, &[line]).await;
    lines::read(&hub.db, &[item("marker", json!({}))]).await;
    assert_eq!(socket.next().await["data"]["changes"]["change"]["node"]["key"], "marker");
    for clock in clocks {
        clock.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_of_the_future_is_exported_as_it_was_read_and_can_be_taken_back() {
    let db = support::database("empty", 2).await;
    let line = item("later", json!({ "publishedAt": "2999-01-01T00:00:00Z" }));
    lines::read(&db, std::slice::from_ref(&line)).await;
    let mut exported = Vec::new();
    let viewer = knowledge_hub::policy::Viewer::system("test");
    let keep = |line: &str| {
        exported.push(serde_json::from_str::<Value>(line).unwrap());
        Ok(())
    };
    knowledge_hub::transfer::export(&db, &viewer, keep).await.unwrap();
    assert_eq!(exported.len(), 1);
    assert_eq!((&exported[0]["publishedAt"], exported[0].get("audience")), (&line["publishedAt"], None));
    let mut conn = db.connection().await.unwrap();
    assert!(due::wait_ms(&mut conn).await.unwrap().is_some());
    lines::read(&db, &[json!({ "retire": "item:later" })]).await;
    assert_eq!(due::wait_ms(&mut conn).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_begins_and_ends_when_its_time_comes() {
    let hub = TestHub::with_lines(&[]).await;
    let begins = now(&hub.db).await + TimeDelta::milliseconds(500);
    let ends = begins + TimeDelta::milliseconds(1_000);
    let name = with(consent("NAME", "PUBLIC"), json!({ "givenAt": text(begins), "withdrawnAt": text(ends) }));
    let start = hub.data("{ changeCursor }").await["changeCursor"].clone();
    lines::read(&hub.db, &[person("ann", json!({ "consents": [name] }))]).await;
    let clock = tokio::spawn(clock::run(hub.db.clone(), KEPT));
    let mut socket = Socket::begun(hub.address).await;
    let query = "subscription($after: String) { changes(after: $after) { change { action node { key } } } }";
    socket.subscribe("1", query, json!({ "after": start })).await;
    let action = async |socket: &mut Socket| socket.next().await["data"]["changes"]["change"]["action"].clone();
    assert_eq!(action(&mut socket).await, "RELEASED");
    assert_eq!(action(&mut socket).await, "REMOVED");
    assert!(now(&hub.db).await >= ends);
    assert_eq!(hub.data("{ people { totalCount } }").await["people"]["totalCount"], 0);
    clock.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn old_changes_are_forgotten_and_a_cursor_before_them_has_expired() {
    let hub = TestHub::with_lines(&[]).await;
    let cursor = async || hub.data("{ changeCursor }").await["changeCursor"].as_str().unwrap().to_owned();
    let start = cursor().await;
    for number in 0..6 {
        lines::read(&hub.db, &[topic(&format!("t{number}"), json!({}))]).await;
    }
    // The tail of this process knows of all of them.
    let began = Instant::now();
    while hub.data("{ changes(first: 100) { nodes { kind } } }").await["changes"]["nodes"].as_array().unwrap().len() < 6
    {
        assert!(began.elapsed() < DEADLINE);
    }
    let mut conn = hub.db.connection().await.unwrap();
    let age = "UPDATE changes SET created_at = created_at - interval '10 days' WHERE position <= (SELECT min(position) + 1 FROM changes)";
    conn.batch_execute(age).await.unwrap();
    let forget =
        async |days, count| clock::forget_old(&hub.db, Retention { age: TimeDelta::days(days), count }).await.unwrap();
    assert_eq!(forget(30, 1_000).await, 0);
    assert_eq!(forget(5, 1_000).await, 2, "by age");
    assert_eq!(forget(5, 3).await, 1, "by number");
    let listed = hub.data("{ changes { pageInfo { hasPreviousPage } edges { cursor node { node { key } } } } }").await;
    let edges = listed["changes"]["edges"].as_array().unwrap().clone();
    assert_eq!(edges.len(), 3);
    // A hub that was not there when the changes came has nothing in memory: the table decides, never a gap.
    let later = TestHub::over(support::another_pool(&hub.db).await).await;
    let after = |cursor: &str| format!("{{ changes(after: \"{cursor}\") {{ nodes {{ kind }} }} }}");
    assert_eq!(later.error(&after(&start)).await.0, "CURSOR_EXPIRED");
    let from_first = later.data(&after(edges[0]["cursor"].as_str().unwrap())).await;
    assert_eq!(from_first["changes"]["nodes"].as_array().unwrap().len(), 2);
    let mut socket = Socket::begun(later.address).await;
    socket
        .subscribe("1", "subscription($after: String) { changes(after: $after) { cursor } }", json!({ "after": start }))
        .await;
    let crate::socket::Heard::Said(said) = socket.hear_within(Duration::from_secs(60)).await.unwrap() else { panic!() };
    assert_eq!(said["payload"][0]["extensions"]["code"], "CURSOR_EXPIRED");
    // The last one always stays: it says where the log ends.
    assert_eq!(forget(0, 0).await, 2);
    assert_eq!(later.data("{ changes { nodes { kind } } }").await["changes"]["nodes"].as_array().unwrap().len(), 1);
}
