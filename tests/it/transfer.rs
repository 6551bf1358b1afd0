//! Reading and writing lines: what is refused and where, what is kept, and what the change log is told.

use diesel::sql_types::{Array, BigInt, Text};
use diesel_async::RunQueryDsl;
use knowledge_hub::db::Db;
use knowledge_hub::db::log;
use knowledge_hub::db::statement::Sql;
use knowledge_hub::db::{migrations, schema};
use knowledge_hub::policy::Viewer;
use knowledge_hub::transfer::{self, ImportFailure, Input};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{self, TestHub};

fn topic(key: &str, parents: Value) -> Value {
    json!({"kind": "topic", "key": key, "originalLanguage": "en", "name": {"en": key}, "parents": parents})
}

fn organization(key: &str, parent: Value) -> Value {
    json!({"kind": "organization", "key": key, "originalLanguage": "en", "organizationKind": "OTHER",
        "name": {"en": key}, "parent": parent, "status": "ACTIVE"})
}

async fn rows(db: &Db) -> i64 {
    let mut conn = db.connection().await.unwrap();
    let count = Sql::new(
        "SELECT (SELECT count(*) FROM nodes) + (SELECT count(*) FROM changes) + (SELECT count(*) FROM sources)",
    );
    count.returning::<BigInt>().get_result(&mut conn).await.unwrap()
}

