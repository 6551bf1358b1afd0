//! Lists: pages, cursors, orders, filters, visibility, and how many statements they take.

use std::collections::HashSet;

use knowledge_hub::graph;
use serde_json::{Value, json};

use crate::support::{self, TestHub};

/// The root list of each type of node.
const ROOTS: [(&str, &str); 9] = [
    ("Topic", "topics"),
    ("Organization", "organizations"),
    ("Community", "communities"),
    ("Person", "people"),
    ("Role", "roles"),
    ("Membership", "memberships"),
    ("Project", "projects"),
    ("Item", "items"),
    ("Link", "links"),
];

/// The orders of each root list.
const ORDERS: [(&str, &[&str]); 9] = [
    ("topics", &["NAME", "CREATED_AT"]),
    ("organizations", &["NAME", "FOUNDED", "CREATED_AT"]),
    ("communities", &["NAME", "LAUNCHED", "CREATED_AT"]),
    ("people", &["NAME", "CREATED_AT"]),
    ("roles", &["SINCE", "CREATED_AT"]),
    ("memberships", &["SINCE", "CREATED_AT"]),
    ("projects", &["TITLE", "STARTED", "CREATED_AT"]),
    ("items", &["PUBLISHED_AT", "TITLE", "ISSUED", "CREATED_AT"]),
    ("links", &["SINCE", "CREATED_AT"]),
];

