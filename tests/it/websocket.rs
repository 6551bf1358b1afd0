//! graphql-transport-ws and graphql-sse, rule by rule.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::lines::{self, item};
use crate::processes;
use crate::socket::{Event, Events, Heard, Socket};
use crate::support::{self, TestHub};

const CHANGES: &str =
    "subscription($after: String) { changes(after: $after) { cursor change { action kind fields } } }";

fn subscribe(id: &str, query: &str) -> Value {
    json!({ "id": id, "type": "subscribe", "payload": { "query": query } })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_the_protocol_closes_the_socket_with_its_code() {
    let hub = TestHub::with_lines(&[]).await;
    let init = json!({ "type": "connection_init" });
    let bad: [(&[Value], u16); 13] = [
        (&[subscribe("1", "{ __typename }")], 4401),
        (&[init.clone(), init.clone()], 4429),
        (&[json!("text")], 4400),
        (&[json!([init.clone()])], 4400),
        (&[json!({ "type": "start", "id": "1", "payload": { "query": "{ __typename }" } })], 4400),
        (&[json!({ "id": "1" })], 4400),
        (&[json!({ "type": "connection_init", "payload": 7 })], 4400),
        (&[init.clone(), json!({ "type": "subscribe", "payload": { "query": "{ __typename }" } })], 4400),
        (&[init.clone(), json!({ "type": "subscribe", "id": "", "payload": { "query": "{ __typename }" } })], 4400),
        (&[init.clone(), json!({ "type": "subscribe", "id": "1", "payload": {} })], 4400),
        (&[init.clone(), json!({ "type": "subscribe", "id": "1" })], 4400),
        (&[init.clone(), json!({ "type": "x".repeat(1000) })], 4400),
        (&[init.clone(), subscribe("1", CHANGES), subscribe("1", CHANGES)], 4409),
    ];
    for (messages, code) in bad {
        let mut socket = Socket::open(hub.address).await;
        for message in messages {
            socket.say(message).await;
        }
        assert_eq!(socket.code().await, code, "{messages:?}");
    }
    for (message, code) in [
        (Message::text("{"), 4400),
        (Message::binary(b"{}".to_vec()), 4400),
        (Message::text(format!("{{\"type\":\"ping\",\"payload\":{{\"a\":\"{}\"}}}}", "x".repeat(300_000))), 1009),
    ] {
        let mut socket = Socket::begun(hub.address).await;
        socket.say_raw(message).await.unwrap();
        assert_eq!(socket.code().await, code);
    }
    // Whoever speaks no protocol that the hub knows is told so by the code.
    let mut mute = Socket::try_open(hub.address, &[]).await.unwrap();
    assert_eq!(mute.code().await, 4406);
    // Ten seconds are given to begin.
    let mut silent = Socket::open(hub.address).await;
    assert_eq!(silent.code().await, 4408);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_pages_of_the_hub_open_sockets() {
    let hub = TestHub::with_lines(&[]).await;
    let protocol = ("sec-websocket-protocol", "graphql-transport-ws");
    let own = format!("http://{}", hub.address);
    for (origin, is_trusted) in [
        (own.as_str(), true),
        ("https://partner.example", true),
        ("http://partner.example", false),
        ("https://evil.example", false),
        ("null", false),
        (&format!("{own}.evil.example"), false),
        ("", false),
    ] {
        let opened = Socket::try_open(hub.address, &[protocol, ("origin", origin)]).await;
        assert_eq!(opened.as_ref().err().copied(), if is_trusted { None } else { Some(403) }, "{origin}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pings_queries_and_operations_side_by_side_are_served_on_one_socket() {
    let hub = TestHub::with_lines(&[]).await;
    let mut socket = Socket::begun(hub.address).await;
    socket.say(&json!({ "type": "ping" })).await;
    assert_eq!(socket.hear().await, Heard::Said(json!({ "type": "pong" })));
    socket.say(&json!({ "type": "ping", "payload": { "a": 1 } })).await;
    assert_eq!(socket.hear().await, Heard::Said(json!({ "type": "pong", "payload": { "a": 1 } })));
    socket.say(&json!({ "type": "pong" })).await;
    socket.subscribe("a", CHANGES, json!({})).await;
    socket.subscribe("b", "subscription { itemPublished { item { key } } }", json!({})).await;
    // An answer to a query also tells that what was said before has been heard.
    socket.subscribe("q", "{ __typename }", json!({})).await;
    let extensions = json!({ "cost": { "requested": 1, "allowed": 250_000 } });
    let payload = json!({ "data": { "__typename": "Query" }, "extensions": extensions });
    assert_eq!(socket.hear().await, Heard::Said(json!({ "id": "q", "type": "next", "payload": payload })));
    assert_eq!(socket.hear().await, Heard::Said(json!({ "id": "q", "type": "complete" })));
    lines::read(&hub.db, &[item("one", json!({}))]).await;
    let mut heard = Vec::new();
    for _ in 0..2 {
        let Heard::Said(said) = socket.hear().await else { panic!() };
        heard.push((said["id"].as_str().unwrap().to_owned(), said["payload"]["data"].clone()));
    }
    heard.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(heard[0].1["changes"]["change"]["action"], "PUBLISHED");
    assert_eq!(heard[1].1, json!({ "itemPublished": { "item": { "key": "one" } } }));
    // What is given up is not echoed, and its id is free again.
    socket.say(&json!({ "id": "a", "type": "complete" })).await;
    socket.subscribe("a", "{ __typename }", json!({})).await;
    let Heard::Said(said) = socket.hear().await else { panic!() };
    assert_eq!(said["type"], "next");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_followed_is_one_error_and_the_socket_lives() {
    let hub = TestHub::with_lines(&[]).await;
    let mut socket = Socket::begun(hub.address).await;
    let cursor = hub.data("{ changeCursor }").await["changeCursor"].as_str().unwrap().to_owned();
    let elsewhere = knowledge_hub::changes::cursor::Cursor::at(uuid::Uuid::nil(), 0).write();
    let mut ahead = knowledge_hub::changes::cursor::Cursor::read(&cursor).unwrap();
    ahead.position += 1_000;
    let after = |cursor: &str| format!("subscription {{ changes(after: \"{cursor}\") {{ cursor }} }}");
    for (query, code) in [
        ("subscription {".to_owned(), "GRAPHQL_PARSE_FAILED"),
        ("subscription { nothing }".to_owned(), "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { changes { cursor } itemPublished { cursor } }".to_owned(), "GRAPHQL_VALIDATION_FAILED"),
        ("{ topics { nothing } }".to_owned(), "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { changes(filter: { topics: [\"x\"] }) { cursor } }".to_owned(), "BAD_USER_INPUT"),
        ("subscription { changes(languages: [\"no tag\"]) { cursor } }".to_owned(), "BAD_USER_INPUT"),
        (format!("subscription {{ changes {{ cursor }} }}{}", " ".repeat(40_000)), "QUERY_TOO_COMPLEX"),
        (after("nonsense"), "CURSOR_MALFORMED"),
        (after(&elsewhere), "CURSOR_EXPIRED"),
        (after(&ahead.write()), "CURSOR_AHEAD"),
    ] {
        socket.subscribe("1", &query, json!({})).await;
        let Heard::Said(said) = socket.hear().await else { panic!("{query}") };
        assert_eq!((said["id"].as_str(), said["type"].as_str()), (Some("1"), Some("error")), "{query}: {said}");
        let errors = said["payload"].as_array().unwrap();
        assert_eq!(errors[0]["extensions"]["code"], code, "{query}: {said}");
        // The same codes by the query.
        if query.contains("after:") {
            let asked = query.replace("subscription", "").replace("{ cursor }", "{ pageInfo { endCursor } }");
            assert_eq!(hub.error(&asked).await.0, code, "{asked}");
        }
    }
    for number in 0..100 {
        socket.say(&subscribe(&format!("s{number}"), CHANGES)).await;
    }
    socket.say(&subscribe("more", CHANGES)).await;
    let Heard::Said(said) = socket.hear().await else { panic!() };
    assert_eq!(said["payload"][0]["extensions"]["code"], "TOO_MANY_SUBSCRIPTIONS", "{said}");
    socket.say(&json!({ "type": "ping" })).await;
    assert_eq!(socket.hear().await, Heard::Said(json!({ "type": "pong" })));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_languages_of_a_socket_are_those_of_its_init() {
    let hub = TestHub::with_lines(&[]).await;
    let mut socket = Socket::open(hub.address).await;
    socket.say(&json!({ "type": "connection_init", "payload": { "acceptLanguage": "fr" } })).await;
    socket.hear().await;
    let query = "subscription { itemPublished { item { title language } } }";
    socket.subscribe("fr", query, json!({})).await;
    socket.subscribe("en", &query.replace("itemPublished", "itemPublished(languages: [\"en\"])"), json!({})).await;
    socket.subscribe("q", "{ __typename }", json!({})).await;
    socket.hear().await;
    socket.hear().await;
    lines::read(&hub.db, &[item("one", json!({ "title": { "en": "Guide", "fr": "Le guide" } }))]).await;
    let mut titles = Vec::new();
    for _ in 0..2 {
        let Heard::Said(said) = socket.hear().await else { panic!() };
        titles.push(format!("{} {}", said["id"], said["payload"]["data"]["itemPublished"]["item"]["title"]));
    }
    titles.sort();
    assert_eq!(titles, [r#""en" "Guide""#, r#""fr" "Le guide""#]);
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_of_events_carry_their_cursors_and_go_on_from_the_last() {
    let hub = TestHub::with_lines(&[]).await;
    let query = "subscription($after: String) { itemPublished(after: $after) { cursor item { key } } }";
    let get = |variables: Value| {
        hub.client.get(hub.url("/graphql")).query(&[("query", query), ("variables", &variables.to_string())])
    };
    let start = hub.data("{ changeCursor }").await["changeCursor"].clone();
    for key in ["one", "two", "three"] {
        lines::read(&hub.db, &[item(key, json!({}))]).await;
    }
    let key_of = |event: &Event| {
        serde_json::from_str::<Value>(&event.data).unwrap()["data"]["itemPublished"]["item"]["key"].clone()
    };
    let mut events = Events::open(get(json!({ "after": start }))).await;
    let mut ids = Vec::new();
    for key in ["one", "two", "three"] {
        let event = events.next().await.unwrap();
        let data: Value = serde_json::from_str(&event.data).unwrap();
        assert_eq!((event.name.as_str(), key_of(&event)), ("next", json!(key)));
        assert_eq!(data["data"]["itemPublished"]["cursor"], event.id.clone().unwrap());
        ids.push(event.id.unwrap());
    }
    drop(events);
    // The id of the last event overrides the cursor in the document.
    let mut again = Events::open(get(json!({ "after": start })).header("last-event-id", &ids[1])).await;
    assert_eq!(key_of(&again.next().await.unwrap()), "three");
    lines::read(&hub.db, &[item("four", json!({}))]).await;
    assert_eq!(key_of(&again.next().await.unwrap()), "four");
    // A query is one event, and the end is told.
    let asked = hub.client.post(hub.url("/graphql")).json(&json!({ "query": "{ __typename }" }));
    let mut once = Events::open(asked).await;
    assert!(once.next().await.unwrap().data.starts_with(r#"{"data":{"__typename":"Query"},"#));
    assert_eq!(once.next().await.unwrap().name, "complete");
    assert_eq!(once.next().await, None);
    // A cursor that cannot be followed is told in the stream.
    let mut malformed = Events::open(get(json!({ "after": "nonsense" }))).await;
    let event = malformed.next().await.unwrap();
    assert!(event.name == "next" && event.data.contains("CURSOR_MALFORMED"), "{event:?}");
    assert_eq!(malformed.next().await.unwrap().name, "complete");
    // What does not fit the contract is told in the stream, and what is no document in an ordinary answer.
    for document in ["subscription { nothing }", "{ nothing }"] {
        let mut refused = Events::open(hub.client.get(hub.url("/graphql")).query(&[("query", document)])).await;
        let event = refused.next().await.unwrap();
        assert!(event.name == "next" && event.data.contains("GRAPHQL_VALIDATION_FAILED"), "{event:?}");
        assert_eq!(refused.next().await.unwrap().name, "complete");
    }
    let request = hub.client.get(hub.url("/graphql")).query(&[("query", "subscription {")]);
    let response = request.header("accept", "text/event-stream").send().await.unwrap();
    assert_eq!(response.status(), 400);
    assert!(response.json::<Value>().await.unwrap()["errors"].is_array());
    // Without either transport a subscription is refused in a sentence that says which there are.
    let (code, sentence) = hub.error("subscription { changes { cursor } }").await;
    assert!(code == "BAD_REQUEST" && sentence.contains("text/event-stream"), "{code} {sentence}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_stops_tells_its_sockets_ends_its_streams_and_is_gone_soon() {
    use nix::sys::signal::{Signal, kill};
    let db = support::database("empty", 1).await;
    let address = support::address_of(&db).await;
    let command = processes::hub(&["serve", "--listen", "127.0.0.1:0", "--database-url", &address]);
    let mut running = processes::start(command);
    let mut socket = Socket::begun(running.address).await;
    socket.subscribe("1", CHANGES, json!({})).await;
    let query = [("query", "subscription { changes(bookmarks: true) { cursor } }")];
    let url = format!("http://{}/graphql", running.address);
    let mut events = Events::open(support::client().get(url).query(&query)).await;
    let began = std::time::Instant::now();
    kill(nix::unistd::Pid::from_raw(running.child.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
    assert_eq!(socket.code().await, 1012);
    // A stream that is over for the client would say complete; this one is to be opened again.
    assert_eq!(events.next().await, None);
    assert!(running.child.wait().unwrap().success());
    assert!(began.elapsed() < std::time::Duration::from_secs(8), "it need not wait for its deadline");
}
