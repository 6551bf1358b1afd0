//! A database that goes away and comes back: what is answered meanwhile is right or says to come again, and all heals by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use knowledge_hub::db::bounds::Bounds;
use knowledge_hub::db::local::LocalPostgres;
use knowledge_hub::policy::{NodeKind, Right};
use nix::sys::signal::{Signal, kill};
use reqwest::header::RETRY_AFTER;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use crate::callers::Caller;
use crate::lines::community;
use crate::processes;
use crate::socket::DEADLINE;
use crate::support::{self, TestHub};

/// How long an answer may take, whatever has happened to the database.
const PROMPTLY: Duration = Duration::from_secs(2);

/// A query that is kept, one that is not, one with lists in lists, and one that searches.
const QUERIES: [&str; 4] = [
    "{ organizations { totalCount } }",
    "{ communities(first: 20) { nodes { displayName roles(first: 5) { totalCount nodes { id } } } } }",
    "{ items(first: 50) { nodes { id title topics { nodes { id } } } } people { totalCount } }",
    "{ search(text: \"care\", first: 5) { totalCount } }",
];

/// An answer: its data, or null for one that says to come again. Anything else is none.
async fn answer(client: &Client, url: &str, query: &str, is_kept: bool) -> Option<Value> {
    let mut request = client.post(url).header("accept-language", "en").json(&json!({ "query": query }));
    if !is_kept {
        request = request.header("cache-control", "no-cache");
    }
    let began = Instant::now();
    let response = request.send().await.unwrap();
    let (status, retry_after) = (response.status(), response.headers().get(RETRY_AFTER).cloned());
    let body: Value = response.json().await.unwrap();
    let took = began.elapsed();
    assert!(took < PROMPTLY, "{took:?}: {body}");
    if status == StatusCode::OK {
        assert!(body.get("errors").is_none(), "{body}");
        return Some(body["data"].clone());
    }
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{body}");
    assert_eq!(body["errors"][0]["extensions"]["code"], "SERVICE_UNAVAILABLE", "{body}");
    assert!(body.get("data").is_none(), "{body}");
    let seconds = retry_after.and_then(|after| after.to_str().unwrap().parse::<u32>().ok());
    assert!(seconds.is_some_and(|seconds| seconds > 0), "it does not say when to come again: {body}");
    None
}

/// What those who ask have seen.
#[derive(Default)]
struct Seen {
    right: AtomicUsize,
    away: AtomicUsize,
    is_over: AtomicBool,
}

