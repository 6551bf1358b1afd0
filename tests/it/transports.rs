//! What the transports promise beside the answer itself: documents by name and by hash, caching, other origins, the cost.

use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::callers::{self, Caller};
use crate::socket::{Heard, Socket};
use crate::support::{self, TestHub};

const TOPICS: &str = "query Topics($n: Int = 2) { topics(first: $n) { nodes { name } } }";

async fn with_documents(flags: &[&str]) -> (TestHub, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("topics.graphql"), TOPICS).unwrap();
    std::fs::write(folder.path().join("send.graphql"), "mutation Send { __typename }").unwrap();
    let path = folder.path().to_str().unwrap();
    let flags: Vec<&str> = ["--documents", path].into_iter().chain(flags.iter().copied()).collect();
    (TestHub::with_flags(support::database("sample", 4).await, &flags).await, folder)
}

fn post(hub: &TestHub, body: &Value) -> RequestBuilder {
    hub.client.post(hub.url("/graphql")).header("accept", "application/graphql-response+json").json(body)
}

fn get(hub: &TestHub, parameters: &[(&str, &str)]) -> RequestBuilder {
    hub.client.get(hub.url("/graphql")).query(parameters)
}

async fn code(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let answer: Value = response.json().await.unwrap();
    assert!(answer.get("data").is_none(), "{answer}");
    (status, answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned())
}

