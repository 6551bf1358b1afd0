//! What anonymous readers loaded is given to the next who load the same, and never when it may be out of date.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use knowledge_hub::changes::end::End;
use knowledge_hub::http::execution::{Asker, Parameters};
use knowledge_hub::policy::Viewer;
use knowledge_hub::text::language::{LanguageTag, Languages};
use serde_json::{Value, json};

use crate::lines::{self, community, item, person, public, with};
use crate::support::{self, TestHub};

/// An item of the circle.
fn guide(key: &str, more: Value) -> Value {
    item(key, with(json!({"communities": ["circle"]}), more))
}

/// One that a person made.
fn made(more: Value) -> Value {
    guide("a", with(json!({"authors": [{"byline": "S. Person", "person": "p"}]}), more))
}

async fn hub() -> TestHub {
    TestHub::with_lines(&[
        community("circle", json!({})),
        person("p", json!({"consents": public(&["NAME"])})),
        made(json!({})),
        guide("b", json!({})),
    ])
    .await
}

/// What is asked of a list, of a parent's and of the whole one: pages, counts, facets and coverages.
const FIELDS: &str = "{ totalCount nodes { key title authors { nodes { byline person { name } } } } \
    pageInfo { endCursor } facets(by: [KIND]) { buckets { value count } } completeness(language: \"fr\") { completeCount } }";

/// Everything that is loaded: rows by id and slug, lists, and what a search finds.
fn everything() -> String {
    format!(
        "{{ community(slug: \"circle\") {{ displayName activeMemberCount {{ value }} items {FIELDS} }} items {FIELDS} \
         search(text: \"circle\") {{ totalCount nodes {{ key }} facets(by: [KIND]) {{ buckets {{ value count }} }} }} }}"
    )
}

