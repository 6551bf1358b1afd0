//! Sockets and event streams: too many, and those that pages of other sites open.

use serde_json::{Value, json};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Message;

use super::{DEADLINE, ELSEWHERE, Target, code, read};
use crate::socket::{Events, Heard, Socket};
use crate::support;

const PROTOCOL: (&str, &str) = ("sec-websocket-protocol", "graphql-transport-ws");

const FOLLOWED: &str = "subscription { itemPublished { item { key } } }";

/// The type and, where there is one, the code of what a socket says of an operation.
fn said(heard: Heard) -> (String, String, String) {
    let Heard::Said(said) = heard else { panic!("{heard:?}") };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&said["id"]), text(&said["type"]), text(&said["payload"][0]["extensions"]["code"]))
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_thousand_subscriptions_on_one_socket_a_hundred_are_taken() {
    let target = Target::serve(&[]).await;
    let mut socket = Socket::begun(target.address).await;
    target
        .under(async {
            for number in 0..1_000 {
                socket.subscribe(&format!("s{number}"), FOLLOWED, json!({})).await;
            }
            for number in 100..1_000 {
                let expected = (format!("s{number}"), "error".to_owned(), "TOO_MANY_SUBSCRIPTIONS".to_owned());
                assert_eq!(said(socket.hear().await), expected);
            }
            // The hundred are there and silent, and one that is given up makes room for another.
            socket.say(&json!({ "type": "complete", "id": "s0" })).await;
            socket.subscribe("again", "{ __typename }", json!({})).await;
            assert_eq!(said(socket.hear().await).1, "next");
            assert_eq!(said(socket.hear().await), ("again".to_owned(), "complete".to_owned(), String::new()));
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_has_as_many_streams_as_one_may() {
    let target = Target::serve(&["--limit", "streams_per_address=3"]).await;
    let url = target.url("/graphql");
    let followed =
        |client: &reqwest::Client| client.get(&url).query(&[("query", FOLLOWED)]).header("accept", "text/event-stream");
    target
        .under(async {
            let mut socket = Socket::begun(target.address).await;
            let second = Socket::begun(target.address).await;
            let _stream = Events::open(followed(&target.client)).await;
            for _ in 0..50 {
                assert_eq!(Socket::try_open(target.address, &[PROTOCOL]).await.err(), Some(429));
                let (status, answer) = read(followed(&target.client).send().await.unwrap()).await;
                assert_eq!(status, 429, "{answer}");
                assert!(["RATE_LIMITED", "TOO_MANY_SUBSCRIPTIONS"].contains(&code(&answer)), "{answer}");
            }
            // Others, and queries of the same address, are served.
            let other = support::client_builder().local_address(ELSEWHERE).build().unwrap();
            let _others = Events::open(followed(&other)).await;
            assert_eq!(target.send("{ __typename }").await.status(), 200);
            socket.say(&json!({ "type": "ping" })).await;
            assert_eq!(socket.hear().await, Heard::Said(json!({ "type": "pong" })));
            // A place that is given back is free.
            drop(second);
            let (deadline, mut looks) =
                (Instant::now() + DEADLINE, tokio::time::interval(std::time::Duration::from_millis(20)));
            while Socket::try_open(target.address, &[PROTOCOL]).await.is_err() {
                assert!(Instant::now() < deadline, "the place was not given back");
                looks.tick().await;
            }
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_sites_open_no_socket() {
    let target = Target::serve(&["--origins", "https://partner.example"]).await;
    target
        .under(async {
            let own = format!("http://{}", target.address);
            let foreign = [
                "https://evil.example",
                "null",
                "",
                "file://",
                "http://partner.example",
                "https://partner.example.evil.example",
                "https://partner.example@evil.example",
                "https://partner.example:8443",
                &format!("{own}.evil.example"),
                &format!("{own}@evil.example"),
            ];
            for origin in foreign.iter().cycle().take(100) {
                let opened = Socket::try_open(target.address, &[PROTOCOL, ("origin", origin)]).await;
                assert_eq!(opened.err(), Some(403), "{origin}");
            }
            for origin in [own.as_str(), "https://partner.example"] {
                assert!(Socket::try_open(target.address, &[PROTOCOL, ("origin", origin)]).await.is_ok(), "{origin}");
            }
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_that_are_opened_and_left_leave_nothing() {
    let target = Target::serve(&["--limit", "streams_per_address=50"]).await;
    target
        .under(async {
            for _ in 0..10 {
                let mut sockets =
                    futures_util::future::join_all((0..50).map(|_| Socket::try_begun(target.address))).await;
                for socket in sockets.iter_mut().flatten() {
                    socket.subscribe("1", FOLLOWED, json!({})).await;
                }
            }
        })
        .await;
    let (deadline, mut looks) =
        (Instant::now() + DEADLINE, tokio::time::interval(std::time::Duration::from_millis(20)));
    loop {
        let sockets = futures_util::future::join_all((0..50).map(|_| Socket::try_begun(target.address))).await;
        if sockets.iter().all(Option::is_some) {
            break;
        }
        assert!(Instant::now() < deadline, "places were not given back");
        looks.tick().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_are_too_large_are_not_kept() {
    let target = Target::serve(&[]).await;
    target
        .under(async {
            let all = (0..20).map(|_| async {
                let mut socket = Socket::begun(target.address).await;
                // The socket may be closed before all of it is sent.
                let _ = socket.say_raw(Message::text("x".repeat(10 * 1024 * 1024))).await;
                socket.hear().await
            });
            for heard in futures_util::future::join_all(all).await {
                assert!(matches!(heard, Heard::Closed(1009) | Heard::Ended), "{heard:?}");
            }
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn for_a_socket_that_never_reads_nothing_is_kept() {
    let target = Target::serve(&["--limit", "cost_per_minute=0"]).await;
    let contract = json!({ "id": "1", "type": "subscribe", "payload": { "query": "{ __schema { types { name description } } }" } });
    let ping = json!({ "type": "ping", "payload": { "a": "x".repeat(10_000) } });
    let said = [contract, ping];
    target
        .under(async {
            let all = said.iter().cycle().take(20).map(|message| async {
                let mut socket = Socket::begun(target.address).await;
                let saying = async { while socket.try_say(message).await.is_some() {} };
                // The hub reads no more from whoever does not read what it answers.
                let _ = timeout(std::time::Duration::from_secs(2), saying).await;
                socket
            });
            futures_util::future::join_all(all.collect::<Vec<_>>()).await
        })
        .await;
}
