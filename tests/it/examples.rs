//! Every example query answers, in English and in French, as its golden file says.

use std::fs;
use std::path::Path;

use knowledge_hub::transfer::personas;
use serde_json::{Value, json};

use crate::callers;
use crate::lines;
use crate::support::{self, TestHub};

/// Replaces what differs from one database to the next.
fn normalize(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let opaque = ["id", "cursor", "startCursor", "endCursor"].contains(&name.as_str());
                if opaque && value.is_string() {
                    *value = json!("…");
                } else {
                    normalize(value);
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(normalize),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_example_query_answers_as_its_golden_file_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/queries");
    let hub = TestHub::with_sample_data().await;
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "graphql"));
    files.sort();
    assert!(files.len() >= 12, "{files:?}");
    for path in files {
        let query = fs::read_to_string(&path).unwrap();
        if query.contains("\nmutation ") {
            // Played by those who may do it, below.
            continue;
        }
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        for language in ["en", "fr"] {
            let mut answer = hub.ask_in(language, &query, json!({})).await;
            assert!(answer.get("errors").is_none(), "{name} in {language}: {answer}");
            normalize(&mut answer);
            // What it costs is told beside it, under limits that are settings.
            assert!(answer.as_object_mut().unwrap().remove("extensions").is_some(), "{name}");
            let golden = format!("{name}.{language}");
            insta::with_settings!({
                snapshot_path => "../golden/queries", prepend_module_to_snapshot => false, omit_expression => true
            }, {
                insta::assert_snapshot!(golden, serde_json::to_string_pretty(&answer).unwrap());
            });
        }
    }
}