impl Seen {
    /// Waits until so many more were answered so.
    async fn more(&self, of: impl Fn(&Self) -> &AtomicUsize, count: usize) {
        let before = of(self).load(Ordering::Relaxed);
        let (began, mut looks) = (Instant::now(), tokio::time::interval(Duration::from_millis(5)));
        while of(self).load(Ordering::Relaxed) < before + count {
            looks.tick().await;
            assert!(began.elapsed() < DEADLINE, "it does not go on");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_stopped_and_started_under_load_is_waited_for_without_a_storm() {
    let folder = support::open_folder("hub-faults-");
    let data_dir = folder.path().to_owned();
    let attach = move || LocalPostgres::attach(&data_dir, &support::path(), &[("fsync", "off")]).unwrap();
    let server = Arc::new(tokio::task::spawn_blocking(attach).await.unwrap());
    let address = server.connection_string("hub");
    let words = ["demo", "--listen", "127.0.0.1:0", "--database-url", &address, "--limit", "cost_per_minute=0"];
    let running = processes::start(processes::hub(&words));
    let url = format!("http://{}/graphql", running.address);
    let client = support::client();
    let mut right = Vec::new();
    for query in QUERIES {
        right.push(answer(&client, &url, query, false).await.unwrap());
    }
    let seen = Arc::new(Seen::default());
    let mut askers = tokio::task::JoinSet::new();
    for number in 0..8 {
        let (client, url, seen, right) = (client.clone(), url.clone(), seen.clone(), right.clone());
        askers.spawn(async move {
            for turn in number.. {
                if seen.is_over.load(Ordering::Relaxed) {
                    break;
                }
                let place = turn % QUERIES.len();
                match answer(&client, &url, QUERIES[place], turn % 3 == 0).await {
                    Some(data) => {
                        assert_eq!(data, right[place]);
                        seen.right.fetch_add(1, Ordering::Relaxed);
                    }
                    None => {
                        seen.away.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
        });
    }
    let play = async {
        // Stopped in good order, at once, and by force.
        for signal in [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGKILL] {
            seen.more(|seen| &seen.right, 50).await;
            kill(processes::server_pid(folder.path()), signal).unwrap();
            seen.more(|seen| &seen.away, 50).await;
            let stopped = server.clone();
            tokio::task::spawn_blocking(move || stopped.revive()).await.unwrap().unwrap();
        }
        seen.more(|seen| &seen.right, 200).await;
        seen.is_over.store(true, Ordering::Relaxed);
    };
    let asking = async {
        // Whoever saw something else ends the test.
        while let Some(asked) = askers.join_next().await {
            asked.unwrap();
        }
    };
    tokio::join!(play, asking);
    for (query, data) in QUERIES.iter().zip(right) {
        assert_eq!(answer(&client, &url, query, false).await, Some(data));
    }
    processes::stop(running);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_finds_all_connections_in_use_is_told_to_come_again_and_then_served() {
    let words = ["--database-connections", "1", "--limit", "connection_wait_seconds=1"];
    let config = support::config(&words);
    let db = support::database("sample", config.database_connections).await;
    let hub = TestHub::with_config(db.bounded(Bounds::of(&config.limits)).unwrap(), config).await;
    let url = hub.url("/graphql");
    let query = "{ organizations { totalCount } }";
    let right = answer(&hub.client, &url, query, false).await;
    assert!(right.is_some());
    let held = hub.db.connection().await.unwrap();
    assert_eq!(answer(&hub.client, &url, query, false).await, None);
    drop(held);
    assert_eq!(answer(&hub.client, &url, query, false).await, right);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_stops_under_load_loses_no_write_that_it_acknowledged_and_drops_no_reply() {
    let lines: Vec<Value> = (0..4).map(|number| community(&format!("c{number}"), json!({}))).collect();
    let hub = TestHub::with_lines(&lines).await;
    let address = support::address_of(&hub.db).await;
    let serving = ["serve", "--listen", "127.0.0.1:0", "--database-url", &address, "--limit", "cost_per_minute=0"];
    let mut running = processes::start(processes::hub(&serving));
    let url = format!("http://{}/graphql", running.address);
    let seen = Arc::new(AtomicUsize::new(0));
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..4 {
        let key = format!("c{number}");
        let here = Some((NodeKind::Community, key.as_str()));
        let who = Caller::new(&hub, &format!("coordinator {number}"), None, &[(Right::Coordinator, here)]).await;
        let query = format!("{{ community(slug: \"{key}\") {{ id }} }}");
        let id = hub.data(&query).await["community"]["id"].clone();
        let (url, seen) = (url.clone(), seen.clone());
        writers.spawn(async move {
            let client = support::client();
            let mutation =
                "mutation($input: CommunityEditInput!) { communityEdit(input: $input) { userErrors { code } } }";
            let mut acknowledged = 0;
            loop {
                let purpose = json!([{"language": "en", "text": format!("Purpose {acknowledged}")}]);
                let input = json!({"community": id, "fields": {"purpose": purpose}});
                let body = json!({"query": mutation, "variables": {"input": input}});
                let request = client.post(&url).header("authorization", format!("Bearer {}", who.token)).json(&body);
                match request.send().await {
                    Ok(response) => {
                        assert_eq!(response.status(), StatusCode::OK);
                        let answer: Value = response.json().await.unwrap();
                        assert_eq!(answer["data"]["communityEdit"]["userErrors"], json!([]), "{answer}");
                        acknowledged += 1;
                        seen.fetch_add(1, Ordering::Relaxed);
                    }
                    // Nobody listens any more: nothing was sent.
                    Err(error) if error.is_connect() => return (key, acknowledged),
                    Err(error) => panic!("a reply was dropped: {error:?}"),
                }
            }
        });
    }
    let began = Instant::now();
    while seen.load(Ordering::Relaxed) < 40 {
        assert!(began.elapsed() < DEADLINE, "too few writes");
        tokio::task::yield_now().await;
    }
    kill(nix::unistd::Pid::from_raw(running.child.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
    while let Some(written) = writers.join_next().await {
        let (key, acknowledged) = written.unwrap();
        let query = format!("{{ community(slug: \"{key}\") {{ version }} }}");
        assert_eq!(hub.data_anew(&query).await["community"]["version"], json!(1 + acknowledged), "{key}");
    }
    assert!(running.child.wait().unwrap().success());
}
