//! Every example query answers, in English and in French, as its golden file says.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

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
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        for language in ["en", "fr"] {
            let mut answer = hub.ask_in(language, &query, json!({})).await;
            assert!(answer.get("errors").is_none(), "{name} in {language}: {answer}");
            normalize(&mut answer);
            let golden = format!("{name}.{language}");
            insta::with_settings!({
                snapshot_path => "../golden/queries", prepend_module_to_snapshot => false, omit_expression => true
            }, {
                insta::assert_snapshot!(golden, serde_json::to_string_pretty(&answer).unwrap());
            });
        }
    }
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