/// The data, as somebody is told who asks in words that nobody used before, so that no whole answer is kept.
async fn new_question(hub: &TestHub, query: &str) -> Value {
    static ASKED: AtomicU64 = AtomicU64::new(0);
    let number = ASKED.fetch_add(1, Ordering::Relaxed);
    let body = json!({"query": query, "extensions": {"question": number}});
    let request = hub.client.post(hub.url("/graphql")).header("accept-language", "en").json(&body);
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["cache-status"], "hub; fwd=miss");
    let answer: Value = response.json().await.unwrap();
    assert!(answer.get("errors").is_none(), "{answer}");
    answer["data"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_about_rows_that_others_loaded_takes_no_statement() {
    let hub = hub().await;
    let first = new_question(&hub, &everything()).await;
    assert_eq!(first["items"]["totalCount"], 2, "{first}");
    assert_eq!(first["community"]["items"]["nodes"], first["items"]["nodes"]);
    let before = hub.db.statements();
    assert_eq!(new_question(&hub, &everything()).await, first);
    // Rows that came with a page are found by their ids, in whatever language they are wanted.
    let by_id = "{ community(slug: \"circle\", languages: [\"fr\"]) { key } }";
    new_question(&hub, by_id).await;
    assert_eq!(hub.db.statements() - before, 0);
    assert_eq!(hub.data_anew(&everything()).await, first);
    assert!(hub.db.statements() - before >= 10, "whoever wants nothing kept is told what the database says");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_another_process_changed_is_in_the_next_answer() {
    let hub = hub().await;
    let other = support::another_pool(&hub.db).await;
    let steps = [
        ("a title", guide("b", json!({"title": {"en": "better"}}))),
        ("an item more", guide("c", json!({"itemKind": "WEBINAR"}))),
        ("an item is hidden", made(json!({"audience": []}))),
        ("and shown again", made(json!({}))),
        ("a consent is withdrawn", person("p", json!({"consents": []}))),
        ("a byline", made(json!({"authors": [{"byline": "Somebody"}]}))),
        ("the community's name", community("circle", json!({"name": {"en": "Circle of readers"}}))),
        ("an item is retired", json!({"retire": "item:b"})),
    ];
    let mut seen = BTreeSet::from([new_question(&hub, &everything()).await.to_string()]);
    for (what, line) in steps {
        // What lies on the shelf is used.
        let before = hub.db.statements();
        let kept = new_question(&hub, &everything()).await;
        assert_eq!(hub.db.statements() - before, 0, "before {what}");
        lines::read(&other, &[line]).await;
        let now = new_question(&hub, &everything()).await;
        assert_ne!(now, kept, "{what}");
        assert_eq!(now, hub.data_anew(&everything()).await, "{what}");
        seen.insert(now.to_string());
    }
    assert!(seen.len() >= 8, "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_never_see_less_than_what_was_committed_before_they_asked() {
    const WRITES: usize = 30;
    let hub = hub().await;
    let other = support::another_pool(&hub.db).await;
    let committed = AtomicUsize::new(0);
    let query = "{ items(first: 100) { totalCount nodes { key } } }";
    let writing = async {
        for number in 0..WRITES {
            lines::read(&other, &[guide(&format!("n{number}"), json!({}))]).await;
            committed.store(number + 1, Ordering::SeqCst);
        }
    };
    let reading = || async {
        while committed.load(Ordering::SeqCst) < WRITES {
            let before = committed.load(Ordering::SeqCst);
            let items = &new_question(&hub, query).await["items"];
            let (count, rows) = (items["totalCount"].as_u64().unwrap(), items["nodes"].as_array().unwrap().len());
            assert!(count >= before as u64 + 2, "{count} of {before} and two");
            assert!(rows >= before + 2, "{rows} of {before} and two");
        }
    };
    tokio::join!(writing, join_all((0..8).map(|_| reading())));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_ask_at_once_share_one_reading_of_the_end_of_the_log() {
    let hub = hub().await;
    let end = End::new(hub.db.clone());
    let positions = join_all((0..30).map(|_| end.position())).await;
    let first = positions[0].unwrap();
    assert!(first > 0 && positions.iter().all(|position| *position == Some(first)), "{positions:?}");
    assert_eq!(end.readings(), 2, "the first one, and one that began after all others came");
    lines::read(&hub.db, &[guide("c", json!({}))]).await;
    assert!(end.position().await.unwrap() > first);
}

/// The data, as a viewer is told whose request found the log at a position and then had to wait.
async fn asked_at(hub: &TestHub, viewer: Viewer, position: i64, query: &str) -> Value {
    let languages = Languages::new(vec![LanguageTag::english()], LanguageTag::english());
    let asker = Asker::new(hub.hub.clone(), viewer, languages);
    let parameters = serde_json::from_value::<Parameters>(json!({ "query": query })).unwrap();
    let body = asker.execute(asker.prepare(parameters).unwrap(), Some(position)).await.unwrap();
    serde_json::from_slice::<Value>(&body).unwrap()["data"].clone()
}

/// Writes a line that the hub has been told of when this returns.
async fn write(hub: &TestHub, line: Value) {
    let mut moved = hub.hub.tail().moved();
    lines::read(&hub.db, &[line]).await;
    tokio::time::timeout(Duration::from_secs(30), moved.changed()).await.expect("nothing was told").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_is_not_later_than_what_a_shelf_shows_with_it_nor_a_change_than_its_node() {
    let hub = hub().await;
    let query = "{ changeCursor item(slug: \"b\") { version } }";
    let position = hub.hub.position().await.unwrap();
    let start = asked_at(&hub, Viewer::Anonymous, position, query).await;
    assert_eq!(start["item"]["version"], 1);
    write(&hub, guide("b", json!({"title": {"en": "better"}}))).await;
    assert_eq!(asked_at(&hub, Viewer::Anonymous, position, query).await, start, "whoever follows from there is told");
    let changes = |cursor: &Value| {
        format!("{{ changes(after: {cursor}) {{ nodes {{ action node {{ ... on Item {{ version }} }} }} }} }}")
    };
    let told = asked_at(&hub, Viewer::Anonymous, position, &changes(&start["changeCursor"])).await;
    assert_eq!(told["changes"]["nodes"], json!([{"action": "UPDATED", "node": {"version": 2}}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_in_the_order_of_its_own_rows_whatever_lies_on_the_shelf() {
    let hub = hub().await;
    let position = hub.hub.position().await.unwrap();
    asked_at(&hub, Viewer::Anonymous, position, "{ item(slug: \"a\") { title } }").await;
    write(&hub, made(json!({"title": {"en": "zebra"}}))).await;
    let query = "{ items(orderBy: { field: TITLE }) { edges { cursor node { title } } } }";
    for _ in 0..2 {
        let page = asked_at(&hub, Viewer::Anonymous, position, query).await;
        assert_eq!(page["items"]["edges"][1]["node"]["title"], "zebra");
        assert_eq!(page, hub.data_anew(query).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shelf_is_for_those_alone_who_see_no_more_than_everybody() {
    let hub = hub().await;
    lines::read(&hub.db, &[guide("secret", json!({"audience": []}))]).await;
    let position = hub.hub.position().await.unwrap();
    let query = "{ items { totalCount nodes { key } } item(slug: \"secret\") { key } }";
    for _ in 0..2 {
        let all = asked_at(&hub, Viewer::system("a test"), position, query).await;
        assert_eq!((&all["items"]["totalCount"], &all["item"]["key"]), (&json!(3), &json!("secret")));
        let public = asked_at(&hub, Viewer::Anonymous, position, query).await;
        assert_eq!((&public["items"]["totalCount"], &public["item"]), (&json!(2), &Value::Null));
        assert!(!public.to_string().contains("secret"), "{public}");
    }
}
