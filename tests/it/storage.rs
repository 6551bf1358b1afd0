//! Where too little space is free nothing is written, reading goes on, and writing comes back with the space.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::FutureExt;
use knowledge_hub::db::storage::Storage;
use knowledge_hub::db::{Db, write};
use knowledge_hub::error::Code;
use knowledge_hub::policy::{NodeKind, Right, Viewer};
use reqwest::StatusCode;
use reqwest::header::RETRY_AFTER;
use serde_json::{Value, json};

use crate::callers::{self, Caller};
use crate::lines::{self, community};
use crate::processes;
use crate::support::{self, TestHub};

const CREATE: &str =
    "mutation M($input: ItemCreateInput!) { itemCreate(input: $input) { itemId userErrors { code } } }";

/// More than any volume has.
const NEVER: &str = "free_bytes=9223372036854775807";

async fn send(hub: &TestHub, who: &Caller, language: &str, input: &Value) -> (StatusCode, Value) {
    let request = hub.client.post(hub.url("/graphql")).bearer_auth(&who.token).header("accept-language", language);
    let body = json!({ "query": CREATE, "variables": { "input": input } });
    let response = request.json(&body).send().await.unwrap();
    let is_refused = response.status() == StatusCode::SERVICE_UNAVAILABLE;
    assert_eq!(response.headers().get(RETRY_AFTER).is_some_and(|seconds| seconds == "60"), is_refused);
    (response.status(), response.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_are_refused_below_the_floor_and_return_when_space_does() {
    let db = support::database("empty", 4).await;
    lines::read(&db, &[community("c", json!({}))]).await;
    let free = Arc::new(AtomicU64::new(10));
    let measured = free.clone();
    let storage = Storage::measured_by(10, move || Some(measured.load(Ordering::Relaxed)));
    let hub = TestHub::over(db.within(Some(storage))).await;
    let here = Some((NodeKind::Community, "c"));
    let who = Caller::new(&hub, "coordinator", None, &[(Right::Coordinator, here)]).await;
    let id = who.data(&hub, "{ community(slug: \"c\") { id } }").await["community"]["id"].clone();
    let input = |title: &str| {
        let title = json!([{"language": "en", "text": title}]);
        json!({"idempotencyKey": "k", "originalLanguage": "en", "fields": {"title": title, "communities": [id]}})
    };
    free.store(9, Ordering::Relaxed);
    callers::until(async || !hub.db.has_room()).await;
    let (status, english) = send(&hub, &who, "en", &input("One")).await;
    assert_eq!(
        (status, &english["errors"][0]["extensions"]["code"]),
        (StatusCode::SERVICE_UNAVAILABLE, &json!("STORAGE_LOW"))
    );
    assert!(english.get("data").is_none(), "{english}");
    let (_, french) = send(&hub, &who, "fr", &input("One")).await;
    assert_ne!(french["errors"][0]["message"], english["errors"][0]["message"]);
    let ready = hub.client.get(hub.url("/readyz")).send().await.unwrap();
    assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ready.json::<Value>().await.unwrap()["checks"]["space"], "low");
    // Reading goes on, and so does what the hub does by itself.
    assert_eq!(who.data(&hub, "{ items { totalCount } }").await["items"]["totalCount"], 0);
    let write = async |db: &Db| write::write(db, Viewer::system("test"), |_| async { Ok(()) }.boxed()).await;
    assert_eq!(write(&hub.db).await.unwrap_err().code(), Code::StorageLow);
    write(&hub.db.for_upkeep()).await.unwrap();
    free.store(10, Ordering::Relaxed);
    callers::until(async || hub.db.has_room()).await;
    // The key of what was refused is free: another input under it is none that was sent before.
    let (status, answer) = send(&hub, &who, "en", &input("Another")).await;
    assert_eq!((status, &answer["data"]["itemCreate"]["userErrors"]), (StatusCode::OK, &json!([])), "{answer}");
    assert_eq!(who.data(&hub, "{ items { totalCount } }").await["items"]["totalCount"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_look_at_the_volume_of_their_data_folder() {
    let folder = support::open_folder("hub-storage-");
    let data_dir = folder.path().to_str().unwrap();
    let refused = |words: &[&str]| {
        let output = processes::hub(words).args(["--data-dir", data_dir, "--limit", NEVER]).output().unwrap();
        let sentence = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{words:?}: {sentence}");
        assert!(sentence.contains("too little space"), "{words:?}: {sentence}");
    };
    refused(&["seed"]);
    refused(&["generate", "--scale", "0.001"]);
    assert!(processes::hub(&["seed", "--data-dir", data_dir]).status().unwrap().success());
    let mut command = processes::hub(&["serve", "--listen", "127.0.0.1:0", "--data-dir", data_dir]);
    command.args(["--limit", NEVER]);
    let running = processes::start(command);
    let ask = async |query: &str| {
        let request = support::client().post(format!("http://{}/graphql", running.address));
        let response = request.json(&json!({ "query": query })).send().await.unwrap();
        (response.status(), response.json::<Value>().await.unwrap())
    };
    let (status, answer) = ask("{ communities(first: 1) { nodes { id } } }").await;
    let id = &answer["data"]["communities"]["nodes"][0]["id"];
    assert!(status == StatusCode::OK && id.is_string(), "{answer}");
    let send = format!("mutation {{ contactSend(input: {{community: {id}, body: \"A word.\"}}) {{ isSent }} }}");
    let (status, answer) = ask(&send).await;
    assert_eq!(
        (status, &answer["errors"][0]["extensions"]["code"]),
        (StatusCode::SERVICE_UNAVAILABLE, &json!("STORAGE_LOW"))
    );
    assert!(answer.get("data").is_none(), "{answer}");
    refused(&["seed"]);
    processes::stop(running);
}
