//! Answers that are kept: the same bytes without a second execution, and never older than the last change.

use diesel_async::SimpleAsyncConnection;
use futures_util::future::{join_all, select_all};
use serde_json::{Value, json};

use crate::support::{self, TestHub};

const TITLES: &str = "{ items { totalCount nodes { title } } }";

fn item(key: &str, title: Value, more: Value) -> Value {
    let mut line = json!({"kind": "item", "key": key, "originalLanguage": "en", "itemKind": "GUIDE", "title": title,
        "status": "PUBLISHED", "publishedAt": "2026-01-02T03:04:05Z", "contentLanguages": ["en"]});
    line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    line
}

async fn hub() -> TestHub {
    TestHub::with_lines(&[item("a", json!({"en": "Guide", "fr": "Un guide"}), json!({}))]).await
}

/// What the hub says of where the answer comes from, and its text.
async fn ask(hub: &TestHub, query: &str, headers: &[(&str, &str)]) -> (Option<String>, u16, String) {
    let mut request = hub.client.post(hub.url("/graphql")).json(&json!({ "query": query }));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let source = response.headers().get("cache-status").map(|value| value.to_str().unwrap().to_owned());
    (source, status, response.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_question_is_executed_once_and_answered_with_the_same_bytes() {
    let hub = hub().await;
    let (source, _, first) = ask(&hub, TITLES, &[]).await;
    assert_eq!(source.as_deref(), Some("hub; fwd=miss"));
    let before = hub.db.statements();
    let (source, status, second) = ask(&hub, TITLES, &[]).await;
    assert_eq!((source.as_deref(), status), (Some("hub; hit"), 200));
    assert_eq!(hub.db.statements() - before, 0);
    assert_eq!(first, second);
    for words in ["no-cache", "max-age=0, No-Store"] {
        let (source, _, third) = ask(&hub, TITLES, &[("cache-control", words)]).await;
        assert_eq!(source.as_deref(), Some("hub; fwd=request"), "{words}");
        assert_eq!(first, third);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_changes_is_seen_by_the_next_reader_whoever_wrote_it() {
    let hub = hub().await;
    let titles = async || {
        let (source, _, text) = ask(&hub, TITLES, &[]).await;
        assert_eq!(source.as_deref(), Some("hub; fwd=miss"), "{text}");
        let kept = ask(&hub, TITLES, &[]).await;
        assert_eq!((kept.0.as_deref(), &kept.2), (Some("hub; hit"), &text));
        let answer: Value = serde_json::from_str(&text).unwrap();
        answer["data"]["items"]["nodes"].clone()
    };
    // Another process has other connections.
    let other = support::another_pool(&hub.db).await;
    let write = async |line: Value| support::import(&other, vec![support::file(&[line])]).await.unwrap();
    assert_eq!(titles().await, json!([{"title": "Guide"}]));
    write(item("a", json!({"en": "Better guide"}), json!({}))).await;
    assert_eq!(titles().await, json!([{"title": "Better guide"}]));
    write(item("b", json!({"en": "Second"}), json!({"publishedAt": "2026-01-03T03:04:05Z"}))).await;
    assert_eq!(titles().await, json!([{"title": "Second"}, {"title": "Better guide"}]));
    write(item("a", json!({"en": "Better guide"}), json!({"audience": []}))).await;
    assert_eq!(titles().await, json!([{"title": "Second"}]));
    write(json!({"retire": "item:b"})).await;
    assert_eq!(titles().await, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_only_adds_a_former_slug_is_a_change_too() {
    let hub = hub().await;
    let query = "{ item(slug: \"guide-of-old\") { key version } }";
    assert_eq!(hub.data(query).await["item"], Value::Null);
    let line = item("a", json!({"en": "Guide", "fr": "Un guide"}), json!({"formerSlugs": ["guide-of-old"]}));
    support::import(&hub.db, vec![support::file(&[line])]).await.unwrap();
    assert_eq!(hub.data(query).await["item"], json!({"key": "a", "version": 2}));
    let line = item("a", json!({"en": "Guide", "fr": "Un guide"}), json!({}));
    support::import(&hub.db, vec![support::file(&[line])]).await.unwrap();
    assert_eq!(hub.data(query).await["item"], json!({"key": "a", "version": 3}), "what is left out is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_who_ask_otherwise_are_never_given_each_others_answer() {
    let hub = hub().await;
    let english = ask(&hub, TITLES, &[("accept-language", "en")]).await;
    let french = ask(&hub, TITLES, &[("accept-language", "fr")]).await;
    assert!(english.2.contains("\"Guide\""), "{}", english.2);
    assert!(french.2.contains("\"Un guide\""), "{}", french.2);
    assert_eq!(french.0.as_deref(), Some("hub; fwd=miss"));
    let with = async |variables: Value| {
        let query = "query Q($n: Int) { items(first: $n) { pageInfo { hasNextPage } } }";
        let answer = hub.ask_in("en", query, variables).await;
        answer["errors"][0]["extensions"]["code"].clone()
    };
    assert_eq!(with(json!({"n": 1})).await, Value::Null);
    assert_eq!(with(json!({"n": 101})).await, "BAD_USER_INPUT");
    assert_eq!(with(json!({"n": 1})).await, Value::Null);
    let two =
        |name: &str| json!({"operationName": name, "query": "query A { a: __typename } query B { b: __typename }"});
    for (name, key) in [("A", "a"), ("B", "b"), ("A", "a")] {
        let response = hub.client.post(hub.url("/graphql")).json(&two(name)).send().await.unwrap();
        let answer: Value = response.json().await.unwrap();
        assert_eq!(answer["data"], json!({ key: "Query" }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_is_never_kept() {
    let hub = hub().await;
    let legacy = ("accept", "application/json");
    for _ in 0..2 {
        for query in ["{ nothing }", "{ items(first: 0) { totalCount } }", "{"] {
            let (source, _, text) = ask(&hub, query, &[]).await;
            assert!(text.contains("errors"), "{text}");
            assert_eq!(source, None, "{query}");
        }
        assert_eq!(ask(&hub, "{ nothing }", &[]).await.1, 400);
        assert_eq!(ask(&hub, "{ nothing }", &[legacy]).await.1, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_ask_for_the_same_at_once_wait_for_one_execution() {
    const READERS: u64 = 40;
    let hub = hub().await;
    let before = hub.db.statements();
    ask(&hub, TITLES, &[("cache-control", "no-cache")]).await;
    let alone = hub.db.statements() - before;
    assert!(alone >= 2, "{alone}");
    let before = hub.db.statements();
    let answers = join_all((0..READERS).map(|_| ask(&hub, TITLES, &[]))).await;
    assert_eq!(hub.db.statements() - before, alone, "one executes");
    assert!(answers.iter().all(|(_, status, text)| *status == 200 && *text == answers[0].2));
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_end_of_the_log_cannot_be_read_the_answer_is_made_all_the_same() {
    let hub = hub().await;
    let first = ask(&hub, TITLES, &[]).await;
    let other = support::another_pool(&hub.db).await;
    let mut connection = other.connection().await.unwrap();
    connection.batch_execute("ALTER TABLE changes RENAME TO elsewhere").await.unwrap();
    for _ in 0..2 {
        let (source, status, text) = ask(&hub, TITLES, &[]).await;
        assert_eq!((source.as_deref(), status, &text), (Some("hub; fwd=bypass"), 200, &first.2));
    }
    connection.batch_execute("ALTER TABLE elsewhere RENAME TO changes").await.unwrap();
    assert_eq!(ask(&hub, TITLES, &[]).await.0.as_deref(), Some("hub; hit"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_is_given_while_a_long_query_has_the_only_connection() {
    let db = support::database("empty", 1).await;
    support::import(&db, vec![support::file(&[item("a", json!({"en": "Guide"}), json!({}))])]).await.unwrap();
    let hub = TestHub::over(db).await;
    let first = ask(&hub, TITLES, &[]).await;
    let mut held = support::another_pool(&hub.db).await.connection().await.unwrap();
    held.batch_execute("BEGIN; LOCK TABLE items IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let long = Box::pin(ask(&hub, TITLES, &[("cache-control", "no-cache")]));
    let kept = Box::pin(async {
        let database = hub.db.raw().await.unwrap();
        let waiting = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'items'::regclass";
        let began = std::time::Instant::now();
        while database.query(waiting, &[]).await.unwrap().is_empty() {
            assert!(began.elapsed().as_secs() < 30, "nobody waits for the table");
        }
        ask(&hub, TITLES, &[]).await
    });
    let (long, kept) = match futures_util::future::select(long, kept).await {
        futures_util::future::Either::Right((kept, long)) => (long, kept),
        futures_util::future::Either::Left((long, _)) => panic!("it had to wait: {long:?}"),
    };
    assert_eq!((kept.0.as_deref(), &kept.2), (Some("hub; hit"), &first.2));
    held.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(long.await.1, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_gets_no_turn_in_time_is_told_that_the_hub_is_busy() {
    let db = support::database("empty", 1).await;
    support::import(&db, vec![support::file(&[item("a", json!({"en": "Guide"}), json!({}))])]).await.unwrap();
    let hub = TestHub::over(db).await;
    let mut held = support::another_pool(&hub.db).await.connection().await.unwrap();
    held.batch_execute("BEGIN; LOCK TABLE items IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let english = [("cache-control", "no-cache")];
    let french = [("cache-control", "no-cache"), ("accept-language", "fr")];
    // One connection, one turn: one of them has it until the table is let go, the other is refused before.
    let asked = [english.as_slice(), french.as_slice()].map(|headers| Box::pin(ask(&hub, TITLES, headers)));
    let ((_, status, text), _, rest) = select_all(asked).await;
    assert_eq!(status, 503, "{text}");
    assert!(text.contains("SERVICE_UNAVAILABLE"), "{text}");
    assert!(text.contains("busy") || text.contains("occupée"), "{text}");
    held.batch_execute("ROLLBACK").await.unwrap();
    for (_, status, text) in join_all(rest).await {
        assert_eq!(status, 200, "{text}");
    }
}