/// Every field of a node that is a connection, read from the contract, so that none is forgotten.
async fn connection_fields() -> Vec<(&'static str, String)> {
    let query = "{ __schema { types { name fields { name type { name ofType { name } } } } } }";
    let schema = graph::schema().execute(query).await.data.into_json().unwrap();
    let mut found = Vec::new();
    for kind in schema["__schema"]["types"].as_array().unwrap() {
        let Some((_, root)) = ROOTS.iter().find(|(name, _)| kind["name"] == *name) else { continue };
        for field in kind["fields"].as_array().unwrap() {
            let names = [&field["type"]["name"], &field["type"]["ofType"]["name"]];
            if names.iter().any(|name| name.as_str().is_some_and(|name| name.ends_with("Connection"))) {
                found.push((*root, field["name"].as_str().unwrap().to_owned()));
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn every_connection_takes_as_many_statements_for_twenty_parents_as_for_one() {
    let hub = TestHub::with_sample_data().await;
    let fields = connection_fields().await;
    assert!(fields.len() >= 20, "{fields:?}");
    for (root, field) in fields {
        let mut counts = Vec::new();
        for parents in [1, 20] {
            let needed = if field == "translationWork" { "language: \"fr\", " } else { "" };
            let query = format!(
                "{{ {root}(first: {parents}) {{ nodes {{ {field}({needed}first: 2) {{ totalCount nodes {{ __typename }} \
                 edges {{ cursor }} pageInfo {{ hasNextPage endCursor }} }} }} }} }}"
            );
            let before = hub.db.statements();
            let data = hub.data_anew(&query).await;
            counts.push(hub.db.statements() - before);
            // There are twelve projects, eighteen organizations and twenty or more of everything else.
            assert!(data[root]["nodes"].as_array().unwrap().len() >= parents.min(12), "{root}");
        }
        assert_eq!(counts[0], counts[1], "{root}.{field}");
        assert_eq!(counts[1], 3, "{root}.{field}: the parents, the pages and the counts");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_keys_through_three_levels_take_few_statements_even_with_one_connection() {
    let mut lines = vec![json!({"kind": "topic", "key": "t", "originalLanguage": "en", "name": {"en": "T"}})];
    for o in 0..30 {
        lines.push(json!({"kind": "organization", "key": format!("o{o}"), "originalLanguage": "en",
            "organizationKind": "OTHER", "name": {"en": format!("O {o}")}, "status": "ACTIVE"}));
        lines
            .push(json!({"kind": "person", "key": format!("p{o}"), "originalLanguage": "en", "name": format!("P {o}"),
            "affiliations": [{"id": "1", "organization": format!("o{o}"), "home": true}]}));
        for c in 0..20 {
            let key = format!("c{o}-{c}");
            lines.push(json!({"kind": "community", "key": key, "originalLanguage": "en",
                "name": {"en": format!("C {o} {c}")}, "topics": ["t"], "status": "ACTIVE"}));
            lines.push(json!({"kind": "role", "key": format!("r{key}"), "originalLanguage": "en",
                "person": format!("p{o}"), "of": format!("community:{key}"), "roleKind": "LEADER"}));
            lines.push(json!({"kind": "link", "key": format!("l{key}"), "originalLanguage": "en", "linkKind": "HOSTS",
                "from": format!("organization:o{o}"), "to": format!("community:{key}")}));
        }
    }
    let query = "{ organizations(first: 30) { nodes { communities(first: 20) { totalCount nodes {
        displayName topics { nodes { name } }
        roles { nodes { person { name homeOrganization { name } } of { ... on Community { name } } } } } } } } }";
    let mut answers = Vec::new();
    for connections in [4, 1] {
        let db = support::database("empty", connections).await;
        support::import(&db, vec![support::file(&lines)]).await.unwrap();
        let hub = TestHub::over(db).await;
        let before = hub.db.statements();
        let data = hub.data_anew(query).await;
        let taken = hub.db.statements() - before;
        assert!(taken <= 12, "{taken} statements with {connections} connections");
        let communities: usize = data["organizations"]["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|organization| organization["communities"]["nodes"].as_array().unwrap().len())
            .sum();
        assert_eq!(communities, 600);
        let first = &data["organizations"]["nodes"][0]["communities"]["nodes"][0];
        assert_eq!(first["roles"]["nodes"][0]["person"]["homeOrganization"]["name"], "O 0");
        answers.push(data);
    }
    assert_eq!(answers[0], answers[1]);
}

async fn ids(hub: &TestHub, languages: &str, root: &str, arguments: &str) -> (Vec<String>, Value) {
    let query = format!(
        "{{ {root}({arguments}) {{ nodes {{ id }} \
         pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"
    );
    let answer = hub.ask_in(languages, &query, json!({})).await;
    assert!(answer.get("errors").is_none(), "{query}: {answer}");
    let list = &answer["data"][root];
    let ids = list["nodes"].as_array().unwrap().iter().map(|node| node["id"].as_str().unwrap().to_owned());
    (ids.collect(), list["pageInfo"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn turning_pages_meets_every_node_once_in_every_order_and_both_ways() {
    let hub = TestHub::with_sample_data().await;
    for (root, orders) in ORDERS {
        for order in orders {
            for direction in ["ASC", "DESC"] {
                for languages in ["en", "fr"] {
                    let order = format!("orderBy: {{ field: {order}, direction: {direction} }}");
                    let (whole, info) = ids(&hub, languages, root, &format!("first: 100, {order}")).await;
                    assert_eq!(info["hasNextPage"], false);
                    assert_eq!(whole.len(), whole.iter().collect::<HashSet<_>>().len());
                    let (mut forward, mut after) = (Vec::new(), String::new());
                    loop {
                        let (page, info) = ids(&hub, languages, root, &format!("first: 7, {order} {after}")).await;
                        forward.extend(page);
                        if info["hasNextPage"] == false {
                            break;
                        }
                        after = format!(", after: {}", info["endCursor"]);
                    }
                    assert_eq!(forward, whole, "{root} {order} {languages}");
                    let (mut backward, mut before) = (Vec::new(), String::new());
                    loop {
                        let (mut page, info) = ids(&hub, languages, root, &format!("last: 9, {order} {before}")).await;
                        page.extend(backward);
                        backward = page;
                        if info["hasPreviousPage"] == false {
                            break;
                        }
                        before = format!(", before: {}", info["startCursor"]);
                    }
                    assert_eq!(backward, whole, "{root} {order} {languages} backwards");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_between_two_cursors_is_listed() {
    let hub = TestHub::with_sample_data().await;
    let query = "{ organizations(first: 10) { edges { cursor node { id } } } }";
    let edges = hub.data(query).await["organizations"]["edges"].clone();
    let arguments = format!("after: {}, before: {}", edges[2]["cursor"], edges[6]["cursor"]);
    let (between, info) = ids(&hub, "en", "organizations", &arguments).await;
    let expected: Vec<&str> = (3..6).map(|index| edges[index]["node"]["id"].as_str().unwrap()).collect();
    assert_eq!(between, expected);
    assert_eq!(info["hasPreviousPage"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn nulls_come_last_both_ways() {
    let hub = TestHub::with_sample_data().await;
    for direction in ["ASC", "DESC"] {
        let query = format!(
            "{{ communities(first: 100, orderBy: {{ field: LAUNCHED, direction: {direction} }}) \
             {{ nodes {{ launched {{ earliest latest }} }} }} }}"
        );
        let data = hub.data(&query).await;
        let nodes = data["communities"]["nodes"].as_array().unwrap();
        let known: Vec<bool> = nodes.iter().map(|node| !node["launched"]["earliest"].is_null()).collect();
        let first_null = known.iter().position(|known| !known).unwrap();
        assert!(known[first_null..].iter().all(|known| !known), "{direction}");
        assert!(first_null > 5);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_are_ordered_as_they_are_served() {
    let lines: Vec<Value> = [("a", "Zebra", "Âne"), ("b", "Apple", "Étoile"), ("c", "Monkey", "zoo")]
        .iter()
        .map(|(key, en, fr)| {
            json!({"kind": "topic", "key": key, "originalLanguage": "en", "name": {"en": en, "fr": fr}})
        })
        .collect();
    let hub = TestHub::with_lines(&lines).await;
    for (languages, expected) in [("en", ["b", "c", "a"]), ("fr", ["a", "b", "c"])] {
        let answer = hub.ask_in(languages, "{ topics { nodes { key } } }", json!({})).await;
        let keys: Vec<&str> =
            answer["data"]["topics"]["nodes"].as_array().unwrap().iter().map(|n| n["key"].as_str().unwrap()).collect();
        assert_eq!(keys, expected, "{languages}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_node_is_nowhere_and_not_counted() {
    let line = |key: &str, audience: Value| {
        json!({"kind": "community", "key": key, "originalLanguage": "en", "name": {"en": key}, "audience": audience,
            "topics": ["t"], "status": "ACTIVE"})
    };
    let hub = TestHub::with_lines(&[
        json!({"kind": "topic", "key": "t", "originalLanguage": "en", "name": {"en": "T"}}),
        json!({"kind": "organization", "key": "o", "originalLanguage": "en", "organizationKind": "OTHER",
            "name": {"en": "O"}, "status": "ACTIVE"}),
        line("seen", json!(["public"])),
        line("draft", json!([])),
        json!({"kind": "person", "key": "p", "originalLanguage": "en", "name": "P"}),
        json!({"kind": "role", "key": "r", "originalLanguage": "en", "person": "p", "of": "community:draft",
            "roleKind": "LEADER"}),
        json!({"kind": "link", "key": "l", "originalLanguage": "en", "linkKind": "HOSTS", "from": "organization:o",
            "to": "community:draft"}),
    ])
    .await;
    let data = hub
        .data(
            r#"{ communities { totalCount nodes { key } } community(slug: "draft") { key } people { totalCount }
                roles { totalCount nodes { key } } links { totalCount nodes { key } }
                topic(slug: "t") { communities { totalCount nodes { key } } }
                organization(slug: "o") { communities { totalCount } links { totalCount } } }"#,
        )
        .await;
    let expected = json!({
        "communities": {"totalCount": 1, "nodes": [{"key": "seen"}]},
        "community": null,
        "people": {"totalCount": 0},
        "roles": {"totalCount": 0, "nodes": []},
        "links": {"totalCount": 0, "nodes": []},
        "topic": {"communities": {"totalCount": 1, "nodes": [{"key": "seen"}]}},
        "organization": {"communities": {"totalCount": 0}, "links": {"totalCount": 0}},
    });
    assert_eq!(data, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_found_by_its_id_and_several_keep_their_order() {
    let hub = TestHub::with_sample_data().await;
    let data = hub.data("{ people(first: 1) { nodes { id } } organizations(first: 2) { nodes { id } } }").await;
    let person = &data["people"]["nodes"][0]["id"];
    let (first, second) = (&data["organizations"]["nodes"][0]["id"], &data["organizations"]["nodes"][1]["id"]);
    let unknown = graph::id::encode(knowledge_hub::policy::NodeKind::Topic, uuid::Uuid::nil());
    let query = format!(
        "{{ one: node(id: {first}) {{ __typename id ... on Organization {{ name }} }} \
         many: nodes(ids: [{second}, {person}, \"{}\", {first}, {second}]) {{ id }} }}",
        unknown.as_str()
    );
    let data = hub.data(&query).await;
    assert_eq!(data["one"]["__typename"], "Organization");
    let many: Vec<&Value> = data["many"].as_array().unwrap().iter().map(|node| &node["id"]).collect();
    assert_eq!(many, [second, person, &Value::Null, first, second]);
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_narrow_lists_alike_wherever_they_hang() {
    let hub = TestHub::with_sample_data().await;
    let data = hub
        .data(
            r#"{ qcroc: organization(slug: "qcroc") { id
                    all: communities(first: 100) { totalCount nodes { key } }
                    late: communities(filter: { launchedBetween: { from: "2022-01-01", to: "2023-12-31" } }) {
                      totalCount nodes { key } }
                    certain: communities(filter: { launchedBetween: { from: "2022-01-01", to: "2023-12-31",
                      certain: true } }) { nodes { key } } } }"#,
        )
        .await;
    let keys = |value: &Value| {
        let mut keys: Vec<String> =
            value["nodes"].as_array().unwrap().iter().map(|node| node["key"].as_str().unwrap().to_owned()).collect();
        keys.sort();
        keys
    };
    assert_eq!(keys(&data["qcroc"]["all"]), ["colorectal", "melanoma", "nrg", "qcroc-2022", "resot"]);
    assert_eq!(keys(&data["qcroc"]["late"]), ["melanoma", "nrg", "qcroc-2022"]);
    assert_eq!(keys(&data["qcroc"]["certain"]), ["melanoma", "nrg"], "the winter of 2022 may have begun in 2021");
    let query = format!(
        "{{ communities(filter: {{ organizations: [{}], launchedBetween: {{ from: \"2022-01-01\", \
         to: \"2023-12-31\" }} }}) {{ totalCount nodes {{ key }} }} }}",
        data["qcroc"]["id"]
    );
    let root = hub.data(&query).await;
    assert_eq!(keys(&root["communities"]), keys(&data["qcroc"]["late"]));
    assert_eq!(root["communities"]["totalCount"], data["qcroc"]["late"]["totalCount"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_filter_takes_in_every_narrower_topic() {
    let topic = |key: &str, parents: Value| json!({"kind": "topic", "key": key, "originalLanguage": "en", "name": {"en": key}, "parents": parents});
    let community = |key: &str, topic: &str| {
        json!({"kind": "community", "key": key, "originalLanguage": "en", "name": {"en": key}, "topics": [topic],
            "status": "ACTIVE"})
    };
    let hub = TestHub::with_lines(&[
        topic("top", json!([])),
        topic("middle", json!(["top"])),
        topic("bottom", json!(["middle"])),
        topic("other", json!([])),
        community("at-top", "top"),
        community("at-bottom", "bottom"),
        community("elsewhere", "other"),
    ])
    .await;
    let data = hub
        .data(
            r#"{ topic(slug: "top") { id communities { totalCount nodes { key } } children { nodes { key } } }
                bottom: topic(slug: "bottom") { parents { nodes { key } } } }"#,
        )
        .await;
    assert_eq!(data["topic"]["communities"]["nodes"], json!([{"key": "at-bottom"}, {"key": "at-top"}]));
    assert_eq!(data["topic"]["children"]["nodes"], json!([{"key": "middle"}]));
    assert_eq!(data["bottom"]["parents"]["nodes"], json!([{"key": "middle"}]));
    let query = format!(
        "{{ communities(filter: {{ topics: [{0}] }}) {{ totalCount }} topics(filter: {{ below: [{0}] }}) {{ nodes {{ key }} }} \
         roots: topics(filter: {{ isRoot: true }}) {{ nodes {{ key }} }} }}",
        data["topic"]["id"]
    );
    let data = hub.data(&query).await;
    assert_eq!(data["communities"]["totalCount"], 2);
    assert_eq!(data["topics"]["nodes"], json!([{"key": "bottom"}, {"key": "middle"}]));
    assert_eq!(data["roots"]["nodes"], json!([{"key": "other"}, {"key": "top"}]));
}
