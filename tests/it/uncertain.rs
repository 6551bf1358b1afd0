//! A database that goes away under an operation: a query is nothing then, and a mutation says whether it may have been done.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use diesel_async::SimpleAsyncConnection;
use knowledge_hub::db::Db;
use knowledge_hub::policy::{NodeKind, Right};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixStream};

use crate::callers::Caller;
use crate::lines::community;
use crate::support::{self, TestHub};

/// Stands between a hub and its database, and cuts the line when a word passes it.
struct Line {
    address: SocketAddr,
    is_cut_at: Arc<AtomicBool>,
}

impl Line {
    /// A line to the database of this address. Once it is armed it is cut when the hub says `word`, after the database heard it
    /// or before.
    async fn to(address: &str, word: &'static str, is_heard: bool) -> Self {
        let part = |name: &str| {
            let found = address.split(' ').find_map(|part| part.strip_prefix(&format!("{name}=")));
            found.unwrap().trim_matches('\'').to_owned()
        };
        let socket = PathBuf::from(part("host")).join(format!(".s.PGSQL.{}", part("port")));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap();
        let is_cut_at = Arc::new(AtomicBool::new(false));
        let armed = is_cut_at.clone();
        tokio::spawn(async move {
            while let Ok((mut hub, _)) = listener.accept().await {
                let (socket, armed) = (socket.clone(), armed.clone());
                tokio::spawn(async move {
                    let mut database = UnixStream::connect(socket).await.unwrap();
                    let (mut from_hub, mut from_database) = (vec![0; 65_536], vec![0; 65_536]);
                    loop {
                        tokio::select! {
                            read = hub.read(&mut from_hub) => {
                                let Ok(length @ 1..) = read else { return };
                                let said = &from_hub[..length];
                                let is_cut = armed.load(Ordering::SeqCst)
                                    && said.windows(word.len()).any(|part| part == word.as_bytes());
                                if is_cut && !is_heard {
                                    return;
                                }
                                database.write_all(said).await.unwrap();
                                if is_cut {
                                    // The database answers when it is done; nobody hears that.
                                    let _ = database.read(&mut from_database).await;
                                    return;
                                }
                            }
                            read = database.read(&mut from_database) => {
                                let Ok(length @ 1..) = read else { return };
                                if hub.write_all(&from_database[..length]).await.is_err() {
                                    return;
                                }
                            }
                        }
                    }
                });
            }
        });
        Self { address: own, is_cut_at }
    }

    fn arm(&self, is_armed: bool) {
        self.is_cut_at.store(is_armed, Ordering::SeqCst);
    }
}

/// A hub with a community and its coordinator, whose line is cut at a word.
async fn hub_on_a_line(word: &'static str, is_heard: bool) -> (TestHub, Line, Caller, Value) {
    let db = support::database("empty", 2).await;
    support::import(&db, vec![support::file(&[community("c", json!({}))])]).await.unwrap();
    let address = support::address_of(&db).await;
    let line = Line::to(&address, word, is_heard).await;
    let mut parts: Vec<String> = Vec::new();
    for part in address.split(' ') {
        match part.split_once('=').unwrap().0 {
            "host" => parts.push("host=127.0.0.1 sslmode=disable".to_owned()),
            "port" => parts.push(format!("port={}", line.address.port())),
            _ => parts.push(part.to_owned()),
        }
    }
    let hub = TestHub::over(Db::with_address(&parts.join(" "), 2).unwrap()).await;
    let here = Some((NodeKind::Community, "c"));
    let who = Caller::new(&hub, "coordinator", None, &[(Right::Coordinator, here)]).await;
    let id = hub.data("{ community(slug: \"c\") { id } }").await["community"]["id"].clone();
    (hub, line, who, id)
}