/// The line, field and message id of each problem of an import that has to fail.
async fn problems(db: &Db, inputs: Vec<Input>) -> Vec<(usize, Option<String>, &'static str)> {
    match support::import(db, inputs).await.unwrap_err() {
        ImportFailure::Lines(problems) => {
            problems.into_iter().map(|problem| (problem.line, problem.field, problem.message.id())).collect()
        }
        ImportFailure::Fault(fault) => vec![(0, None, fault.message().id())],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_line_is_named_and_nothing_is_written() {
    let db = support::database("empty", 2).await;
    let good = topic("good", json!([]));
    let with = |field: &str, value: Value| {
        let mut line = organization("bad", Value::Null);
        line[field] = value;
        line
    };
    let long = "x".repeat(301);
    let cases = [
        (with("name", json!({"en": ""})), "name", "field-unusable"),
        (with("name", json!({"en": "a\u{0}b"})), "name", "field-unusable"),
        (with("name", json!({"en": long})), "name", "text-too-long"),
        (with("name", json!({"en_CA": "x"})), "name.en_CA", "field-unusable"),
        (with("summary", json!({"en": "x".repeat(10_001)})), "summary", "text-too-long"),
        (with("phone", json!("call me")), "phone", "phone-ill-formed"),
        (with("website", json!("javascript:alert(1)")), "website", "web-address-ill-formed"),
        (with("email", json!("nobody")), "email", "email-ill-formed"),
        (with("identifiers", json!([{"scheme": "ROR", "value": "03yrm5c27"}])), "identifiers", "ror-wrong"),
        (with("identifiers", json!([{"scheme": "ISNI", "value": "0000000121032684"}])), "identifiers", "isni-wrong"),
        (with("founded", json!({"edtf": "2018-13"})), "founded", "field-unusable"),
        (with("founded", json!({"edtf": "-5000"})), "founded", "date-too-early"),
        (with("languages", json!(["français"])), "languages[0]", "field-unusable"),
        (with("languages", json!(vec!["en"; 51])), "languages", "list-too-long"),
        (with("organizationKind", json!("CASTLE")), "organizationKind", "field-unusable"),
        (with("colour", json!("blue")), "colour", "field-unusable"),
        (with("key", json!("Not a key")), "key", "slug-ill-formed"),
        (with("audience", json!(["member:x"])), "audience", "audience-not-importable"),
        (with("sources", json!([{"field": "name"}])), "sources/1/title", "source-empty"),
        (
            with("aims", json!([{"id": "1", "text": {"en": "a"}}, {"id": "1", "text": {"en": "b"}}])),
            "aims/1",
            "id-twice",
        ),
        (with("parent", json!("\u{0}")), "parent", "slug-ill-formed"),
    ];
    for (line, field, message) in cases {
        let found = problems(&db, vec![support::file(&[good.clone(), line.clone()])]).await;
        assert!(found.contains(&(2, Some(field.to_owned()), message)), "{line}: {found:?}");
    }
    assert_eq!(rows(&db).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_line_is_refused_by_its_place() {
    let db = support::database("empty", 2).await;
    let cases: [(&[u8], &str); 8] = [
        (b"{", "line-not-json"),
        (b"[]", "line-not-object"),
        (b"\"\xff\"", "line-not-utf8"),
        (b"{\"kind\":\"castle\"}", "kind-unknown"),
        (b"{}", "kind-unknown"),
        (b"{\"kind\":5}", "kind-unknown"),
        (b"{\"kind\":\"topic\"}", "field-unusable"),
        (b"{\"kind\":\"link\",\"key\":\"l\",\"originalLanguage\":\"en\",\"linkKind\":\"HOSTS\",\"from\":\"x\",\"to\":\"y\"}", "field-unusable"),
    ];
    for (bytes, message) in cases {
        let bytes = [b"\n", bytes].concat();
        let found = problems(&db, vec![Input { name: "x".to_owned(), bytes }]).await;
        assert_eq!((found[0].0, found[0].2), (2, message));
    }
    let bytes = vec![b'x'; 1_000_001];
    assert_eq!(problems(&db, vec![Input { name: "x".to_owned(), bytes }]).await[0].2, "line-too-long");
    let twice = [topic("t", json!([])), topic("t", json!([]))];
    assert_eq!(problems(&db, vec![support::file(&twice)]).await, [(2, Some("key".to_owned()), "key-twice")]);
    assert_eq!(rows(&db).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_the_whole_can_tell_is_refused_too() {
    let db = support::database("empty", 2).await;
    for (lines, message) in [
        (vec![topic("a", json!(["nobody"]))], "key-unknown"),
        (vec![topic("a", json!(["b"])), topic("b", json!(["c"])), topic("c", json!(["a"]))], "above-itself"),
        (vec![organization("a", json!("b")), organization("b", json!("a"))], "above-itself"),
        (
            vec![
                topic("a", json!([])),
                json!({"kind": "topic", "key": "b", "slug": "a", "originalLanguage": "en",
            "name": {"en": "b"}}),
            ],
            "slug-taken",
        ),
    ] {
        let found = problems(&db, vec![support::file(&lines)]).await;
        assert_eq!(found[0].2, message, "{lines:?}");
    }
    for node in [topic("a", json!(["a"])), organization("a", json!("a"))] {
        let found = problems(&db, vec![support::file(std::slice::from_ref(&node))]).await;
        assert_eq!(found[0].2, "above-itself", "{node}");
    }
    let ends = [
        json!({"kind": "link", "key": "l", "originalLanguage": "en", "linkKind": "HOSTS", "from": "topic:t", "to": "topic:u"}),
        json!({"kind": "link", "key": "l", "originalLanguage": "en", "linkKind": "MEMBER_OF", "from": "organization:a", "to": "organization:a"}),
        json!({"kind": "role", "key": "r", "originalLanguage": "en", "person": "p", "of": "topic:t", "roleKind": "LEADER"}),
    ];
    let twice = json!({"field": "NAME", "audience": "PUBLIC", "givenAt": "2026-01-01T00:00:00Z", "textVersion": "1"});
    let person =
        json!({"kind": "person", "key": "p", "originalLanguage": "en", "name": "P", "consents": [twice, twice]});
    assert_eq!(problems(&db, vec![support::file(&[person])]).await[0].2, "id-twice");
    let mut slugged = ends[2].clone();
    slugged["slug"] = json!("r");
    assert!(problems(&db, vec![support::file(&[slugged])]).await.iter().any(|problem| problem.2 == "slug-not-taken"));
    for (line, message) in ends.iter().zip(["link-ends-wrong", "link-to-itself", "role-of-wrong-kind"]) {
        assert_eq!(problems(&db, vec![support::file(std::slice::from_ref(line))]).await[0].2, message);
    }
    assert_eq!(rows(&db).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_the_same_lines_again_writes_nothing() {
    let db = support::database("sample", 2).await;
    let before = rows(&db).await;
    let report = support::import(&db, transfer::sample_data()).await.unwrap();
    assert_eq!((report.created, report.updated), (0, 0));
    assert!(report.unchanged > 150);
    assert_eq!(rows(&db).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_the_sample_data_again_reverts_nobodys_edit() {
    let hub = TestHub::with_lines(&[organization("o", Value::Null)]).await;
    let mut edited = organization("o", Value::Null);
    edited["name"] = json!({"en": "Edited"});
    support::import(&hub.db, vec![support::file(&[edited.clone()])]).await.unwrap();
    // The edit is the line imported last now; reading it again changes nothing, the older line is another one.
    let report = support::import(&hub.db, vec![support::file(&[edited])]).await.unwrap();
    assert_eq!((report.created, report.updated, report.unchanged), (0, 0, 1));
    let data = hub.data(r#"{ organization(slug: "o") { name version } }"#).await;
    assert_eq!(data["organization"], json!({"name": "Edited", "version": 2}));
}

#[tokio::test(flavor = "multi_thread")]
async fn export_import_export_gives_the_same_bytes() {
    let export = |db: Db| async move {
        let mut text = String::new();
        let out = |line: &str| {
            text.push_str(line);
            text.push('\n');
            Ok(())
        };
        transfer::export(&db, &Viewer::system("test"), out).await.unwrap();
        text
    };
    let first = export(support::database("sample", 2).await).await;
    assert!(first.lines().count() > 150);
    let other = support::database("empty", 2).await;
    support::import(&other, vec![Input { name: "export".to_owned(), bytes: first.clone().into_bytes() }])
        .await
        .unwrap();
    assert!(export(other).await == first);
    // What the hub writes is what it would write again: reading its own export changes nothing.
    let same = support::database("sample", 2).await;
    let own = Input { name: "export".to_owned(), bytes: first.into_bytes() };
    let report = support::import(&same, vec![own]).await.unwrap();
    assert_eq!((report.created, report.updated), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_slug_keeps_leading_to_its_node_and_nobody_else_gets_it() {
    let with_slug = |key: &str, slug: &str| {
        let mut line = organization(key, Value::Null);
        line["slug"] = json!(slug);
        line
    };
    let hub = TestHub::with_lines(&[with_slug("o", "first")]).await;
    support::import(&hub.db, vec![support::file(&[with_slug("o", "second")])]).await.unwrap();
    let data =
        hub.data(r#"{ a: organization(slug: "first") { slug } b: organization(slug: "second") { slug } }"#).await;
    assert_eq!(data, json!({"a": {"slug": "second"}, "b": {"slug": "second"}}));
    let found = problems(&hub.db, vec![support::file(&[with_slug("p", "first")])]).await;
    assert_eq!(found[0].2, "slug-taken");
    // The history moves along to another hub.
    let mut lines = Vec::new();
    let out = |line: &str| {
        lines.push(serde_json::from_str::<Value>(line).unwrap());
        Ok(())
    };
    transfer::export(&hub.db, &Viewer::system("test"), out).await.unwrap();
    assert_eq!(lines[0]["formerSlugs"], json!(["first"]));
    let other = TestHub::with_lines(&lines).await;
    assert_eq!(other.data(r#"{ organization(slug: "first") { slug } }"#).await["organization"]["slug"], "second");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_translation_keeps_the_hash_of_the_original_that_it_was_made_from() {
    let named = |en: &str, fr: &str| {
        let mut line = topic("t", json!([]));
        line["name"] = json!({"en": en, "fr": fr});
        support::file(&[line])
    };
    let db = support::database("empty", 2).await;
    let hashes = |db: Db| async move {
        let mut conn = db.connection().await.unwrap();
        let rows: Vec<(String, String, String)> =
            Sql::new("SELECT language, origin, original_hash FROM text_origins WHERE field = 'name' ORDER BY language")
                .returning::<(Text, Text, Text)>()
                .load(&mut conn)
                .await
                .unwrap();
        rows
    };
    support::import(&db, vec![named("One", "Un")]).await.unwrap();
    let first = hashes(db.clone()).await;
    assert_eq!((first[0].1.as_str(), first[1].1.as_str()), ("ORIGINAL", "IMPORTED"));
    assert_eq!(first[0].2, first[1].2);
    support::import(&db, vec![named("Two", "Un")]).await.unwrap();
    let stale = hashes(db.clone()).await;
    assert_ne!(stale[0].2, stale[1].2, "the original moved on, the translation did not");
    assert_eq!(stale[1], first[1]);
    support::import(&db, vec![named("Two", "Deux")]).await.unwrap();
    let fresh = hashes(db).await;
    assert_eq!(fresh[0].2, fresh[1].2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_original_language_makes_the_old_one_a_translation() {
    let written_in = |language: &str| {
        let mut line = topic("t", json!([]));
        line["originalLanguage"] = json!(language);
        line["name"] = json!({"en": "One", "fr": "Un"});
        support::file(&[line])
    };
    let db = support::database("empty", 2).await;
    for (language, expected) in [("fr", ["IMPORTED", "ORIGINAL"]), ("en", ["ORIGINAL", "IMPORTED"])] {
        support::import(&db, vec![written_in(language)]).await.unwrap();
        let mut conn = db.connection().await.unwrap();
        let origins: Vec<String> = Sql::new("SELECT origin FROM text_origins ORDER BY language")
            .returning::<Text>()
            .load(&mut conn)
            .await
            .unwrap();
        assert_eq!(origins, expected, "{language}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_write_is_in_the_change_log_with_fields_and_audiences_and_no_content() {
    let community = |audience: Value, name: &str| {
        json!({"kind": "community", "key": "c", "originalLanguage": "en", "name": {"en": name}, "audience": audience,
            "status": "ACTIVE"})
    };
    let others = [
        json!({"kind": "person", "key": "p", "originalLanguage": "en", "name": "P"}),
        json!({"kind": "role", "key": "r", "originalLanguage": "en", "person": "p", "of": "community:c", "roleKind": "LEADER"}),
    ];
    let db = support::database("empty", 2).await;
    let mut lines = vec![community(json!([]), "Secret words")];
    lines.extend(others);
    support::import(&db, vec![support::file(&lines)]).await.unwrap();
    support::import(&db, vec![support::file(&[community(json!(["public"]), "Secret words")])]).await.unwrap();
    let mut conn = db.connection().await.unwrap();
    type Row = (i64, String, String, Vec<String>, Vec<String>, Vec<String>);
    let log: Vec<Row> = Sql::new(
        "SELECT position, action, kind, fields, audience_before, audience_after FROM changes ORDER BY position",
    )
    .returning::<(BigInt, Text, Text, Array<Text>, Array<Text>, Array<Text>)>()
    .load(&mut conn)
    .await
    .unwrap();
    let told: Vec<(&str, &str)> = log.iter().map(|row| (row.1.as_str(), row.2.as_str())).collect();
    assert_eq!(told[..3], [("CREATED", "COMMUNITY"), ("CREATED", "ROLE"), ("CREATED", "PERSON")]);
    let public = vec!["public".to_owned()];
    let update = &log[3];
    assert_eq!(
        (update.1.as_str(), update.2.as_str(), &update.3),
        ("UPDATED", "COMMUNITY", &vec!["audience".to_owned()])
    );
    assert_eq!((&update.4, &update.5), (&Vec::new(), &public), "nobody could see it before, everybody can now");
    // The role and the person became visible with it, and the log knows; of the person the four fields of a role alone.
    let moved: Vec<(&str, Vec<&str>)> =
        log.iter().skip(4).map(|row| (row.2.as_str(), row.3.iter().map(String::as_str).collect())).collect();
    let shown = vec!["name", "honorific", "profession", "homeOrganization"];
    assert_eq!(moved, [("PERSON", shown), ("ROLE", vec!["audience"])]);
    assert!(log.iter().skip(4).all(|row| row.5.contains(&public[0]) && !row.4.contains(&public[0])));
    let left: i64 = Sql::new("SELECT count(*) FROM nodes WHERE audience_before IS NOT NULL")
        .returning::<BigInt>()
        .get_result(&mut conn)
        .await
        .unwrap();
    assert_eq!(left, 0, "what moved is forgotten once it is logged");
    assert!(!format!("{log:?}").contains("Secret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_concerns_what_it_leaves_and_what_it_comes_to() {
    let community = |key: &str, topics: Value| {
        json!({"kind": "community", "key": key, "originalLanguage": "en", "name": {"en": key}, "topics": topics,
            "status": "ACTIVE"})
    };
    let role = |of: &str| json!({"kind": "role", "key": "r", "originalLanguage": "en", "person": "p", "of": of, "roleKind": "LEADER"});
    let db = support::database("empty", 2).await;
    let first = [
        topic("t", json!([])),
        topic("u", json!([])),
        community("a", json!(["t"])),
        community("b", json!([])),
        json!({"kind": "person", "key": "p", "originalLanguage": "en", "name": "P"}),
        role("community:a"),
    ];
    support::import(&db, vec![support::file(&first)]).await.unwrap();
    let moved = [community("a", json!(["u"])), role("community:b")];
    support::import(&db, vec![support::file(&moved)]).await.unwrap();
    let mut conn = db.connection().await.unwrap();
    let told: Vec<(String, i64, i64)> = Sql::new(
        "SELECT kind, cardinality(communities)::bigint, cardinality(topics)::bigint FROM changes \
         WHERE action = 'UPDATED' AND kind IN ('COMMUNITY', 'ROLE') ORDER BY position",
    )
    .returning::<(Text, BigInt, BigInt)>()
    .load(&mut conn)
    .await
    .unwrap();
    assert_eq!(told, [("COMMUNITY".to_owned(), 1, 2), ("ROLE".to_owned(), 2, 0)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_epoch_of_the_log_changes_with_the_database_and_not_otherwise() {
    let db = support::database("empty", 1).await;
    let mut conn = db.connection().await.unwrap();
    let (one, two, three) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
    assert_eq!(log::ensure_epoch(&mut conn, one).await.unwrap(), one);
    assert_eq!(log::ensure_epoch(&mut conn, two).await.unwrap(), one);
    // As in a clone of the database: everything is the same but the stamp.
    Sql::new("UPDATE log_epoch SET database_oid = 1").returning::<()>().execute(&mut conn).await.unwrap();
    assert_eq!(log::ensure_epoch(&mut conn, three).await.unwrap(), three);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tables_of_diesel_are_those_of_the_database() {
    let db = support::database("empty", 1).await;
    let mut conn = db.connection().await.unwrap();
    let columns: Vec<(String, String)> = Sql::new(
        "SELECT table_name::text, string_agg(column_name || ' ' || udt_name || ' ' || is_nullable, ', ' ORDER BY ordinal_position) \
         FROM information_schema.columns WHERE table_schema = 'public' AND is_generated = 'NEVER' \
         AND table_name NOT IN ('__diesel_schema_migrations', 'search_documents', 'searchable') GROUP BY 1 ORDER BY 1",
    )
    .returning::<(Text, Text)>()
    .load(&mut conn)
    .await
    .unwrap();
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/db/schema.rs");
    let text = std::fs::read_to_string(path).unwrap();
    let mut declared = Vec::new();
    for table in text.split("diesel::table! {").skip(1) {
        let (head, body) = table.split_once(") {").unwrap();
        let name = head.split('(').next().unwrap().trim().to_owned();
        let columns: Vec<String> = body
            .lines()
            .filter_map(|line| line.trim().trim_end_matches(',').split_once(" -> "))
            .map(|(column, kind)| {
                let (kind, null) = match kind.strip_prefix("Nullable<").and_then(|kind| kind.strip_suffix('>')) {
                    Some(kind) => (kind, "YES"),
                    None => (kind, "NO"),
                };
                let kind = match kind {
                    "Array<Text>" => "_text",
                    "Array<Uuid>" => "_uuid",
                    "Text" => "text",
                    "Uuid" => "uuid",
                    "Bool" => "bool",
                    "Bytea" => "bytea",
                    "Timestamptz" => "timestamptz",
                    "Date" => "date",
                    "Jsonb" => "jsonb",
                    "Integer" => "int4",
                    "BigInt" => "int8",
                    other => other,
                };
                format!("{column} {kind} {null}")
            })
            .collect();
        declared.push((name, columns.join(", ")));
    }
    assert_eq!(declared, columns);
    // The module is used through its tables; naming one here ties the test to it.
    let _ = schema::nodes::table;
}

#[tokio::test(flavor = "multi_thread")]
async fn migrations_go_up_down_and_up_to_the_same_schema() {
    let db = support::database("empty", 2).await;
    let shape = |db: Db| async move {
        let mut conn = db.connection().await.unwrap();
        let rows: Vec<String> = Sql::new(
            "SELECT format('%s.%s %s %s %s', table_name, column_name, data_type, is_nullable, column_default) \
               FROM information_schema.columns WHERE table_schema = 'public' \
             UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' \
             UNION ALL SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace \
             UNION ALL SELECT pg_get_functiondef(p.oid) FROM pg_proc p LEFT JOIN pg_depend d ON d.objid = p.oid AND d.deptype = 'e' \
               WHERE pronamespace = 'public'::regnamespace AND d.objid IS NULL \
             UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1",
        )
        .returning::<Text>()
        .load(&mut conn)
        .await
        .unwrap();
        rows
    };
    let up = shape(db.clone()).await;
    assert!(up.len() > 100);
    migrations::revert_all(&db).await.unwrap();
    assert!(shape(db.clone()).await.len() < 10, "nothing of the hub is left");
    migrations::run(&db).await.unwrap();
    assert_eq!(shape(db).await, up);
}
