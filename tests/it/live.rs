//! What followers are told: every change that they can see, once, in order, and nothing else.

use serde_json::{Value, json};

use crate::lines::{self, community, consent, draft, item, organization, person, public, topic, with};
use crate::socket::{Heard, Socket};
use crate::support::{self, TestHub, file};

/// A socket that follows, and that the hub is known to have heard.
async fn following(hub: &TestHub, query: &str, variables: Value) -> Socket {
    let mut socket = Socket::begun(hub.address).await;
    socket.subscribe("1", query, variables).await;
    socket.subscribe("heard", "{ __typename }", json!({})).await;
    // What is told meanwhile is kept for whoever asks next.
    let mut early = Vec::new();
    loop {
        match socket.hear().await {
            Heard::Said(said) if said["id"] == "1" => early.push(said),
            Heard::Said(said) if said["type"] == "complete" => break,
            Heard::Said(_) => {}
            heard => panic!("{heard:?}"),
        }
    }
    socket.put_back(early);
    socket
}

async fn cursor(hub: &TestHub) -> Value {
    hub.data("{ changeCursor }").await["changeCursor"].clone()
}

/// The changes after a cursor that a filter lets through, one short text for each. The list and the stream say the same.
async fn told(hub: &TestHub, filter: &str, after: &Value) -> Vec<String> {
    let fields = "action kind nodeId fields node { key }";
    let list = format!(
        "query($after: String) {{ changes(first: 100, after: $after, filter: {filter}) {{ nodes {{ {fields} }} }} }}"
    );
    let answer = hub.ask_in("en", &list, json!({ "after": after })).await;
    let nodes = answer["data"]["changes"]["nodes"].as_array().unwrap_or_else(|| panic!("{answer}")).clone();
    let stream = format!(
        "subscription($after: String) {{ changes(after: $after, filter: {filter}) {{ change {{ {fields} }} }} }}"
    );
    let mut socket = Socket::begun(hub.address).await;
    socket.subscribe("1", &stream, json!({ "after": after })).await;
    let mut heard = Vec::new();
    for node in nodes {
        let change = socket.next().await["data"]["changes"]["change"].clone();
        assert_eq!(change, node, "the stream and the list say the same");
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        heard.push(format!("{} {} {}", text(&change["action"]), text(&change["kind"]), text(&change["node"]["key"])));
    }
    heard
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ceases_to_be_visible_is_told_as_removed_and_what_never_was_is_not() {
    let hub = TestHub::with_lines(&[]).await;
    let start = cursor(&hub).await;
    lines::read(&hub.db, &[draft("a", json!({}))]).await;
    lines::read(&hub.db, &[item("a", json!({}))]).await;
    lines::read(&hub.db, &[item("a", json!({ "title": { "en": "edited" } }))]).await;
    lines::read(&hub.db, &[item("b", json!({ "audience": [] }))]).await;
    lines::read(&hub.db, &[json!({ "retire": "item:a" })]).await;
    lines::read(&hub.db, &[json!({ "retire": "item:b" })]).await;
    // The node is as it is now: gone.
    assert_eq!(told(&hub, "{}", &start).await, ["PUBLISHED ITEM -", "UPDATED ITEM -", "REMOVED ITEM -"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_is_told_of_when_it_is_published_and_when_it_is_released_and_never_when_it_is_edited() {
    let hub = TestHub::with_lines(&[]).await;
    let query = "subscription { itemPublished { item { key title } } }";
    let mut socket = following(&hub, query, json!({})).await;
    lines::read(&hub.db, &[draft("a", json!({}))]).await;
    lines::read(&hub.db, &[item("b", json!({ "audience": [] }))]).await;
    lines::read(&hub.db, &[item("c", json!({}))]).await;
    lines::read(&hub.db, &[item("c", json!({ "title": { "en": "edited" } }))]).await;
    lines::read(&hub.db, &[item("a", json!({}))]).await;
    lines::read(&hub.db, &[item("b", json!({}))]).await;
    lines::read(&hub.db, &[item("d", json!({}))]).await;
    let mut keys = Vec::new();
    for _ in 0..4 {
        let payload = socket.next().await;
        keys.push(payload["data"]["itemPublished"]["item"]["key"].as_str().unwrap().to_owned());
    }
    assert_eq!(keys, ["c", "a", "b", "d"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_fails_half_way_delivers_nothing() {
    let hub = TestHub::with_lines(&[]).await;
    let mut socket = following(&hub, "subscription { changes { change { node { key } } } }", json!({})).await;
    let bad = with(item("bad", json!({})), json!({ "publishedAt": null }));
    let half = support::import(&hub.db, vec![file(&[item("good", json!({})), bad])]).await;
    assert!(half.is_err());
    lines::read(&hub.db, &[item("after", json!({}))]).await;
    assert_eq!(socket.next().await["data"]["changes"]["change"]["node"]["key"], "after");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_narrowed_by_what_a_change_concerns_as_far_as_it_can_be_seen() {
    let hub = TestHub::with_lines(&[
        topic("wide", json!({})),
        topic("narrow", json!({ "parents": ["wide"] })),
        organization("org", json!({})),
        organization("other", json!({})),
        community("open", json!({})),
        community("closed", json!({ "audience": [] })),
        lines::link("hosts", "HOSTS", "organization:org", "community:open"),
    ])
    .await;
    let id = async |kind: &str, slug: &str| {
        let answer = hub.data(&format!("{{ {kind}(slug: \"{slug}\") {{ id }} }}")).await;
        answer[kind]["id"].as_str().map(str::to_owned)
    };
    let (wide, org, other) = (
        id("topic", "wide").await.unwrap(),
        id("organization", "org").await.unwrap(),
        id("organization", "other").await.unwrap(),
    );
    let open = id("community", "open").await.unwrap();
    let start = cursor(&hub).await;
    lines::read(
        &hub.db,
        &[
            item(
                "of-open",
                json!({ "communities": ["open"], "topics": ["narrow"], "title": { "en": "x", "fr-CA": "x" } }),
            ),
            item("of-closed", json!({ "communities": ["closed"] })),
            item("of-both", json!({ "communities": ["closed", "open"] })),
            item("plain", json!({})),
        ],
    )
    .await;
    lines::read(&hub.db, &[organization("org", json!({ "name": { "en": "renamed" } }))]).await;
    let (of_open, of_both, renamed) = ("PUBLISHED ITEM of-open", "PUBLISHED ITEM of-both", "UPDATED ORGANIZATION org");
    for (filter, expected) in [
        (format!("{{ communities: [\"{open}\"] }}"), vec![of_open, of_both]),
        (format!("{{ organizations: [\"{org}\"] }}"), vec![of_open, of_both, renamed]),
        (format!("{{ organizations: [\"{other}\"] }}"), vec![]),
        (format!("{{ topics: [\"{wide}\"] }}"), vec![of_open]),
        ("{ languages: [\"fr\"] }".to_owned(), vec![of_open]),
        ("{ kinds: [ORGANIZATION] }".to_owned(), vec![renamed]),
        ("{ actions: [UPDATED], kinds: [ITEM, ORGANIZATION] }".to_owned(), vec![renamed]),
    ] {
        assert_eq!(told(&hub, &filter, &start).await, expected, "{filter}");
    }
    // A community that cannot be seen leads to nothing, although an item of it can be seen.
    let closed = hidden_id(&hub, "closed").await;
    assert_eq!(told(&hub, &format!("{{ communities: [\"{closed}\"] }}"), &start).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_follows_a_community_is_told_when_it_goes() {
    let hub = TestHub::with_lines(&[community("c", json!({}))]).await;
    let id = hub.data("{ community(slug: \"c\") { id } }").await["community"]["id"].clone();
    let start = cursor(&hub).await;
    lines::read(&hub.db, &[json!({ "retire": "community:c" })]).await;
    let told = told(&hub, &format!("{{ communities: [{id}] }}"), &start).await;
    assert_eq!(told.last().map(String::as_str), Some("REMOVED COMMUNITY -"), "{told:?}");
}

/// The global id of a community that nobody sees.
async fn hidden_id(hub: &TestHub, key: &str) -> String {
    use diesel_async::RunQueryDsl;
    use knowledge_hub::db::statement::Sql;
    let mut conn = hub.db.connection().await.unwrap();
    let statement =
        Sql::new("SELECT id FROM communities WHERE key = ").text(key).returning::<diesel::sql_types::Uuid>();
    let id: uuid::Uuid = statement.get_result(&mut conn).await.unwrap();
    knowledge_hub::graph::id::encode(knowledge_hub::policy::NodeKind::Community, id).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_hides_a_field_stays_and_one_who_hides_the_name_goes() {
    let hub = TestHub::with_lines(&[]).await;
    let start = cursor(&hub).await;
    let ann = |consents: Value| person("ann", json!({ "region": "CA-QC", "consents": consents }));
    lines::read(&hub.db, &[ann(json!([consent("REGION", "PUBLIC")]))]).await;
    lines::read(&hub.db, &[ann(public(&["NAME", "REGION"]))]).await;
    lines::read(&hub.db, &[ann(public(&["NAME"]))]).await;
    assert_eq!(
        told(&hub, "{ kinds: [PERSON] }", &start).await,
        ["RELEASED PERSON ann", "UPDATED PERSON ann"],
        "a field that is open is nobody's business while the name is not"
    );
    lines::read(&hub.db, &[ann(json!([]))]).await;
    let told = told(&hub, "{ kinds: [PERSON] }", &start).await;
    assert_eq!(told.last().unwrap(), "REMOVED PERSON -");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_lists_first_and_then_follows_misses_nothing_and_the_list_pages() {
    let hub = TestHub::with_lines(&[]).await;
    for number in 0..7 {
        lines::read(&hub.db, &[item(&format!("i{number}"), json!({}))]).await;
    }
    let (mut after, mut keys, mut pages) = (Value::Null, Vec::new(), 0);
    loop {
        let query = "query($after: String) { changes(first: 3, after: $after, filter: { kinds: [ITEM] }) { \
            edges { cursor node { node { key } } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }";
        let page = hub.ask_in("en", query, json!({ "after": after })).await["data"]["changes"].clone();
        assert_eq!(page["pageInfo"]["hasPreviousPage"], !after.is_null());
        let edges = page["edges"].as_array().unwrap().clone();
        assert_eq!(page["pageInfo"]["startCursor"], edges[0]["cursor"]);
        keys.extend(edges.iter().map(|edge| edge["node"]["node"]["key"].as_str().unwrap().to_owned()));
        after = page["pageInfo"]["endCursor"].clone();
        pages += 1;
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!((pages, keys), (3, (0..7).map(|number| format!("i{number}")).collect()));
    let query = "subscription($after: String) { itemPublished(after: $after) { item { key } } }";
    let mut socket = following(&hub, query, json!({ "after": after })).await;
    lines::read(&hub.db, &[item("next", json!({}))]).await;
    assert_eq!(socket.next().await["data"]["itemPublished"]["item"]["key"], "next");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bookmark_moves_the_cursor_while_nothing_is_told() {
    let hub = TestHub::with_lines(&[]).await;
    let query = "subscription { itemPublished(bookmarks: true) { cursor item { key } } }";
    let mut socket = following(&hub, query, json!({})).await;
    let start = cursor(&hub).await;
    lines::read(&hub.db, &[topic("t", json!({}))]).await;
    let bookmark = socket.next().await["data"]["itemPublished"].clone();
    assert_eq!(bookmark["item"], Value::Null);
    assert_ne!(bookmark["cursor"], start);
    let all = "query($after: String) { changes(after: $after) { nodes { action } } }";
    let rest = hub.ask_in("en", all, json!({ "after": bookmark["cursor"] })).await;
    assert_eq!(rest["data"]["changes"]["nodes"], json!([]), "it is past what was passed over");
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_ask_for_the_same_cost_one_execution_for_each_change() {
    let hub = TestHub::with_lines(&[]).await;
    let query =
        "subscription($from: String) { itemPublished(after: $from) { cursor item { key authors { totalCount } } } }";
    let start = cursor(&hub).await;
    let mut sockets = Vec::new();
    let mut cost = Vec::new();
    for (number, count) in [(0, 1), (1, 60)] {
        while sockets.len() < count {
            // Each from a cursor of its own, or from now on: they are a group all the same.
            let from = if sockets.len() % 2 == 0 { start.clone() } else { Value::Null };
            sockets.push(following(&hub, query, json!({ "from": from })).await);
        }
        // What was published before is caught up with first.
        if number > 0 {
            for (place, socket) in sockets.iter_mut().enumerate().skip(1) {
                if place % 2 == 0 {
                    assert_eq!(socket.next().await["data"]["itemPublished"]["item"]["key"], "i0");
                }
            }
        }
        let other = support::another_pool(&hub.db).await;
        let before = hub.db.statements();
        lines::read(&other, &[item(&format!("i{number}"), json!({}))]).await;
        for socket in &mut sockets {
            assert_eq!(socket.next().await["data"]["itemPublished"]["item"]["key"], format!("i{number}"));
        }
        cost.push(hub.db.statements() - before);
    }
    assert!(cost[0] > 0 && cost[0] == cost[1], "{cost:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn viewers_with_other_rights_never_share_a_message() {
    use knowledge_hub::http::execution::{Asker, Parameters};
    use knowledge_hub::http::live;
    use knowledge_hub::policy::Viewer;
    use knowledge_hub::text::language::{LanguageTag, Languages};
    let hub = TestHub::with_lines(&[]).await;
    let query = "subscription { itemPublished { cursor item { key } } }";
    let open = async |viewer: Viewer| {
        let languages = Languages::new(vec![LanguageTag::english()], LanguageTag::english());
        let asker = Asker::new(hub.hub.clone(), viewer, languages);
        let parameters = serde_json::from_value::<Parameters>(json!({ "query": query })).unwrap();
        live::open(&asker, asker.prepare(parameters).unwrap(), None).await.unwrap()
    };
    let mut anonymous = open(Viewer::Anonymous).await;
    let mut system = open(Viewer::system("one")).await;
    let mut same = open(Viewer::system("one")).await;
    let mut another = open(Viewer::system("another")).await;
    lines::read(&hub.db, &[draft("secret", json!({}))]).await;
    lines::read(&hub.db, &[item("open", json!({}))]).await;
    let [shown, seen, shared, own] = [
        anonymous.next().await.unwrap(),
        system.next().await.unwrap(),
        same.next().await.unwrap(),
        another.next().await.unwrap(),
    ];
    assert!(shown.payload.contains("open"), "{}", shown.payload);
    assert!(std::sync::Arc::ptr_eq(&seen, &shared), "equal viewers are one group");
    assert!(!std::sync::Arc::ptr_eq(&seen, &own), "others are not, even where they see the same");
    assert!(!std::sync::Arc::ptr_eq(&seen, &shown));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_made_before_something_was_taken_away_is_not_given_any_more() {
    use knowledge_hub::http::execution::{Asker, Parameters};
    use knowledge_hub::http::live;
    use knowledge_hub::policy::Viewer;
    use knowledge_hub::text::language::{LanguageTag, Languages};
    let hub = TestHub::with_lines(&[]).await;
    let query = "subscription { changes { cursor change { action node { key } } } }";
    let languages = Languages::new(vec![LanguageTag::english()], LanguageTag::english());
    let asker = Asker::new(hub.hub.clone(), Viewer::Anonymous, languages);
    let open = async || {
        let parameters = serde_json::from_value::<Parameters>(json!({ "query": query })).unwrap();
        live::open(&asker, asker.prepare(parameters).unwrap(), None).await.unwrap()
    };
    let (mut prompt, mut late) = (open().await, open().await);
    lines::read(&hub.db, &[item("a", json!({}))]).await;
    // The one who reads at once has the message as it was made; it is in the group's window from now on.
    assert!(prompt.next().await.unwrap().payload.contains("\"a\""));
    lines::read(&hub.db, &[json!({ "retire": "item:a" })]).await;
    assert!(prompt.next().await.unwrap().payload.contains("REMOVED"));
    let payload = late.next().await.unwrap().payload.clone();
    assert!(payload.contains("PUBLISHED") && payload.contains("\"node\":null"), "{payload}");
    assert!(late.next().await.unwrap().payload.contains("REMOVED"));
}

/// Appends changes that everybody may see, 10 KB each when they are told.
async fn append_large(hub: &TestHub, count: usize) {
    use diesel_async::SimpleAsyncConnection;
    let insert = format!(
        "INSERT INTO changes (action, kind, node_id, fields, communities, topics, languages, audience_before, \
         audience_after, actor) SELECT 'UPDATED', 'TOPIC', gen_random_uuid(), ARRAY[repeat('x', 10000)], '{{}}', '{{}}', \
         '{{}}', '{{public}}', '{{public}}', 'test' FROM generate_series(1, {count})"
    );
    hub.db.connection().await.unwrap().batch_execute(&insert).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_falls_behind_what_is_kept_again_and_again_is_told_each_change_once() {
    use knowledge_hub::http::execution::Asker;
    use knowledge_hub::http::live;
    let hub = TestHub::with_lines(&[]).await;
    let asker = Asker::anonymous(hub.hub.clone(), &Default::default());
    let query = "subscription { changes { cursor change { fields } } }";
    let open = async || {
        let parameters = serde_json::from_value(json!({ "query": query })).unwrap();
        live::open(&asker, asker.prepare(parameters).unwrap(), None).await.unwrap()
    };
    let (mut prompt, mut slow) = (open().await, open().await);
    let (mut told, mut expected) = (Vec::new(), Vec::new());
    // A window holds some 25 of them: the slow one is behind it, then within it, then behind it, then within it.
    for (appended, taken) in [(40, 40), (5, 5), (70, 60), (3, 13)] {
        append_large(&hub, appended).await;
        for _ in 0..appended {
            expected.push(prompt.next().await.unwrap().cursor.position);
        }
        for _ in 0..taken {
            told.push(slow.next().await.unwrap().cursor.position);
        }
    }
    assert_eq!(told, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_nobody_gave_notice_of_is_told_all_the_same() {
    use diesel_async::SimpleAsyncConnection;
    let hub = TestHub::with_lines(&[]).await;
    let silence = "DROP TRIGGER followers_told ON changes";
    hub.db.connection().await.unwrap().batch_execute(silence).await.unwrap();
    let mut socket = following(&hub, "subscription { itemPublished { item { key } } }", json!({})).await;
    lines::read(&hub.db, &[item("quiet", json!({}))]).await;
    assert_eq!(socket.next().await["data"]["itemPublished"]["item"]["key"], "quiet");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_of_a_database_that_was_cloned_or_restored_has_expired() {
    use diesel_async::SimpleAsyncConnection;
    let hub = TestHub::with_lines(&[item("a", json!({}))]).await;
    let before = cursor(&hub).await;
    // As it is in a clone: the stamp is that of another table.
    let clone = "UPDATE log_epoch SET log_oid = log_oid + 1";
    hub.db.connection().await.unwrap().batch_execute(clone).await.unwrap();
    let started = TestHub::over(support::another_pool(&hub.db).await).await;
    let asked = format!("{{ changes(after: {before}) {{ nodes {{ kind }} }} }}");
    assert_eq!(started.error(&asked).await.0, "CURSOR_EXPIRED");
    assert_ne!(cursor(&started).await, before);
}