async fn edit(hub: &TestHub, who: &Caller, id: &Value) -> (StatusCode, String, Value) {
    let query = "mutation($input: CommunityEditInput!) { communityEdit(input: $input) { community { version purpose } userErrors { code } } }";
    let input = json!({
        "community": id, "idempotencyKey": "once",
        "fields": {"purpose": [{"language": "en", "text": "Said once"}]},
    });
    let request = hub.client.post(hub.url("/graphql")).header("authorization", format!("Bearer {}", who.token));
    let response = request.json(&json!({"query": query, "variables": {"input": input}})).send().await.unwrap();
    let retry_after = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    (response.status(), retry_after.unwrap_or_default(), response.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mutation_whose_commit_was_lost_says_so_and_is_done_once() {
    for is_heard in [true, false] {
        let (hub, line, who, id) = hub_on_a_line("COMMIT", is_heard).await;
        line.arm(true);
        let (status, _, answer) = edit(&hub, &who, &id).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAVAILABLE", "{answer}");
        assert!(answer["errors"][0]["message"].as_str().unwrap().contains("idempotency key"));
        assert!(answer.get("data").is_some());
        line.arm(false);
        let (status, _, answer) = edit(&hub, &who, &id).await;
        let made = &answer["data"]["communityEdit"];
        assert_eq!((status, &made["userErrors"]), (StatusCode::OK, &json!([])), "{answer}");
        assert_eq!(made["community"], json!({"version": 2, "purpose": "Said once"}), "heard: {is_heard}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mutation_that_was_cut_before_its_commit_was_not_done_and_says_so() {
    let (hub, line, who, id) = hub_on_a_line("UPDATE", true).await;
    line.arm(true);
    let (status, retry_after, answer) = edit(&hub, &who, &id).await;
    assert_eq!((status, retry_after.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "2"), "{answer}");
    assert!(answer.get("data").is_none());
    assert_eq!(answer["errors"][0]["extensions"]["code"], "SERVICE_UNAVAILABLE");
    line.arm(false);
    let data = hub.data("{ community(slug: \"c\") { version } }").await;
    assert_eq!(data["community"]["version"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_loses_its_database_is_nothing_at_all() {
    let (hub, line, _, _) = hub_on_a_line("FROM links", true).await;
    line.arm(true);
    let query = "{ community(slug: \"c\") { displayName links { totalCount nodes { id } } } }";
    let request = hub.client.post(hub.url("/graphql")).json(&json!({ "query": query }));
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()["retry-after"], "2");
    let answer: Value = response.json().await.unwrap();
    assert!(answer.get("data").is_none(), "{answer}");
    line.arm(false);
    assert_eq!(hub.data(query).await["community"]["links"]["totalCount"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_too_long_is_refused_and_of_a_mutation_nobody_knows() {
    let db = support::database("empty", 4).await;
    support::import(&db, vec![support::file(&[community("c", json!({}))])]).await.unwrap();
    let hub = TestHub::with_flags(db, &["--limit", "operation_seconds=1"]).await;
    let here = Some((NodeKind::Community, "c"));
    let who = Caller::new(&hub, "coordinator", None, &[(Right::Coordinator, here)]).await;
    let id = hub.data("{ community(slug: \"c\") { id } }").await["community"]["id"].clone();
    let other = support::another_pool(&hub.db).await;
    let mut holder = other.connection().await.unwrap();
    holder.batch_execute("BEGIN; LOCK TABLE communities IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let query = json!({"query": "{ communities { totalCount } }"});
    let request = hub.client.post(hub.url("/graphql")).header("cache-control", "no-cache").json(&query);
    let response = request.send().await.unwrap();
    assert_eq!(
        (response.status(), response.headers().contains_key("retry-after")),
        (StatusCode::SERVICE_UNAVAILABLE, true)
    );
    let answer: Value = response.json().await.unwrap();
    assert!(answer.get("data").is_none() && answer["errors"][0]["message"].as_str().unwrap().contains('1'), "{answer}");
    let (status, _, answer) = edit(&hub, &who, &id).await;
    assert_eq!(
        (status, &answer["errors"][0]["extensions"]["code"]),
        (StatusCode::OK, &json!("UNAVAILABLE")),
        "{answer}"
    );
    holder.batch_execute("ROLLBACK").await.unwrap();
    // What was begun goes on, and whoever sends it again finds it done once.
    let (_, _, answer) = edit(&hub, &who, &id).await;
    assert_eq!(answer["data"]["communityEdit"]["community"], json!({"version": 2, "purpose": "Said once"}), "{answer}");
}
