//! Memberships: who sees them, and how many are active.

use diesel::sql_types::{Array, Text};
use diesel_async::RunQueryDsl;
use knowledge_hub::db::Db;
use knowledge_hub::db::statement::Sql;
use serde_json::{Value, json};

use crate::lines::{community, consent, keys, membership, person, problem, public, read, with};
use crate::support::TestHub;

/// How far a consent in a test goes: not given, for everybody, for members, or taken back.
const CONSENTS: [&str; 4] = ["NONE", "PUBLIC", "MEMBERS", "WITHDRAWN"];

fn consented(field: &str, how: &str) -> Option<Value> {
    let taken_back = json!({"withdrawnAt": "2026-02-01T00:00:00Z"});
    match how {
        "NONE" => None,
        "WITHDRAWN" => Some(with(consent(field, "PUBLIC"), taken_back)),
        audience => Some(consent(field, audience)),
    }
}

/// The audience of a membership, as it is stored.
async fn audience(db: &Db, key: &str) -> Vec<String> {
    let mut conn = db.connection().await.unwrap();
    Sql::new("SELECT audience FROM memberships WHERE key = ")
        .text(key)
        .returning::<Array<Text>>()
        .get_result(&mut conn)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_of_a_membership_is_served_as_it_was_read() {
    let more = json!({"status": "ENDED", "tier": "ENDORSED", "verifiedOn": "2026-02-03", "originalLanguage": "fr",
        "since": {"edtf": "2020-22", "label": {"fr": "à l’été 2020"}}, "sources": [{"title": {"fr": "Liste"}}]});
    let consents = json!({"consents": public(&["NAME", "MEMBERSHIPS"])});
    let hub = TestHub::with_lines(&[
        community("c", json!({})),
        community("d", json!({})),
        person("p", consents),
        membership("m", "p", "c", more),
        membership("bare", "p", "d", json!({"status": "ACTIVE"})),
    ])
    .await;
    let query = "{ memberships { totalCount nodes { key version verifiedOn originalLanguage status tier
        since { edtf earliest latest label } person { key } community { key } sources { nodes { title } }
        fallbackFields { field language } translations { field language text } } } }";
    let full = json!({
        "key": "m", "version": 1, "verifiedOn": "2026-02-03", "originalLanguage": "fr", "status": "ENDED",
        "tier": "ENDORSED", "person": {"key": "p"}, "community": {"key": "c"},
        "since": {"edtf": "2020-22", "earliest": "2020-06-01", "latest": "2020-08-31", "label": "à l’été 2020"},
        "sources": {"nodes": [{"title": "Liste"}]}, "fallbackFields": [{"field": "since/label", "language": "fr"}],
        "translations": [{"field": "since/label", "language": "fr", "text": "à l’été 2020"}],
    });
    let bare = json!({
        "key": "bare", "version": 1, "verifiedOn": null, "originalLanguage": "en", "status": "ACTIVE", "tier": null,
        "since": null, "person": {"key": "p"}, "community": {"key": "d"}, "sources": {"nodes": []},
        "fallbackFields": [], "translations": [],
    });
    let data = hub.data(query).await;
    assert_eq!(data["memberships"], json!({"totalCount": 2, "nodes": [full, bare]}), "what has no date comes last");
    for (filter, expected) in [
        ("statuses: [ENDED, REFUSED]", vec!["m"]),
        ("tiers: [ENDORSED]", vec!["m"]),
        ("sinceBetween: { from: \"2020-08-01\", to: \"2020-12-31\" }", vec!["m"]),
        ("sinceBetween: { from: \"2020-08-01\", to: \"2020-12-31\", certain: true }", vec![]),
        ("statuses: [ACTIVE]", vec!["bare"]),
    ] {
        let data = hub.data(&format!("{{ memberships(filter: {{ {filter} }}) {{ nodes {{ key }} }} }}")).await;
        assert_eq!(keys(&data["memberships"]), expected, "{filter}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_membership_is_seen_only_where_name_memberships_and_community_are() {
    let mut lines = vec![community("seen", json!({})), community("hidden", json!({"audience": []}))];
    let (mut visible, mut named) = (Vec::new(), Vec::new());
    for name in CONSENTS {
        for memberships in CONSENTS {
            for place in ["seen", "hidden"] {
                for status in ["ACTIVE", "APPLIED", "ENDED"] {
                    let key = format!("{name}-{memberships}-{place}-{status}").to_lowercase();
                    let consents: Vec<Value> = [consented("NAME", name), consented("MEMBERSHIPS", memberships)]
                        .into_iter()
                        .flatten()
                        .collect();
                    lines.push(person(&key, json!({ "consents": consents })));
                    lines.push(membership(&key, &key, place, json!({ "status": status })));
                    if name == "PUBLIC" {
                        named.push(key.clone());
                        if memberships == "PUBLIC" && place == "seen" && status != "APPLIED" {
                            visible.push(key);
                        }
                    }
                }
            }
        }
    }
    visible.sort();
    named.sort();
    let hub = TestHub::with_lines(&lines).await;
    let query = r#"{ memberships(first: 100) { totalCount nodes { key person { key } community { key } } }
        people(first: 100) { nodes { key memberships { totalCount nodes { key } } } }
        community(slug: "seen") { memberships(first: 100) { totalCount nodes { key } } } }"#;
    let data = hub.data(query).await;
    assert_eq!(visible.len(), 2);
    assert_eq!(keys(&data["memberships"]), visible);
    assert_eq!(data["memberships"]["totalCount"], 2);
    assert_eq!(keys(&data["community"]["memberships"]), visible);
    assert_eq!(data["community"]["memberships"]["totalCount"], 2);
    assert_eq!(keys(&data["people"]), named);
    for node in data["people"]["nodes"].as_array().unwrap() {
        let expected = usize::from(visible.iter().any(|key| node["key"] == key.as_str()));
        assert_eq!(node["memberships"]["totalCount"], expected, "{node}");
    }
    // Whoever takes any of the two back is not seen there any more, nor found by the id they had.
    let id = hub.data("{ memberships(first: 1) { nodes { id key } } }").await["memberships"]["nodes"][0].clone();
    let key = id["key"].as_str().unwrap();
    for (name, memberships) in [("PUBLIC", "WITHDRAWN"), ("WITHDRAWN", "PUBLIC"), ("NONE", "PUBLIC")] {
        let consents = json!([consented("NAME", name), consented("MEMBERSHIPS", memberships)]);
        let given: Vec<&Value> = consents.as_array().unwrap().iter().filter(|consent| !consent.is_null()).collect();
        read(&hub.db, &[person(key, json!({ "consents": given }))]).await;
        let data = hub.data(&format!("{{ node(id: {}) {{ id }} memberships {{ totalCount }} }}", id["id"])).await;
        assert_eq!(data, json!({"node": null, "memberships": {"totalCount": 1}}), "{name}, {memberships}");
    }
    read(&hub.db, &[community("seen", json!({"audience": []}))]).await;
    assert_eq!(hub.data("{ memberships { totalCount } }").await["memberships"]["totalCount"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_for_members_opens_by_an_active_membership_alone() {
    let consents = json!({"consents": [consent("NAME", "PUBLIC"), consent("MEMBERSHIPS", "MEMBERS")]});
    let hub = TestHub::with_lines(&[
        community("c", json!({})),
        community("d", json!({})),
        person("p", consents),
        membership("m", "p", "c", json!({})),
    ])
    .await;
    let mut members = Vec::new();
    for (place, status, opens) in [
        ("c", "ACTIVE", true),
        ("c", "APPLIED", false),
        ("c", "WAITING", false),
        ("c", "REFUSED", false),
        ("c", "ENDED", false),
        ("c", "ACTIVE", true),
        ("d", "ACTIVE", true),
    ] {
        read(&hub.db, &[membership("m", "p", place, json!({ "status": status }))]).await;
        let atoms = audience(&hub.db, "m").await;
        let found: Vec<&String> = atoms.iter().filter(|atom| atom.starts_with("member:")).collect();
        assert_eq!(found.len(), usize::from(opens), "{place}, {status}: {atoms:?}");
        assert!(atoms.iter().any(|atom| atom.starts_with("self:")), "{atoms:?}");
        assert!(!atoms.iter().any(|atom| atom == "public"), "{atoms:?}");
        if opens {
            members.push(found[0].clone());
        }
        assert_eq!(hub.data("{ memberships { totalCount } }").await["memberships"]["totalCount"], 0);
    }
    assert!(members[0] == members[1] && members[1] != members[2], "{members:?}");
    read(&hub.db, &[json!({"retire": "membership:m"})]).await;
    assert_eq!(audience(&hub.db, "m").await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn active_members_are_counted_whoever_may_see_them_and_a_few_are_not_told() {
    let hub = TestHub::with_lines(&[community("c", json!({})), community("d", json!({}))]).await;
    let query = r#"{ c: community(slug: "c") { activeMemberCount { value withheld } memberships { totalCount } }
        d: community(slug: "d") { activeMemberCount { value withheld } } }"#;
    let count = |number: i64| match number {
        1..5 => json!({"value": null, "withheld": "SMALL_NUMBER"}),
        _ => json!({"value": number, "withheld": null}),
    };
    let mut active = 0;
    assert_eq!(hub.data(query).await["c"]["activeMemberCount"], count(0), "none is no secret");
    for number in 0..7 {
        let key = format!("p{number}");
        read(&hub.db, &[person(&key, json!({})), membership(&key, &key, "c", json!({}))]).await;
        active += 1;
        let data = hub.data(query).await;
        assert_eq!(data["c"]["activeMemberCount"], count(active), "{active}");
        assert_eq!(data["c"]["memberships"]["totalCount"], 0);
    }
    let change = |number: usize, place: &str, more: Value| {
        let key = format!("p{number}");
        membership(&key, &key, place, more)
    };
    for (line, in_c, in_d) in [
        (change(0, "c", json!({"status": "APPLIED"})), 6, 0),
        (change(0, "c", json!({"status": "ACTIVE"})), 7, 0),
        (change(0, "c", json!({"status": "ACTIVE", "tier": "OPEN"})), 7, 0),
        (change(0, "d", json!({})), 6, 1),
        (change(1, "c", json!({"status": "ENDED"})), 5, 1),
        (json!({"retire": "membership:p1"}), 5, 1),
        (json!({"retire": "membership:p2"}), 4, 1),
        (json!({"retire": "membership:p2"}), 4, 1),
        (change(2, "c", json!({"tier": "OPEN"})), 5, 1),
    ] {
        read(&hub.db, std::slice::from_ref(&line)).await;
        let data = hub.data(query).await;
        assert_eq!(data["c"]["activeMemberCount"], count(in_c), "{line}");
        assert_eq!(data["d"]["activeMemberCount"], count(in_d), "{line}");
    }
    // The community itself is what it was: its version does not move with its members.
    assert_eq!(hub.data(r#"{ community(slug: "c") { version } }"#).await["community"]["version"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_has_one_membership_in_a_community() {
    let lines = [community("c", json!({})), person("p", json!({})), membership("m", "p", "c", json!({}))];
    let hub = TestHub::with_lines(&lines).await;
    let twice = problem(&hub.db, &[membership("other", "p", "c", json!({"status": "ENDED"}))]).await;
    assert_eq!(twice, (1, None, "membership-twice"));
    let both = [person("q", json!({})), membership("a", "q", "c", json!({})), membership("b", "q", "c", json!({}))];
    assert_eq!(problem(&hub.db, &both).await, (3, None, "membership-twice"));
    read(&hub.db, &[membership("m", "p", "c", json!({"status": "ENDED"}))]).await;
    let unknown = [membership("x", "nobody", "c", json!({}))];
    assert_eq!(problem(&hub.db, &unknown).await, (1, None, "key-unknown"));
}
