//! Retiring nodes, rehearsing an import, and reading a feed line by line.

use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use diesel::sql_types::{BigInt, Text};
use diesel_async::RunQueryDsl;
use knowledge_hub::changes::cursor::Cursor;
use knowledge_hub::db::Db;
use knowledge_hub::db::statement::Sql;
use knowledge_hub::policy::Viewer;
use knowledge_hub::transfer::{self, Mode, Outcome, Report};
use serde_json::{Value, json};

use crate::lines::{
    community, item, link, membership, organization, person, problem, project, public, read, role, topic, with,
};
use crate::support::{self, TestHub};

/// Each kind with its root list, and by how much retiring its node shortens which lists.
const KINDS: [(&str, &str, &[&str]); 9] = [
    ("topic", "topics", &["topics", "search", "topicItems", "topicCommunities"]),
    ("organization", "organizations", &["organizations", "search", "links", "organizationItems"]),
    (
        "community",
        "communities",
        &["communities", "search", "roles", "memberships", "links", "topicCommunities", "organizationItems"],
    ),
    ("person", "people", &["people", "search", "memberships", "participants"]),
    ("role", "roles", &["roles"]),
    ("membership", "memberships", &["memberships"]),
    ("project", "projects", &["projects", "search", "participants"]),
    ("item", "items", &["items", "search", "topicItems", "organizationItems"]),
    ("link", "links", &["links", "organizationItems"]),
];

/// One node of each kind, all of them joined.
fn nodes() -> Vec<Value> {
    vec![
        topic("x", json!({})),
        organization("x", json!({})),
        community("x", json!({"topics": ["x"]})),
        person("x", json!({"consents": public(&["NAME", "MEMBERSHIPS", "PROJECTS"])})),
        role("x", "x", "community:x"),
        membership("x", "x", "x", json!({})),
        project("x", json!({"lead": "x", "people": [{"person": "x", "role": "TRAINEE"}], "communities": ["x"]})),
        item(
            "x",
            json!({"authors": [{"byline": "Somebody", "person": "x"}], "communities": ["x"], "topics": ["x"],
                "project": "x"}),
        ),
        link("x", "HOSTS", "organization:x", "community:x"),
    ]
}

/// How long every list is.
async fn lengths(hub: &TestHub) -> Value {
    let query = r#"{ topics { totalCount } organizations { totalCount } communities { totalCount }
        people { totalCount nodes { name } } roles { totalCount nodes { person { name } } } memberships { totalCount }
        projects { totalCount nodes { people { totalCount } } } items { totalCount } links { totalCount }
        search(text: "x") { totalCount facets(by: [KIND]) { buckets { count } } }
        topic(slug: "x") { items { totalCount } communities { totalCount } }
        organization(slug: "x") { items { totalCount } } }"#;
    let data = hub.data(query).await;
    let mut lengths = json!({});
    for list in [
        "topics",
        "organizations",
        "communities",
        "people",
        "roles",
        "memberships",
        "projects",
        "items",
        "links",
        "search",
    ] {
        lengths[list] = data[list]["totalCount"].clone();
    }
    let buckets = data["search"]["facets"][0]["buckets"].as_array().unwrap();
    assert_eq!(buckets.len(), usize::try_from(data["search"]["totalCount"].as_i64().unwrap()).unwrap());
    let or_none = |count: &Value| if count.is_null() { json!(0) } else { count.clone() };
    lengths["topicItems"] = or_none(&data["topic"]["items"]["totalCount"]);
    lengths["topicCommunities"] = or_none(&data["topic"]["communities"]["totalCount"]);
    lengths["organizationItems"] = or_none(&data["organization"]["items"]["totalCount"]);
    lengths["participants"] = or_none(&data["projects"]["nodes"][0]["people"]["totalCount"]);
    lengths
}

/// How many changes of an action there are, by kind.
async fn told(db: &Db, action: &str) -> Vec<(String, i64)> {
    let mut conn = db.connection().await.unwrap();
    Sql::new("SELECT kind, count(DISTINCT node_id) FROM changes WHERE action = ")
        .text(action)
        .push(" GROUP BY kind ORDER BY kind")
        .returning::<(Text, BigInt)>()
        .load(&mut conn)
        .await
        .unwrap()
}

