//! Documents that are small to send and large to answer.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{ANSWERED_WITHIN, Target, code, read};
use crate::socket::{Heard, Socket};
use crate::support::TestHub;

/// In how long a fragment bomb is refused, the way there and back included: the best of several, as other tests run beside it.
const REFUSED_WITHIN: Duration = Duration::from_millis(10);

/// Each fragment spreads the next one twice: so many levels ask for 2 to their power of fields.
fn fragment_bomb(levels: usize) -> String {
    let mut text = "{ ...f0 }".to_owned();
    for level in 0..levels {
        text.push_str(&format!(" fragment f{level} on Query {{ ...f{0} ...f{0} }}", level + 1));
    }
    text.push_str(&format!(" fragment f{levels} on Query {{ __typename }}"));
    text
}

/// Fragments that are each seen where nothing is deep yet, and then spread at the bottom of one another.
fn staircase(fragments: usize, steps: usize) -> String {
    let spreads: String = (0..fragments).map(|fragment| format!("...f{fragment} ")).collect();
    let mut text = format!("{{ {spreads}}} fragment f0 on Query {{ __typename }}");
    for fragment in 1..fragments {
        let (open, close) = ("... {".repeat(steps), "}".repeat(steps));
        text.push_str(&format!(" fragment f{fragment} on Query {{ {open}...f{}{close} }}", fragment - 1));
    }
    text
}

/// A document that is nested so deep between what opens and what closes it.
fn nested(before: &str, open: &str, within: &str, close: &str, after: &str, levels: usize) -> String {
    format!("{before}{}{within}{}{after}", open.repeat(levels), close.repeat(levels))
}