/// The answer to an example, by one of the parts of the demonstration.
async fn play(hub: &TestHub, token: &str, name: &str, variables: Value) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/queries").join(format!("{name}.graphql"));
    let query = fs::read_to_string(path).unwrap();
    let answer = callers::ask_with(hub, token, &query, variables).await;
    assert!(answer.get("errors").is_none(), "{name}: {answer}");
    for (field, payload) in answer["data"].as_object().unwrap() {
        let errors = payload.get("userErrors").cloned().unwrap_or_else(|| json!([]));
        assert_eq!(errors, json!([]), "{name}, {field}");
    }
    answer["data"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_parts_of_the_demonstration_play_through_every_example_that_writes() {
    let hub = TestHub::with_sample_data().await;
    let personas = personas::prepare(&hub.db).await.unwrap();
    let token = |part: &str| personas.iter().find(|it| it.name == part).unwrap().token.reveal().to_owned();
    let (coordinator, applicant, member) = (token("coordinator"), token("applicant"), token("member"));
    let words = |text: &str| json!([{"language": "en", "text": text}]);

    let asked = play(&hub, &applicant, "what-a-community-asks-of-applicants", json!({})).await["community"].clone();
    let fields = json!({"purpose": words("To compare screening tools, and to use them (sample text).")});
    let edit = json!({"community": asked["id"], "expectedVersion": 1, "fields": fields});
    play(&hub, &coordinator, "say-how-one-joins", json!({ "input": edit })).await;
    let answers = json!([{"question": "why", "text": "To learn (sample answer)."}, {"question": "contribution", "choices": ["talks"]}, {"question": "mail", "yes": true}]);
    let apply = json!({"community": asked["id"], "charterVersion": asked["charter"]["version"], "answers": answers});
    let applied =
        play(&hub, &applicant, "apply-to-a-community", json!({ "input": apply })).await["membershipApply"].clone();
    assert_eq!(applied["membership"]["status"], "APPLIED");
    let queue =
        play(&hub, &coordinator, "which-applications-are-to-be-decided", json!({"professions": ["NURSE"]})).await;
    let application = &queue["community"]["applications"]["nodes"][0];
    assert_eq!(application["person"]["name"], "Sample member 3");
    let waiting = application["membership"].clone();
    let decide = json!({"membership": waiting["id"], "expectedVersion": waiting["version"], "decision": "ACCEPT"});
    let decided = play(&hub, &coordinator, "decide-an-application", json!({ "input": decide })).await;
    assert_eq!(decided["membershipDecide"]["membership"]["status"], "ACTIVE");
    let told = play(&hub, &applicant, "what-became-of-my-applications", json!({})).await;
    assert_eq!(told["community"]["applications"]["nodes"][0]["status"], "ACCEPTED");

    let item = json!({"originalLanguage": "en", "fields": {"title": words("Sample notes (synthetic)"), "communities": [asked["id"]]}});
    let item =
        play(&hub, &coordinator, "write-an-item", json!({ "input": item })).await["itemCreate"]["itemId"].clone();
    let times = json!({"item": item, "membersAt": "2050-01-01T00:00:00Z", "publicAt": "2050-01-15T00:00:00Z"});
    let published = play(&hub, &coordinator, "publish-for-members-first", json!({ "input": times })).await;
    assert_eq!(published["itemPublish"]["item"]["status"], "PUBLISHED");
    let seen =
        callers::ask_with(&hub, &member, "query($id: ID!) { node(id: $id) { id } }", json!({ "id": item })).await;
    assert_eq!(seen["data"]["node"], Value::Null, "it is held back");
    let leave = json!({"membership": applied["membership"]["id"]});
    let left = play(&hub, &applicant, "leave-a-community", json!({ "input": leave })).await;
    assert_eq!(left["membershipLeave"]["membership"]["status"], "ENDED");

    let leader = "{ community(slug: \"sample-community-2\") { roles(filter: { kinds: [LEADER] }) { nodes { id version } } } person(slug: \"sample-member-12\") { id } }";
    let data = hub.data(leader).await;
    let role = &data["community"]["roles"]["nodes"][0];
    let sources = json!([{"publisher": "Sample bulletin (synthetic)"}]);
    let ends = json!({"role": role["id"], "expectedVersion": role["version"], "fields": {"until": {"edtf": "2026-11"}}, "sources": sources});
    let begins = json!({"person": data["person"]["id"], "of": asked["id"], "kind": "LEADER", "originalLanguage": "en", "fields": {"since": {"edtf": "2026-12"}}, "sources": sources});
    play(&hub, &coordinator, "change-a-leader", json!({ "ends": ends, "begins": begins })).await;
    let text = json!({"node": asked["id"], "field": "purpose", "language": "fr", "text": "Comparer les outils de dépistage et s’en servir (texte exemple).", "origin": "HUMAN"});
    let translated = play(&hub, &coordinator, "translate-a-text", json!({"input": text, "language": "fr"})).await;
    let texts = translated["textTranslate"]["node"]["translations"].as_array().unwrap();
    assert!(texts.iter().any(|it| it["field"] == "purpose" && it["origin"] == "HUMAN" && it["isStale"] == false));
    let site = json!({"on": asked["id"], "name": "Sample website (synthetic)", "origins": ["https://www.example.org"]});
    let site = play(&hub, &coordinator, "register-a-site", json!({ "input": site })).await["siteRegister"].clone();
    assert_eq!(site["site"]["origins"], json!(["https://www.example.org"]));
    let left = play(&hub, &token("administrator"), "what-is-left-to-translate", json!({})).await;
    assert!(left["organization"]["translationWork"]["totalCount"].as_i64().unwrap() > 0);
}

/// The next lines of a consumer in Rust that begins after the cursor in a file.
fn consume(hub: &TestHub, file: &std::path::Path, count: usize) -> Vec<String> {
    use std::io::BufRead;
    // Cargo builds examples beside the program.
    let program = support::program().with_file_name("examples").join("follow");
    assert!(program.exists(), "run `cargo build --examples`, which builds it");
    let mut command = std::process::Command::new(program);
    command.arg(hub.address.to_string()).arg(file).stdout(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let output = std::io::BufReader::new(child.stdout.take().unwrap());
    let lines = output.lines().take(count).map(Result::unwrap).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn the_consumer_in_rust_prints_each_item_once_also_after_a_kill() {
    let hub = TestHub::with_lines(&[]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cursor");
    std::fs::write(&file, hub.data("{ changeCursor }").await["changeCursor"].as_str().unwrap()).unwrap();
    for key in ["one", "two"] {
        lines::read(&hub.db, &[lines::item(key, json!({}))]).await;
    }
    let printed = |count| tokio::task::block_in_place(|| consume(&hub, &file, count));
    assert_eq!(printed(2), ["one (GUIDE) -", "two (GUIDE) -"]);
    // It was killed, perhaps before it kept the second cursor: then it says so once more.
    lines::read(&hub.db, &[lines::item("three", json!({}))]).await;
    let again = printed(2 - usize::from(kept(&hub, &file).await));
    assert_eq!(again.last().unwrap(), "three (GUIDE) -");
}

/// Whether the cursor in a file is past all but the last item.
async fn kept(hub: &TestHub, file: &std::path::Path) -> bool {
    let after = std::fs::read_to_string(file).unwrap();
    let query = "query($after: String) { changes(after: $after) { nodes { kind } } }";
    let answer = hub.ask_in("en", query, json!({ "after": after })).await;
    answer["data"]["changes"]["nodes"].as_array().unwrap().len() == 1
}