/// How many rows the tables hold that an import writes.
async fn rows(db: &Db) -> Vec<(String, i64)> {
    let mut conn = db.connection().await.unwrap();
    Sql::new(
        "SELECT 'nodes', count(*) FROM nodes UNION ALL SELECT 'changes', count(*) FROM changes \
         UNION ALL SELECT 'sources', count(*) FROM sources UNION ALL SELECT 'texts', count(*) FROM text_origins \
         UNION ALL SELECT 'documents', count(*) FROM search_documents UNION ALL SELECT 'slugs', count(*) FROM slugs \
         UNION ALL SELECT 'words', count(*) FROM topic_words \
         UNION ALL SELECT 'members', coalesce(sum(active_members), 0)::bigint FROM community_counts",
    )
    .returning::<(Text, BigInt)>()
    .load(&mut conn)
    .await
    .unwrap()
}

async fn import(db: &Db, lines: &[Value]) -> Report {
    support::import(db, vec![support::file(lines)]).await.unwrap()
}

async fn export(db: &Db) -> String {
    let mut text = String::new();
    let out = |line: &str| {
        text.push_str(line);
        text.push('\n');
        Ok(())
    };
    transfer::export(db, &Viewer::system("test"), out).await.unwrap();
    text
}

fn file_of(text: &str) -> transfer::Input {
    transfer::Input { name: "export".to_owned(), bytes: text.as_bytes().to_vec() }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_retired_is_nowhere_until_a_new_line_brings_it_back() {
    for (index, (kind, root, shortened)) in KINDS.iter().enumerate() {
        let lines = nodes();
        let hub = TestHub::with_lines(&lines).await;
        let before = lengths(&hub).await;
        let id = hub.data(&format!("{{ {root} {{ nodes {{ id }} }} }}")).await[*root]["nodes"][0]["id"].clone();
        let mut after = before.clone();
        for list in *shortened {
            after[*list] = json!(before[*list].as_i64().unwrap() - 1);
        }
        let retirement = [json!({ "retire": format!("{kind}:x") })];
        let report = import(&hub.db, &retirement).await;
        assert_eq!((report.retired, report.created, report.updated, report.unchanged), (1, 0, 0, 0), "{kind}");
        let mut retired = lengths(&hub).await;
        if *kind == "person" {
            // The role itself is about the community; what it says of the person is nothing any more.
            retired["roles"] = before["roles"].clone();
            let roles = hub.data("{ roles { nodes { person { name } } } }").await;
            assert!(roles["roles"]["nodes"].as_array().unwrap().iter().all(|role| role["person"].is_null()), "{roles}");
        }
        assert_eq!(retired, after, "{kind}");
        let mut query = format!("node(id: {id}) {{ id }} nodes(ids: [{id}]) {{ id }}");
        if !["role", "membership", "link"].contains(kind) {
            query.push_str(&format!(" slug: {kind}(slug: \"x\") {{ id }}"));
        }
        let gone = hub.data(&format!("{{ {query} }}")).await;
        assert!(gone["node"].is_null() && gone["nodes"][0].is_null() && gone["slug"].is_null(), "{kind}: {gone}");
        assert_eq!(told(&hub.db, "RETIRED").await, [(kind.to_uppercase(), 1)]);
        // Neither the same again nor the line that it came from does anything.
        let written = rows(&hub.db).await;
        assert_eq!(import(&hub.db, &retirement).await.unchanged, 1, "{kind}");
        assert_eq!(import(&hub.db, &lines).await.unchanged, lines.len(), "{kind}");
        assert_eq!(rows(&hub.db).await, written, "{kind}");
        assert_eq!(lengths(&hub).await["search"], after["search"], "{kind}");
        // Another line does.
        let back = with(lines[index].clone(), json!({"verifiedOn": "2026-05-05"}));
        assert_eq!(import(&hub.db, &[back]).await.updated, 1, "{kind}");
        assert_eq!(lengths(&hub).await, before, "{kind}");
        let found = hub.data(&format!("{{ node(id: {id}) {{ id }} }}")).await;
        assert_eq!(found["node"]["id"], id, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_keeps_what_was_retired() {
    let hub = TestHub::with_lines(&nodes()).await;
    let retirements: Vec<Value> = KINDS.iter().map(|(kind, _, _)| json!({ "retire": format!("{kind}:x") })).collect();
    read(&hub.db, &retirements).await;
    let text = export(&hub.db).await;
    assert_eq!(text.lines().count(), 9);
    assert!(text.lines().all(|line| line.contains("\"retired\":true")), "{text}");
    let other = TestHub::with_lines(&[]).await;
    support::import(&other.db, vec![file_of(&text)]).await.unwrap();
    assert!(export(&other.db).await == text);
    let lengths = lengths(&other).await;
    assert!(lengths.as_object().unwrap().values().all(|length| *length == 0), "{lengths}");
    let again = support::import(&other.db, vec![file_of(&text)]).await.unwrap();
    assert_eq!((again.created, again.updated, again.unchanged), (0, 0, 9));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retirement_names_a_node_that_is_there_and_says_nothing_else() {
    let hub = TestHub::with_lines(&[topic("t", json!({}))]).await;
    let written = rows(&hub.db).await;
    for (line, field, message) in [
        (json!({"retire": "item:nobody"}), None, "key-unknown"),
        (json!({"retire": "item:t"}), None, "key-unknown"),
        (json!({"retire": "topic:t", "name": {"en": "T"}}), Some("name"), "retire-alone"),
        (json!({"retire": "topic:t", "kind": "topic"}), Some("kind"), "retire-alone"),
        (json!({"retire": "castle:t"}), Some("retire"), "field-unusable"),
        (json!({"retire": "t"}), Some("retire"), "field-unusable"),
        (json!({"retire": ["topic:t"]}), Some("retire"), "field-unusable"),
        (topic("u", json!({"retired": true, "audience": []})), Some("audience"), "retired-audience"),
    ] {
        let found = problem(&hub.db, &[topic("good", json!({})), line.clone()]).await;
        assert_eq!((found.0, found.1.as_deref(), found.2), (2, field, message), "{line}");
    }
    let twice = problem(&hub.db, &[json!({"retire": "topic:t"}), topic("t", json!({}))]).await;
    assert_eq!(twice, (2, Some("key".to_owned()), "key-twice"));
    assert_eq!(rows(&hub.db).await, written);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_missing_from_a_later_file_takes_nothing_away() {
    let hub = TestHub::with_lines(&[topic("a", json!({})), topic("b", json!({}))]).await;
    let report = import(&hub.db, &[topic("a", json!({"name": {"en": "Changed"}}))]).await;
    assert_eq!((report.updated, report.retired), (1, 0));
    let data = hub.data("{ topics { nodes { key name } } }").await;
    assert_eq!(data["topics"]["nodes"], json!([{"key": "b", "name": "b"}, {"key": "a", "name": "Changed"}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rehearsal_tells_what_each_line_would_do_and_writes_nothing() {
    let hub = TestHub::with_lines(&nodes()).await;
    let (written, seen) = (rows(&hub.db).await, lengths(&hub).await);
    let lines = [
        topic("new", json!({"sources": [{"title": {"en": "S"}}]})),
        topic("x", json!({"name": {"en": "Changed"}})),
        organization("x", json!({})),
        membership("x", "x", "x", json!({"status": "ENDED"})),
        json!({"retire": "item:x"}),
    ];
    let rehearse = |lines: Vec<Value>| {
        let inputs = vec![support::file(&lines)];
        transfer::import(&hub.db, Viewer::system("test"), inputs, Mode::Rehearse, Arc::new(|_, _| ()))
    };
    let report = rehearse(lines.to_vec()).await.unwrap();
    assert_eq!((report.created, report.updated, report.unchanged, report.retired), (1, 2, 1, 1));
    let told: Vec<(usize, &str, Outcome)> =
        report.lines.iter().map(|line| (line.place.line, line.node.as_str(), line.outcome)).collect();
    let expected = [
        (1, "topic:new", Outcome::Created),
        (2, "topic:x", Outcome::Updated),
        (3, "organization:x", Outcome::Unchanged),
        (4, "membership:x", Outcome::Updated),
        (5, "item:x", Outcome::Retired),
    ];
    assert_eq!(told, expected);
    assert!(report.lines.iter().all(|line| line.place.file == "test.jsonl"));
    assert_eq!((rows(&hub.db).await, lengths(&hub).await), (written.clone(), seen));
    assert!(rehearse(vec![topic("a", json!({"parents": ["nobody"]}))]).await.is_err());
    assert_eq!(rows(&hub.db).await, written);
    let report = import(&hub.db, &lines).await;
    assert_eq!((report.created, report.updated, report.unchanged, report.retired), (1, 2, 1, 1), "as it was told");
}

/// Runs `hub import` over a database, with this on its standard input.
fn hub_import(address: &str, arguments: &[&str], input: Vec<u8>) -> Output {
    let mut command = Command::new(support::program());
    command.arg("import").args(arguments).args(["--database-url", address]);
    command.env_clear().env("PATH", support::path()).env("LANG", "en_CA.UTF-8");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    // In a thread of its own: the hub answers while it reads. It may refuse without reading.
    let writer = std::thread::spawn(move || drop(pipe.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_is_acknowledged_line_by_line_and_bad_lines_leave_the_others() {
    let address = support::address_of_new_database("empty").await;
    let long = format!("{{\"kind\":\"topic\",\"key\":\"{}\"}}", "x".repeat(3_000_000));
    let lines = [
        topic("a", json!({})).to_string(),
        String::new(),
        topic("b", json!({"parents": ["nobody"]})).to_string(),
        "{".to_owned(),
        long,
        organization("o", json!({"phone": "call me"})).to_string(),
        json!({"retire": "topic:nobody"}).to_string(),
        topic("a", json!({})).to_string(),
        topic("c", json!({"parents": ["a"]})).to_string(),
        json!({"retire": "topic:a"}).to_string(),
    ];
    let output = hub_import(&address, &["--each", "-"], lines.join("\n").into_bytes());
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    let told: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let done = |line: usize, node: &str, outcome: &str| json!({"line": line, "node": node, "outcome": outcome});
    let refused = |line: usize, field: Value, code: &str| json!([line, "REFUSED", field, code]);
    let expected = [
        done(1, "topic:a", "CREATED"),
        refused(3, Value::Null, "key-unknown"),
        refused(4, Value::Null, "line-not-json"),
        refused(5, Value::Null, "line-too-long"),
        refused(6, json!("phone"), "phone-ill-formed"),
        refused(7, Value::Null, "key-unknown"),
        done(8, "topic:a", "UNCHANGED"),
        done(9, "topic:c", "CREATED"),
        done(10, "topic:a", "RETIRED"),
    ];
    assert_eq!(told.len(), expected.len(), "{said}");
    let mut cursors = Vec::new();
    for (told, expected) in told.iter().zip(expected) {
        if expected.is_array() {
            let problem = &told["problems"][0];
            assert_eq!(json!([told["line"], told["outcome"], problem["field"], problem["code"]]), expected);
            assert!(!problem["message"].as_str().unwrap().is_empty() && told.get("node").is_none(), "{told}");
        } else {
            // Where the change log tells of it; nowhere when nothing changed.
            let cursor = told["cursor"].as_str().map(|cursor| Cursor::read(cursor).unwrap().position);
            assert_eq!(cursor.is_some(), expected["outcome"] != "UNCHANGED", "{told}");
            cursors.extend(cursor);
            assert_eq!(with(expected, json!({"cursor": told["cursor"]})), *told);
        }
    }
    assert!(cursors.is_sorted() && cursors.len() == 3, "{cursors:?}");
    assert!(said.len() < 10_000, "a long line is not repeated");
    let good = hub_import(&address, &["--each", "-"], topic("d", json!({})).to_string().into_bytes());
    assert_eq!(good.status.code(), Some(0), "the last line needs no end");
    let hub = TestHub::over(Db::with_address(&address, 2).unwrap()).await;
    let data = hub.data("{ topics { nodes { key } } organizations { totalCount } }").await;
    assert_eq!(data, json!({"topics": {"nodes": [{"key": "c"}, {"key": "d"}]}, "organizations": {"totalCount": 0}}));
    assert_eq!(refused_with(&hub_import(&address, &["--each", "-", "-"], Vec::new())), Some(2));
    assert_eq!(refused_with(&hub_import(&address, &["--each", "--dry-run", "-"], Vec::new())), Some(2));
}

/// The exit code of a command that says nothing but why.
fn refused_with(output: &Output) -> Option<i32> {
    assert!(output.stdout.is_empty() && !output.stderr.is_empty());
    output.status.code()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_names_file_line_and_node() {
    let address = support::address_of_new_database("empty").await;
    let folder = support::open_folder("hub-dry-run-");
    let file = folder.path().join("lines.jsonl");
    let name = file.to_str().unwrap();
    let text = |lines: &[Value]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    std::fs::write(&file, text(&[topic("a", json!({})), topic("b", json!({})), topic("c", json!({}))])).unwrap();
    assert!(hub_import(&address, &[name], Vec::new()).status.success());
    let lines = [
        topic("new", json!({})),
        topic("a", json!({})),
        topic("b", json!({"name": {"en": "Changed"}})),
        json!({"retire": "topic:c"}),
    ];
    std::fs::write(&file, text(&lines)).unwrap();
    let output = hub_import(&address, &["--dry-run", name], Vec::new());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    let mut sentences = said.lines();
    for (number, node) in (1..).zip(["topic:new", "topic:a", "topic:b", "topic:c"]) {
        let sentence = sentences.next().unwrap();
        for part in [name, &format!("line {number}"), node] {
            assert!(sentence.contains(part), "{part}: {sentence}");
        }
    }
    assert!(said.contains("Nothing was written."), "{said}");
    let hub = TestHub::over(Db::with_address(&address, 2).unwrap()).await;
    let data = hub.data("{ topics { nodes { key name } } }").await;
    let names = json!([{"key": "a", "name": "a"}, {"key": "b", "name": "b"}, {"key": "c", "name": "c"}]);
    assert_eq!(data["topics"]["nodes"], names);
}