fn header(response: &Response, name: &str) -> String {
    response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_asked_for_by_its_name() {
    let (hub, _folder) = with_documents(&[]).await;
    let body = json!({"documentId": "topics", "variables": {"n": 3}});
    let answer: Value = post(&hub, &body).send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["data"]["topics"]["nodes"].as_array().unwrap().len(), 3);
    let unknown = post(&hub, &json!({"documentId": "../topics"})).send().await.unwrap();
    assert_eq!(code(unknown).await, (404, "NOT_FOUND".to_owned()));
    let both = post(&hub, &json!({"documentId": "topics", "query": TOPICS})).send().await.unwrap();
    assert_eq!(code(both).await, (400, "BAD_REQUEST".to_owned()));
    let mut socket = Socket::begun(hub.address).await;
    socket.say(&json!({"id": "1", "type": "subscribe", "payload": {"documentId": "topics"}})).await;
    let Heard::Said(said) = socket.hear().await else { panic!("the socket was closed") };
    assert_eq!(said["payload"]["data"]["topics"]["nodes"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_named_document_answers_may_be_kept_on_the_way() {
    let (hub, _folder) = with_documents(&[]).await;
    let first = get(&hub, &[("documentId", "topics")]).send().await.unwrap();
    assert_eq!(first.status(), StatusCode::OK);
    assert_eq!(header(&first, "cache-control"), "public, max-age=60");
    assert!(header(&first, "vary").to_ascii_lowercase().contains("accept-language"));
    let tag = header(&first, "etag");
    let again = get(&hub, &[("documentId", "topics")]).header("if-none-match", &tag).send().await.unwrap();
    assert_eq!((again.status(), header(&again, "etag")), (StatusCode::NOT_MODIFIED, tag.clone()));
    assert_eq!(again.text().await.unwrap(), "");
    let french = get(&hub, &[("documentId", "topics")]).header("accept-language", "fr").header("if-none-match", &tag);
    let french = french.send().await.unwrap();
    assert_eq!(french.status(), StatusCode::OK);
    assert_ne!(header(&french, "etag"), tag);
    // Neither a document of the reader's own nor a refusal is anything for a cache, and nor is what somebody may see.
    let own = get(&hub, &[("query", TOPICS)]).send().await.unwrap();
    assert_eq!((header(&own, "cache-control"), header(&own, "etag")), (String::new(), String::new()));
    let bad = get(&hub, &[("documentId", "topics"), ("variables", "{\"n\":\"x\"}")]).send().await.unwrap();
    assert_eq!((bad.status(), header(&bad, "cache-control")), (StatusCode::BAD_REQUEST, String::new()));
    let who = Caller::new(&hub, "somebody", None, &[]).await;
    let known = get(&hub, &[("documentId", "topics")]).header("authorization", format!("Bearer {}", who.token));
    assert_eq!(header(&known.send().await.unwrap(), "cache-control"), "no-store");
    let mutation = get(&hub, &[("documentId", "send")]).send().await.unwrap();
    assert_eq!(code(mutation).await, (405, "METHOD_NOT_ALLOWED".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_hub_executes_its_own_documents_alone_for_strangers() {
    let (hub, _folder) = with_documents(&["--only-documents"]).await;
    let own = post(&hub, &json!({"documentId": "topics"})).send().await.unwrap();
    assert_eq!(own.status(), StatusCode::OK);
    let stranger = post(&hub, &json!({"query": TOPICS})).send().await.unwrap();
    assert_eq!(code(stranger).await, (403, "FORBIDDEN".to_owned()));
    assert_eq!(code(get(&hub, &[("query", TOPICS)]).send().await.unwrap()).await.0, 403);
    let mut socket = Socket::begun(hub.address).await;
    socket.say(&json!({"id": "1", "type": "subscribe", "payload": {"query": TOPICS}})).await;
    let Heard::Said(said) = socket.hear().await else { panic!("the socket was closed") };
    assert_eq!((&said["type"], &said["payload"][0]["extensions"]["code"]), (&json!("error"), &json!("FORBIDDEN")));
    let who = Caller::new(&hub, "somebody", None, &[]).await;
    assert!(who.data(&hub, TOPICS).await["topics"]["nodes"].is_array());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_sent_once_and_then_named_by_its_hash() {
    let hub = TestHub::with_sample_data().await;
    let hash: String = Sha256::digest(TOPICS).iter().map(|byte| format!("{byte:02x}")).collect();
    let extensions = json!({"persistedQuery": {"version": 1, "sha256Hash": hash}});
    let by_hash = json!({ "extensions": extensions });
    let unknown = post(&hub, &by_hash).send().await.unwrap();
    assert_eq!(code(unknown).await, (400, "PERSISTED_QUERY_NOT_FOUND".to_owned()));
    let older = hub.client.post(hub.url("/graphql")).header("accept", "application/json").json(&by_hash);
    assert_eq!(code(older.send().await.unwrap()).await, (200, "PERSISTED_QUERY_NOT_FOUND".to_owned()));
    let sent = post(&hub, &json!({"query": TOPICS, "extensions": extensions})).send().await.unwrap();
    assert_eq!(sent.status(), StatusCode::OK);
    for (response, kept) in [
        (post(&hub, &by_hash).send().await.unwrap(), true),
        (get(&hub, &[("extensions", &extensions.to_string())]).send().await.unwrap(), false),
    ] {
        assert_eq!(header(&response, "cache-status").contains("hit"), kept);
        let answer: Value = response.json().await.unwrap();
        assert_eq!(answer["data"]["topics"]["nodes"].as_array().unwrap().len(), 2);
    }
    let other = post(&hub, &json!({"query": "{ changeCursor }", "extensions": extensions})).send().await.unwrap();
    assert_eq!(code(other).await, (400, "BAD_REQUEST".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_any_origin_ask_in_public_and_those_of_named_ones_as_who_is_signed_in() {
    let db = support::database("sample", 4).await;
    let hub = TestHub::with_flags(db, &["--origins-with-credentials", "https://own.example"]).await;
    let asked = |method: Method, origin: &'static str| {
        let request = hub.client.request(method, hub.url("/graphql")).header("origin", origin);
        request.header("access-control-request-method", "POST").header("access-control-request-headers", "content-type")
    };
    for (origin, credentials) in
        [("https://any.example", ""), ("https://partner.example", ""), ("https://own.example", "true")]
    {
        let preflight = asked(Method::OPTIONS, origin).send().await.unwrap();
        assert_eq!(preflight.status(), StatusCode::OK);
        assert_eq!(header(&preflight, "access-control-allow-origin"), origin);
        assert_eq!(header(&preflight, "access-control-allow-credentials"), credentials, "{origin}");
        assert!(header(&preflight, "access-control-allow-methods").contains("POST"));
        let answer = asked(Method::POST, origin).json(&json!({"query": "{ __typename }"})).send().await.unwrap();
        assert_eq!(
            (answer.status(), header(&answer, "access-control-allow-origin")),
            (StatusCode::OK, origin.to_owned())
        );
        assert!(answer.headers().get_all("vary").iter().any(|vary| vary.to_str().unwrap().contains("origin")));
        // A cookie that such a page sends counts where the page may speak for somebody, and is refused elsewhere.
        let cookie = format!("__Host-hub-session=khubs_{}", "a".repeat(43));
        let signed = asked(Method::POST, origin).header("cookie", cookie).json(&json!({"query": "{ __typename }"}));
        let expected = if credentials.is_empty() { StatusCode::FORBIDDEN } else { StatusCode::OK };
        assert_eq!(signed.send().await.unwrap().status(), expected, "{origin}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_says_what_it_cost_and_a_refusal_what_was_too_much() {
    let db = support::database("sample", 4).await;
    let hub = TestHub::with_flags(db, &["--limit", "cost=100,depth=4,tokens=60"]).await;
    let answer = hub.ask("{ topics(first: 10) { nodes { name id } } }").await;
    assert_eq!(answer["extensions"]["cost"], json!({"requested": 31, "allowed": 100}));
    let kept = hub.ask("{ topics(first: 10) { nodes { name id } } }").await;
    assert_eq!(kept["extensions"], answer["extensions"]);
    let before = hub.db.statements();
    for (query, limit) in [
        ("{ topics(first: 50) { nodes { name id } } }", json!({"name": "cost", "asked": 151, "allowed": 100})),
        (
            "{ topics(first: 1) { nodes { parents(first: 1) { nodes { id } } } } }",
            json!({"name": "depth", "asked": 5, "allowed": 4}),
        ),
        (&format!("{{ {} }}", "a ".repeat(60)), json!({"name": "tokens", "asked": 62, "allowed": 60})),
    ] {
        let refused = hub.ask(query).await;
        let error = &refused["errors"][0];
        assert_eq!(
            (&error["extensions"]["code"], &error["extensions"]["limit"]),
            (&json!("QUERY_TOO_COMPLEX"), &limit)
        );
        assert!(error["message"].as_str().unwrap().contains(&limit["asked"].to_string()), "{error}");
        assert!(refused.get("data").is_none());
        let french = hub.ask_in("fr", query, json!({})).await;
        assert!(french["errors"][0]["message"].as_str().unwrap().starts_with("Le document"));
    }
    assert_eq!(hub.db.statements(), before, "what is refused costs no statement");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_asker_has_a_budget_and_is_told_when_to_come_back() {
    let db = support::database("sample", 4).await;
    let hub = TestHub::with_flags(db, &["--limit", "cost_per_minute=600", "--proxies", "127.0.0.1"]).await;
    let ask = |address: &'static str, n: u32| {
        let query = format!("{{ topics(first: {n}) {{ nodes {{ id name }} }} }}");
        post(&hub, &json!({ "query": query })).header("x-forwarded-for", address).send()
    };
    assert_eq!(ask("192.0.2.1", 100).await.unwrap().status(), StatusCode::OK);
    let refused = ask("192.0.2.1", 99).await.unwrap();
    let seconds: u64 = header(&refused, "retry-after").parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    assert_eq!(code(refused).await, (429, "RATE_LIMITED".to_owned()));
    let kept = ask("192.0.2.1", 100).await.unwrap();
    assert_eq!(kept.status(), StatusCode::OK, "what is kept costs next to nothing");
    assert_eq!(ask("192.0.2.2", 99).await.unwrap().status(), StatusCode::OK);
    let who = Caller::new(&hub, "somebody", None, &[]).await;
    let known = post(&hub, &json!({"query": "{ topics(first: 98) { nodes { id name } } }"}))
        .header("x-forwarded-for", "192.0.2.1");
    let known = known.header("authorization", format!("Bearer {}", who.token)).send().await.unwrap();
    assert_eq!(known.status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_public_address_decides_what_browsers_are_told() {
    let db = support::database("empty", 4).await;
    let plain = TestHub::with_flags(db.clone(), &["--public-url", "http://hub.example", "--no-editor"]).await;
    let page = plain.client.get(plain.url("/")).send().await.unwrap();
    assert_eq!((page.status(), header(&page, "strict-transport-security")), (StatusCode::OK, String::new()));
    assert!(!page.text().await.unwrap().contains("href=\"editor"));
    assert_eq!(plain.client.get(plain.url("/editor")).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    let private = TestHub::with_flags(db, &["--public-url", "https://hub.example"]).await;
    let page = private.client.get(private.url("/")).send().await.unwrap();
    assert_eq!(header(&page, "strict-transport-security"), "max-age=31536000");
    assert!(page.text().await.unwrap().contains("href=\"editor"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_guesses_or_sends_nonsense_pays_before_anything_is_looked_up() {
    let flags = ["--limit", "cost_per_minute=100", "--proxies", "127.0.0.1"];
    let hub = TestHub::with_flags(support::database("sample", 4).await, &flags).await;
    let guess = |address: &'static str| {
        let token = format!("Bearer khub_{}", "a".repeat(43));
        let request = post(&hub, &json!({"query": "{ __typename }"})).header("authorization", token);
        request.header("x-forwarded-for", address).send()
    };
    for _ in 0..5 {
        assert_eq!(code(guess("192.0.2.1").await.unwrap()).await, (401, "UNAUTHENTICATED".to_owned()));
    }
    let before = hub.db.statements();
    assert_eq!(code(guess("192.0.2.1").await.unwrap()).await, (429, "RATE_LIMITED".to_owned()));
    assert_eq!(hub.db.statements(), before, "nobody looks for the sixth");
    let stranger = post(&hub, &json!({"query": "{ __typename }"})).header("x-forwarded-for", "192.0.2.1");
    assert_eq!(stranger.send().await.unwrap().status(), StatusCode::OK, "others at the address ask on");
    let nonsense = || {
        let request = hub.client.post(hub.url("/graphql")).header("content-type", "application/json");
        request.header("x-forwarded-for", "192.0.2.2").body("{").send()
    };
    for _ in 0..5 {
        assert_eq!(nonsense().await.unwrap().status(), StatusCode::BAD_REQUEST);
    }
    assert_eq!(nonsense().await.unwrap().status(), StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_accounts_are_paid_for_and_refused_in_the_readers_language() {
    let db = support::database("empty", 4).await;
    let hub = TestHub::with_flags(db, &["--limit", "cost_per_minute=4000"]).await;
    let page = |path: &'static str| hub.client.get(hub.url(path)).send();
    assert_eq!(page("/account").await.unwrap().status(), StatusCode::OK);
    assert_eq!(page("/sign-in?provider=none").await.unwrap().status(), StatusCode::NOT_FOUND);
    for (path, root) in
        [("/account?lang=fr", "href=\"./?lang=fr\""), ("/sign-in/callback?lang=fr", "href=\".././?lang=fr\"")]
    {
        let refused = page(path).await.unwrap();
        assert_eq!(
            (refused.status(), header(&refused, "content-language")),
            (StatusCode::TOO_MANY_REQUESTS, "fr".to_owned())
        );
        assert!((1..=60).contains(&header(&refused, "retry-after").parse::<u64>().unwrap()));
        let text = refused.text().await.unwrap();
        assert!(text.contains("Vous avez beaucoup demandé") && text.contains(root), "{text}");
    }
    assert_eq!(page("/").await.unwrap().status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_cannot_take_every_connection() {
    let db = support::database("empty", 4).await;
    let hub = TestHub::with_flags(db, &["--limit", "connections_per_address=3"]).await;
    let ask = async |stream: &mut TcpStream| {
        stream.write_all(b"GET /livez HTTP/1.1\r\nhost: hub\r\n\r\n").await?;
        let mut told = [0; 12];
        stream.read_exact(&mut told).await.map(|_| told == *b"HTTP/1.1 200")
    };
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(hub.address).await.unwrap();
        assert!(ask(&mut stream).await.unwrap());
        held.push(stream);
    }
    assert!(ask(&mut TcpStream::connect(hub.address).await.unwrap()).await.is_err(), "the fourth is turned away");
    let elsewhere = tokio::net::TcpSocket::new_v4().unwrap();
    elsewhere.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    assert!(ask(&mut elsewhere.connect(hub.address).await.unwrap()).await.unwrap());
    held.pop();
    // The hub sees a moment later that it is gone.
    callers::until(async || ask(&mut TcpStream::connect(hub.address).await.unwrap()).await.is_ok()).await;
}
