//! Secrets are in nothing that the hub writes: a token that stands out is used in every way, right and wrong, and then
//! looked for.

use std::process::Command;

use serde_json::{Value, json};

use crate::socket::{Heard, Socket};
use crate::{processes, support};

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_the_log_the_database_an_answer_or_an_error() {
    let address = support::address_of_new_database("sample").await;
    let run = |arguments: &[&str]| {
        let output = processes::hub(arguments).env("DATABASE_URL", &address).output().unwrap();
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap(), output.status.success())
    };
    let scope = "read-public,read-as-member-of:sample-community-2";
    let (secret, said, is_made) = run(&["token", "create", "--service", "canary", "--scope", scope]);
    assert!(is_made, "{said}");
    let secret = secret.trim().to_owned();
    assert!(secret.starts_with("khub_") && !said.contains(&secret));
    let mut written = vec![run(&["token", "list"]).0];
    assert!(written[0].contains("canary") && written[0].contains("READ_PUBLIC"));
    let forged = format!("khub_{}", "C".repeat(43));

    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let mut command = Command::new("sh");
    command.args(["-c", "exec \"$0\" serve --listen 127.0.0.1:0 2>\"$LOG\""]).arg(support::program());
    command.env_clear().env("PATH", support::path()).env("LANG", "en").env("LOG", &log).env("DATABASE_URL", &address);
    let hub = processes::start(command);
    let url = format!("http://{}/graphql", hub.address);
    let client = support::client();
    let requests = [
        json!({"query": "{ viewer { accountId tokenId account { subject } } people { totalCount } }"}),
        json!({"query": "{ viewer { nothing } }"}),
        json!({"query": format!("{{ node(id: \"{secret}\") {{ id }} }}")}),
        json!({"query": "mutation { tokenCreate(input: {name: \"x\", scopes: []}) { secret userErrors { message } } }"}),
    ];
    for token in [&secret, &forged] {
        for request in &requests {
            let mut bodies =
                vec![client.post(&url).bearer_auth(token).json(request).send().await.unwrap().text().await.unwrap()];
            let query = request["query"].as_str().unwrap();
            let get = client.get(&url).query(&[("query", query)]).bearer_auth(token);
            bodies.push(get.send().await.unwrap().text().await.unwrap());
            // What a client writes into its own document it may be told back; nothing else.
            written.extend(bodies.into_iter().filter(|_| !query.contains(&secret)));
        }
        let mut socket = Socket::open(hub.address).await;
        socket.say(&json!({"type": "connection_init", "payload": {"authorization": format!("Bearer {token}")}})).await;
        if let Heard::Said(said) = socket.hear().await {
            written.push(said.to_string());
            socket.subscribe("1", "subscription { changes { cursor } }", json!({})).await;
            socket.subscribe("2", "{ viewer { tokenId } }", json!({})).await;
            let Heard::Said(said) = socket.hear().await else { panic!() };
            written.push(said.to_string());
        }
    }
    // Where a token does not belong: the hub takes nothing from an address, and logs none.
    let body: Value = client
        .get(format!("{url}?query=%7Bviewer%7BaccountId%7D%7D&token={secret}"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(body["data"], json!({"viewer": null}));
    processes::stop(hub);
    written.push(std::fs::read_to_string(&log).unwrap());
    written.push(run(&["changes"]).0);
    written.push(run(&["export"]).0);
    written.push(support::dump(&address));
    for text in written {
        for secret in [&secret, &forged, &secret[5..].to_owned()] {
            let found = text.find(secret.as_str()).map(|at| &text[at.saturating_sub(200)..at]);
            assert_eq!(found, None);
        }
    }
    let id = run(&["token", "list"]).0.split('\t').next().unwrap().to_owned();
    assert!(run(&["token", "revoke", &id]).2);
    assert!(!run(&["token", "list"]).0.contains("canary"));
}