/// Documents that ask for too much, with the limits that may say so.
fn too_much() -> Vec<(&'static str, String, &'static [&'static str])> {
    let times = |count: usize, piece: &str| format!("{{ {} }}", piece.repeat(count));
    let aliases: String = (0..1_000).map(|alias| format!("a{alias}: __typename ")).collect();
    let circle = nested("{ __schema { types { name ", "fields { type { name ", "", "} } ", "} } }", 6);
    vec![
        ("a fragment bomb", fragment_bomb(30), &["selections", "tokens"]),
        ("1,000 aliases", format!("{{ {aliases}}}"), &["aliases"]),
        ("10,000 repeated lists", times(10_000, "topics { totalCount } "), &["tokens", "lists"]),
        ("22,000 repeated fields", times(22_000, "__typename "), &["tokens", "selections"]),
        ("500 whole contracts", times(500, "__schema { types { name } } "), &["lists", "cost"]),
        (
            "real fields in real fields",
            nested("{ ", "topics { nodes { children { nodes { parents { nodes { ", "id", "} } } } } } ", "}", 4),
            &["depth"],
        ),
        (
            "pages of pages",
            "{ topics(first: 100) { nodes { items(first: 100) { nodes { topics(first: 100) { nodes { key } } } } } } }"
                .to_owned(),
            &["cost"],
        ),
        ("1,000 directives", format!("{{ __typename {} }}", "@include(if: true) ".repeat(1_000)), &["directives"]),
        (
            "directives in a bomb",
            fragment_bomb(9).replace("__typename", "__typename @skip(if: false)"),
            &["directives"],
        ),
        ("the contract in circles", circle, &["cost", "depth"]),
        (
            "the contract in endless circles",
            nested("{ __schema { types { ", "fields { type { ", "name", "} } ", "} } }", 20),
            &["depth"],
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_ask_for_too_much_are_refused_by_the_name_of_the_limit_and_reach_no_database() {
    let hub = TestHub::with_sample_data().await;
    let mut socket = Socket::begun(hub.address).await;
    for (what, document, limits) in too_much() {
        let statements = hub.db.statements();
        let began = Instant::now();
        let request = hub.client.post(hub.url("/graphql")).header("accept", "application/graphql-response+json");
        let response = request.json(&json!({ "query": document })).send().await.unwrap();
        let media_type = response.headers()["content-type"].to_str().unwrap().to_owned();
        assert!(media_type.starts_with("application/graphql-response+json"), "{what}: {media_type}");
        let (status, answer) = read(response).await;
        assert!(began.elapsed() < ANSWERED_WITHIN, "{what} took {:?}", began.elapsed());
        assert_eq!((status, code(&answer)), (400, "QUERY_TOO_COMPLEX"), "{what}: {answer}");
        assert!(answer.get("data").is_none(), "{what}: {answer}");
        let limit = &answer["errors"][0]["extensions"]["limit"];
        let name = limit["name"].as_str().unwrap_or_default();
        assert!(limits.contains(&name), "{what}: {limit}");
        assert!(limit["asked"].as_u64().unwrap() > limit["allowed"].as_u64().unwrap(), "{what}: {limit}");
        socket.subscribe("1", &document, json!({})).await;
        let heard = socket.hear().await;
        let Heard::Said(said) = heard else { panic!("{what}: {heard:?}") };
        assert_eq!((said["id"].as_str(), said["type"].as_str()), (Some("1"), Some("error")), "{what}: {said}");
        assert_eq!(said["payload"], answer["errors"], "{what}");
        assert_eq!(hub.db.statements(), statements, "{what} reached the database");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_says_what_it_cost_and_what_it_may() {
    let hub = TestHub::with_sample_data().await;
    let answer = hub.ask("{ topics(first: 7) { nodes { key } } }").await;
    let cost = &answer["extensions"]["cost"];
    assert!((7..50).contains(&cost["requested"].as_u64().unwrap_or_default()), "{answer}");
    assert_eq!(cost["allowed"], 250_000, "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fragment_bomb_is_refused_in_no_time() {
    let target = Target::serve(&[]).await;
    let bomb = fragment_bomb(30);
    let mut socket = Socket::begun(target.address).await;
    target
        .under(async {
            let (mut best_by_http, mut best_by_socket) = (Duration::MAX, Duration::MAX);
            for _ in 0..20 {
                let began = Instant::now();
                let (status, answer) = read(target.send(&bomb).await).await;
                best_by_http = best_by_http.min(began.elapsed());
                assert_eq!((status, code(&answer)), (400, "QUERY_TOO_COMPLEX"), "{answer}");
                let began = Instant::now();
                socket.subscribe("1", &bomb, json!({})).await;
                let Heard::Said(said) = socket.hear().await else { panic!("the socket did not survive") };
                best_by_socket = best_by_socket.min(began.elapsed());
                assert_eq!(said["type"], "error", "{said}");
            }
            println!("a fragment bomb: {best_by_http:?} over HTTP, {best_by_socket:?} over a WebSocket");
            assert!(
                best_by_http < REFUSED_WITHIN && best_by_socket < REFUSED_WITHIN,
                "{best_by_http:?} {best_by_socket:?}"
            );
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forty_at_once_of_each_keep_nobody_waiting() {
    let target = Target::serve(&["--limit", "cost_per_minute=0"]).await;
    let mut documents: Vec<String> = too_much().into_iter().map(|(_, document, _)| document).collect();
    // These are within the limits, or never end by themselves.
    documents.extend([
        "{ __typename ".to_owned() + &"__typename ".repeat(9_999) + "}",
        "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }".to_owned(),
        "{ __typename } fragment a on Query { ...a }".to_owned(),
        staircase(25, 60),
        staircase(200, 1),
        fragment_bomb(12),
    ]);
    // Each is an attack of its own: the memory of the one before is kept for a while by the allocator.
    for document in documents {
        let attack = async {
            let all = (0..40).map(|_| target.send(&document));
            for response in futures_util::future::join_all(all).await {
                let (status, answer) = read(response).await;
                let is_defined = match status {
                    200 => answer == json!({ "data": { "__typename": "Query" }, "extensions": answer["extensions"] }),
                    400 => ["QUERY_TOO_COMPLEX", "GRAPHQL_VALIDATION_FAILED"].contains(&code(&answer)),
                    _ => false,
                };
                let start: String = document.chars().take(60).collect();
                assert!(is_defined, "{start}: {status} {answer}");
            }
        };
        target.under(attack).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn brackets_in_brackets_are_refused_wherever_they_stand() {
    let target = Target::serve(&["--limit", "cost_per_minute=0"]).await;
    let mut documents = Vec::new();
    for levels in [400, 3_000, 9_000, 50_000] {
        documents.extend([
            nested("", "{", "", "}", "", levels),
            nested("", "[", "", "]", "", levels),
            nested("", "(", "", ")", "", levels),
            nested("", "{a", "", "}", "", levels),
            nested("", "{...", "{a}", "}", "", levels),
            "{a".repeat(levels),
            nested("{ topics(filter: ", "[", "", "]", ") { totalCount } }", levels),
            nested("{ topics(filter: ", "{a:", "1", "}", ") { totalCount } }", levels),
            nested("query ($v: ", "[", "Int", "]", ") { __typename }", levels),
            nested("query ($v: Int = ", "[", "1", "]", ") { __typename }", levels),
            nested("{ __typename @include(if: ", "[", "", "]", ") }", levels),
            nested("{ topics(filter: ", "[", "", "", "", levels),
        ]);
    }
    target
        .under(async {
            for document in documents {
                let (status, answer) = read(target.send(&document).await).await;
                let start: String = document.chars().take(60).collect();
                let before = ["GRAPHQL_PARSE_FAILED", "QUERY_TOO_COMPLEX", "GRAPHQL_VALIDATION_FAILED"];
                let is_defined = match status {
                    400 => before.contains(&code(&answer)) && answer.get("data").is_none(),
                    // An argument that does not fit is found when its field is resolved.
                    200 if code(&answer) == "BAD_USER_INPUT" => answer["data"].is_null(),
                    // What decides whether a field is there and is neither true nor false counts as false.
                    200 => answer["data"] == json!({}),
                    _ => false,
                };
                assert!(is_defined, "{start}: {status} {answer}");
                assert!(answer.to_string().len() < 1_000, "{start} is echoed: {answer}");
            }
            for levels in [200, 3_000, 50_000] {
                // All of it fits into a body.
                for (open, close) in [("[", "]"), ("{\"\":", "}")] {
                    let value = nested("", open, "1", close, "", levels);
                    for place in ["variables", "extensions"] {
                        let value = if place == "variables" { format!("{{\"v\":{value}}}") } else { value.clone() };
                        let body = format!("{{\"query\":\"{{ __typename }}\",\"{place}\":{value}}}");
                        let (status, answer) = read(target.send_body(body).await).await;
                        assert_eq!((status, code(&answer)), (400, "BAD_REQUEST"), "{levels} {open}: {answer}");
                    }
                    let mut socket = Socket::begun(target.address).await;
                    let message = format!("{{\"type\":\"ping\",\"payload\":{value}}}");
                    socket.say_raw(tokio_tungstenite::tungstenite::Message::text(message)).await.unwrap();
                    assert_eq!(socket.code().await, 4400, "{levels} {open}");
                }
            }
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn text_that_is_none_has_its_defined_answer() {
    let target = Target::serve(&[]).await;
    let slug = |written: &str| format!("{{ organization(slug: \"{written}\") {{ id }} }}");
    let nobody = |answer: &Value| answer["data"] == json!({ "organization": null });
    target
        .under(async {
            // In the JSON itself.
            for body in [
                b"{\"query\":\"{ __typename \xff }\"}".to_vec(),
                b"{\"query\":\"{ __typename }\",\"variables\":{\"a\":\"\xed\xa0\x80\"}}".to_vec(),
                b"{\"query\":\"{ __typename }\0\"}".to_vec(),
                b"{\"query\":\"\\ud800\"}".to_vec(),
                b"{\"query\":\"{ __typename }\",\"variables\":{\"a\":\"\\udc00\\ud800\"}}".to_vec(),
                b"\xef\xbb\xbf{\"query\":\"{ __typename }\"}".to_vec(),
                b"\0".to_vec(),
            ] {
                let shown = String::from_utf8_lossy(&body).into_owned();
                let (status, answer) = read(target.send_body(body).await).await;
                assert_eq!((status, code(&answer)), (400, "BAD_REQUEST"), "{shown}: {answer}");
            }
            // In the document that the JSON holds.
            for document in [
                "{ __typename \0 }",
                "{ __typename \u{7} }",
                "{ __typename \u{fffd} }",
                "\u{202e}{",
                "\"",
                "\"\"\"",
                "#",
            ] {
                let (status, answer) = read(target.send(document).await).await;
                assert_eq!((status, code(&answer)), (400, "GRAPHQL_PARSE_FAILED"), "{document:?}: {answer}");
            }
            // In a string of the document.
            for written in [
                "\\ud800",
                "\\udc00\\ud800",
                "\\udfff x",
                "\\ud83dx",
                "\\u{110000}",
                "\\u{d800}",
                "\\uZZZZ",
                "\\u12",
                "\\x",
                "\\",
                "a\nb",
            ] {
                let (status, answer) = read(target.send(&slug(written)).await).await;
                assert_eq!((status, code(&answer)), (400, "GRAPHQL_PARSE_FAILED"), "{written:?}: {answer}");
            }
            for written in ["\\u0000", "\\ufffe", "\u{1f600}", "\\u00e9", "\u{301}"] {
                let (status, answer) = read(target.send(&slug(written)).await).await;
                assert!(status == 200 && nobody(&answer), "{written:?}: {status} {answer}");
            }
            // A pair of surrogates is one character; who does not read it so refuses it.
            let (status, answer) = read(target.send(&slug("\\ud83d\\ude00")).await).await;
            assert!(status == 200 && nobody(&answer) || code(&answer) == "GRAPHQL_PARSE_FAILED", "{status} {answer}");
            // In an address.
            for address in [
                "/graphql?query=%ff",
                "/graphql?query=%00",
                "/graphql?query={__typename}&variables=%ed%a0%80",
                "/graphql?%",
            ] {
                let (status, answer) = read(target.client.get(target.url(address)).send().await.unwrap()).await;
                assert_eq!(status, 400, "{address}: {answer}");
            }
            // In a message.
            let mut socket = Socket::begun(target.address).await;
            socket.subscribe("1", &slug("\\ud800"), json!({})).await;
            let Heard::Said(said) = socket.hear().await else { panic!("the socket did not survive") };
            assert_eq!(said["payload"][0]["extensions"]["code"], "GRAPHQL_PARSE_FAILED", "{said}");
            let message = "{\"type\":\"ping\",\"payload\":{\"a\":\"\\ud800\"}}";
            socket.say_raw(tokio_tungstenite::tungstenite::Message::text(message)).await.unwrap();
            assert_eq!(socket.code().await, 4400);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_parsed_is_not_echoed() {
    let hub = TestHub::with_sample_data().await;
    for document in
        ["{ topics(filter: { hunter2: \"hunter2 }", "hunter2", "{ hunter2(", "query hunter2 { a(b: \"\\hunter2\") }"]
    {
        let answer = hub.ask(document).await;
        assert_eq!(code(&answer), "GRAPHQL_PARSE_FAILED", "{answer}");
        assert!(!answer.to_string().contains("hunter2"), "{answer}");
        assert!(answer.to_string().len() < 400, "{answer}");
    }
}
