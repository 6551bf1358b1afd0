//! Facets and completeness: how lists divide, and which of their texts are there in a language.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::lines::{
    community, draft, item, keys, link, membership, organization, person, project, public, read, role, topic, with,
};
use crate::support::TestHub;

/// A list, how it is narrowed in a test, and where the values of its dimensions stand in its nodes.
struct Divided {
    list: &'static str,
    filter: &'static str,
    selection: &'static str,
    dimensions: &'static [(&'static str, &'static [&'static str])],
}

const DIMENSIONS: [&str; 7] = ["KIND", "TOPIC", "LANGUAGE", "COMMUNITY", "ORGANIZATION", "REGION", "YEAR"];

static LISTS: [Divided; 8] = [
    Divided {
        list: "communities",
        filter: "{ languages: [\"fr\"] }",
        selection: "languages regions launched { earliest } topics(first: 50) { nodes { name } } \
                    organizations(first: 50) { nodes { name addresses { region } } }",
        dimensions: &[
            ("TOPIC", &["topics/nodes/*/name"]),
            ("LANGUAGE", &["languages/*"]),
            ("REGION", &["regions/*", "organizations/nodes/*/addresses/*/region"]),
            ("ORGANIZATION", &["organizations/nodes/*/name"]),
            ("YEAR", &["launched/earliest"]),
        ],
    },
    Divided {
        list: "items",
        filter: "{ kinds: [GUIDE, REPORT] }",
        selection: "kind contentLanguages publishedAt issued { earliest } topics(first: 20) { nodes { name } } \
                    communities(first: 10) { nodes { displayName organizations(first: 10) { nodes { name } } } }",
        dimensions: &[
            ("KIND", &["kind"]),
            ("TOPIC", &["topics/nodes/*/name"]),
            ("LANGUAGE", &["contentLanguages/*"]),
            ("COMMUNITY", &["communities/nodes/*/displayName"]),
            ("ORGANIZATION", &["communities/nodes/*/organizations/nodes/*/name"]),
            ("YEAR", &["issued/earliest", "publishedAt"]),
        ],
    },
    Divided {
        list: "organizations",
        filter: "{ languages: [\"en\"] }",
        selection: "kind languages founded { earliest } parent { name } addresses { region } \
                    communities(first: 50) { nodes { displayName } }",
        dimensions: &[
            ("KIND", &["kind"]),
            ("LANGUAGE", &["languages/*"]),
            ("REGION", &["addresses/*/region"]),
            ("COMMUNITY", &["communities/nodes/*/displayName"]),
            ("ORGANIZATION", &["parent/name"]),
            ("YEAR", &["founded/earliest"]),
        ],
    },
    Divided {
        list: "people",
        filter: "{ languages: [\"en\", \"fr\"] }",
        selection: "languages region homeOrganization { name } affiliations { organization { name } } expertise(first: 20) { nodes { name } } \
                    roles(first: 20) { nodes { of { ... on Community { displayName } } } } \
                    memberships(first: 20, filter: { statuses: [ACTIVE] }) { nodes { community { displayName } } }",
        dimensions: &[
            ("TOPIC", &["expertise/nodes/*/name"]),
            ("LANGUAGE", &["languages/*"]),
            ("REGION", &["region"]),
            ("COMMUNITY", &["roles/nodes/*/of/displayName", "memberships/nodes/*/community/displayName"]),
            ("ORGANIZATION", &["homeOrganization/name", "affiliations/*/organization/name"]),
        ],
    },
    Divided {
        list: "projects",
        filter: "{ statuses: [ACTIVE, COMPLETED] }",
        selection: "started { earliest } organizations(first: 50) { nodes { name } } \
                    communities(first: 50) { nodes { displayName } }",
        dimensions: &[
            ("ORGANIZATION", &["organizations/nodes/*/name"]),
            ("COMMUNITY", &["communities/nodes/*/displayName"]),
            ("YEAR", &["started/earliest"]),
        ],
    },
    Divided {
        list: "roles",
        filter: "{ kinds: [LEADER] }",
        selection: "kind since { earliest } of { ... on Community { displayName } ... on Organization { called: name } }",
        dimensions: &[
            ("KIND", &["kind"]),
            ("COMMUNITY", &["of/displayName"]),
            ("ORGANIZATION", &["of/called"]),
            ("YEAR", &["since/earliest"]),
        ],
    },
    Divided {
        list: "memberships",
        filter: "{ tiers: [OPEN] }",
        selection: "since { earliest } community { displayName }",
        dimensions: &[("COMMUNITY", &["community/displayName"]), ("YEAR", &["since/earliest"])],
    },
    Divided {
        list: "links",
        filter: "{ kinds: [HOSTS, CREATED] }",
        selection: "kind since { earliest }",
        dimensions: &[("KIND", &["kind"]), ("YEAR", &["since/earliest"])],
    },
];

/// The texts at a path, `*` standing for each element of a list.
fn texts_at<'a>(node: &'a Value, path: &str) -> Vec<&'a str> {
    let mut level = vec![node];
    for step in path.split('/') {
        level = match step {
            "*" => level.into_iter().filter_map(Value::as_array).flatten().collect(),
            name => level.into_iter().map(|value| &value[name]).collect(),
        };
    }
    level.into_iter().filter_map(Value::as_str).collect()
}

/// How many nodes have each value.
fn by_hand(nodes: &[Value], dimension: &str, paths: &[&str]) -> BTreeMap<String, i64> {
    let mut counts = BTreeMap::new();
    for node in nodes {
        let mut values: BTreeSet<&str> = BTreeSet::new();
        for path in paths {
            // A second date counts only where the first is not stated.
            if dimension == "YEAR" && !values.is_empty() {
                break;
            }
            values.extend(texts_at(node, path));
        }
        for value in values {
            let value = if dimension == "YEAR" { &value[..4] } else { value };
            *counts.entry(value.to_owned()).or_insert(0) += 1;
        }
    }
    counts
}

/// The buckets of a facet by label, and that they come the fullest first.
fn buckets(facet: &Value) -> BTreeMap<String, i64> {
    let buckets = facet["buckets"].as_array().unwrap();
    let counts: Vec<i64> = buckets.iter().map(|bucket| bucket["count"].as_i64().unwrap()).collect();
    assert!(counts.windows(2).all(|two| two[0] >= two[1]), "{facet}");
    let label = |bucket: &Value| bucket["label"].as_str().unwrap().to_owned();
    buckets.iter().map(label).zip(counts).collect()
}

impl Divided {
    fn fields(&self) -> String {
        let names: Vec<&str> = self.dimensions.iter().map(|(name, _)| *name).collect();
        let by = names.join(", ");
        format!("totalCount nodes {{ {} }} facets(by: [{by}]) {{ by isCut buckets {{ label count }} }}", self.selection)
    }

    /// Compares the facets of a list that has one page with its nodes; the answer is how many buckets there were.
    fn compare(&self, list: &Value, place: &str) -> usize {
        let nodes = list["nodes"].as_array().unwrap();
        assert_eq!(list["totalCount"], nodes.len(), "{place} has one page");
        let facets = list["facets"].as_array().unwrap();
        assert_eq!(facets.len(), self.dimensions.len());
        let mut met = 0;
        for (facet, (dimension, paths)) in facets.iter().zip(self.dimensions) {
            assert_eq!((&facet["by"], &facet["isCut"]), (&json!(dimension), &json!(false)));
            assert_eq!(buckets(facet), by_hand(nodes, dimension, paths), "{place} by {dimension}");
            met += facet["buckets"].as_array().unwrap().len();
        }
        met
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_list_divides_as_counting_its_nodes_by_hand_does() {
    let hub = TestHub::with_sample_data().await;
    for divided in &LISTS {
        let Divided { list, filter, .. } = divided;
        for arguments in ["first: 100".to_owned(), format!("first: 100, filter: {filter}")] {
            let data = hub.data(&format!("{{ {list}({arguments}) {{ {} }} }}", divided.fields())).await;
            assert!(divided.compare(&data[*list], &format!("{list}({arguments})")) >= 2, "{list}({arguments})");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_that_hang_on_a_node_divide_alike() {
    let hub = TestHub::with_sample_data().await;
    for (root, nested) in [
        ("topics", "items"),
        ("topics", "communities"),
        ("topics", "people"),
        ("organizations", "communities"),
        ("organizations", "people"),
        ("organizations", "projects"),
        ("communities", "organizations"),
        ("communities", "memberships"),
        ("communities", "roles"),
        ("communities", "links"),
        ("communities", "items"),
        ("people", "memberships"),
        ("projects", "items"),
    ] {
        let divided = LISTS.iter().find(|divided| divided.list == nested).unwrap();
        let mut met = 0;
        for arguments in ["first: 50".to_owned(), format!("first: 50, filter: {}", divided.filter)] {
            let fields = divided.fields();
            // The newest first, so that the sample is among them.
            let order = "orderBy: { field: CREATED_AT, direction: DESC }";
            let query =
                format!("{{ {root}(first: 12, {order}) {{ nodes {{ {nested}({arguments}) {{ {fields} }} }} }} }}");
            let data = hub.data(&query).await;
            for parent in data[root]["nodes"].as_array().unwrap() {
                met += divided.compare(&parent[nested], &format!("{root}.{nested}({arguments})"));
            }
        }
        assert!(met > 0, "{root}.{nested}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_leads_to_its_node_where_its_value_is_one() {
    let hub = TestHub::with_sample_data().await;
    let by = "TOPIC, COMMUNITY, ORGANIZATION, KIND, LANGUAGE, YEAR";
    let query = format!("{{ items {{ facets(by: [{by}, KIND]) {{ by buckets {{ value label node {{ id }} }} }} }} }}");
    let data = hub.data(&query).await;
    let facets = data["items"]["facets"].as_array().unwrap();
    assert_eq!(facets.len(), 6, "each dimension once");
    for facet in facets {
        let is_node = ["TOPIC", "COMMUNITY", "ORGANIZATION"].contains(&facet["by"].as_str().unwrap());
        for bucket in facet["buckets"].as_array().unwrap() {
            let expected = if is_node { json!({"id": bucket["value"]}) } else { Value::Null };
            assert_eq!(bucket["node"], expected);
            assert_eq!(bucket["label"] == bucket["value"], !is_node);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dimension_that_a_list_lacks_is_refused_by_its_name() {
    let hub = TestHub::with_sample_data().await;
    let mut lacking: Vec<(String, &str)> = Vec::new();
    for divided in &LISTS {
        for dimension in DIMENSIONS {
            if divided.dimensions.iter().all(|(name, _)| *name != dimension) {
                let good = divided.dimensions[0].0;
                let list = format!("{{ {} {{ facets(by: [{good}, {dimension}]) {{ by }} }} }}", divided.list);
                lacking.push((list, dimension));
            }
        }
    }
    for dimension in DIMENSIONS {
        lacking.push((format!("{{ topics {{ facets(by: [{dimension}]) {{ by }} }} }}"), dimension));
        for list in ["authors", "sources"] {
            let nested = format!("{list} {{ facets(by: [{dimension}]) {{ by }} }}");
            lacking.push((format!("{{ item(slug: \"sample-guide-1\") {{ {nested} }} }}"), dimension));
        }
    }
    assert!(lacking.len() > 30);
    for (query, dimension) in lacking {
        let (code, message) = hub.error(&query).await;
        assert_eq!(code, "BAD_USER_INPUT", "{query}: {message}");
        assert!(message.contains(dimension), "{query}: {message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_hidden_has_no_bucket() {
    let lines = |audience: Value, consents: Value| {
        let hidden = || json!({"audience": audience});
        vec![
            topic("secret-t", hidden()),
            organization("secret-o", hidden()),
            community("secret-c", hidden()),
            community("c", json!({"topics": ["secret-t"]})),
            organization("o", json!({"parent": "secret-o"})),
            person(
                "p",
                json!({"consents": public(&["NAME"]), "region": "CA-QC", "languages": ["fr"], "expertise": ["secret-t"],
                    "affiliations": [{"id": "1", "organization": "secret-o", "home": true}]}),
            ),
            person("q", json!({"region": "CA-ON", "consents": consents})),
            role("r", "p", "community:secret-c"),
            membership("m", "q", "c", json!({"since": {"edtf": "2020"}})),
            project("j", json!({"lead": "secret-o", "communities": ["secret-c"]})),
            item("i", json!({"communities": ["secret-c"], "topics": ["secret-t"]})),
            item("i2", with(hidden(), json!({"communities": ["c"], "contentLanguages": ["fr"]}))),
            link("l", "HOSTS", "organization:secret-o", "community:c"),
            link("l2", "HOSTS", "organization:o", "community:secret-c"),
        ]
    };
    let fields = |list: &Divided| {
        let names: Vec<&str> = list.dimensions.iter().map(|(name, _)| *name).collect();
        format!("{}: {} {{ facets(by: [{}]) {{ by buckets {{ label }} }} }}", list.list, list.list, names.join(", "))
    };
    let query = format!("{{ {} }}", LISTS.iter().map(fields).collect::<Vec<_>>().join(" "));
    let everything = public(&["NAME", "MEMBERSHIPS", "REGION"]);
    let hub = TestHub::with_lines(&lines(json!([]), json!([]))).await;
    let expected = |list: &str, dimension: &str| match (list, dimension) {
        ("items", "KIND") => json!(["GUIDE"]),
        ("items", "YEAR") => json!(["2026"]),
        ("organizations", "KIND") => json!(["OTHER"]),
        _ => json!([]),
    };
    let data = hub.data(&query).await;
    for divided in &LISTS {
        for facet in data[divided.list]["facets"].as_array().unwrap() {
            let by = facet["by"].as_str().unwrap();
            let labels: Value = texts_at(facet, "buckets/*/label").into();
            assert_eq!(labels, expected(divided.list, by), "{} by {by}", divided.list);
        }
    }
    read(&hub.db, &lines(json!(["public"]), everything)).await;
    let seen = hub.data(&query).await.to_string();
    for name in ["secret-t", "secret-o", "secret-c", "CA-ON", "2020", "\"fr\"", "LEADER", "HOSTS"] {
        assert!(seen.contains(name), "{name}: {seen}");
    }
    assert!(!seen.contains("CA-QC"), "a field without a consent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_facet_shows_a_hundred_buckets_and_says_that_there_are_more() {
    let mut lines: Vec<Value> = (0..120).map(|number| topic(&format!("t{number}"), json!({}))).collect();
    for part in 0..3 {
        let topics: Vec<String> = (part * 40..part * 40 + 40).map(|number| format!("t{number}")).collect();
        lines.push(item(&format!("i{part}"), json!({ "topics": topics })));
    }
    let hub = TestHub::with_lines(&lines).await;
    let query = "{ items { facets(by: [TOPIC]) { isCut buckets { count } } }
        one: items(first: 1, filter: { textContains: \"i1\" }) { facets(by: [TOPIC]) { isCut buckets { count } } } }";
    let data = hub.data(query).await;
    let of = |list: &str| {
        let facet = &data[list]["facets"][0];
        (facet["isCut"].as_bool().unwrap(), facet["buckets"].as_array().unwrap().len())
    };
    assert_eq!((of("items"), of("one")), ((true, 100), (false, 40)));
}

#[tokio::test(flavor = "multi_thread")]
async fn facets_and_completeness_take_as_many_statements_for_twenty_parents_as_for_one() {
    let hub = TestHub::with_sample_data().await;
    for (root, nested) in [
        ("topics", "items"),
        ("communities", "items"),
        ("communities", "memberships"),
        ("people", "roles"),
        ("organizations", "communities"),
        ("organizations", "projects"),
    ] {
        let divided = LISTS.iter().find(|divided| divided.list == nested).unwrap();
        let by: Vec<&str> = divided.dimensions.iter().map(|(name, _)| *name).collect();
        let fields = format!(
            "totalCount facets(by: [{}]) {{ buckets {{ value count }} }} completeness(language: \"fr\") {{ completeCount }}",
            by.join(", ")
        );
        let mut counts = Vec::new();
        for parents in [1, 20] {
            let query = format!("{{ {root}(first: {parents}) {{ nodes {{ {nested}(first: 1) {{ {fields} }} }} }} }}");
            let before = hub.db.statements();
            let data = hub.data_anew(&query).await;
            counts.push(hub.db.statements() - before);
            assert!(data[root]["nodes"].as_array().unwrap().len() >= parents.min(18), "{root}");
        }
        assert_eq!(counts[0], counts[1], "{root}.{nested}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_tells_its_texts_that_are_there_that_fall_back_and_that_nobody_wrote() {
    let hub = TestHub::with_lines(&[
        item("a", json!({"title": {"en": "A", "fr": "A"}, "summary": {"en": "A"}})),
        item("b", json!({"originalLanguage": "fr-CA", "title": {"fr-CA": "B"}})),
        item("c", json!({"title": {"en": "C"}, "body": {"en": "C", "fr": "C"}})),
    ])
    .await;
    let query = "query ($language: LanguageTag!) { items(orderBy: { field: TITLE }) { totalCount
        completeness(language: $language) { language totalCount completeCount
          fields { field existingCount fallbackCount missingCount } }
        nodes { completeness(language: $language) { isComplete existing fallback { field language } missing } } } }";
    let node = |complete: bool, existing: Value, fallback: Value, missing: Value| json!({"completeness": {"isComplete": complete, "existing": existing, "fallback": fallback, "missing": missing}});
    let by = |field: &str, language: &str| json!([{"field": field, "language": language}]);
    for language in ["fr", "fr-CA"] {
        let answer = hub.ask_in("en", query, json!({ "language": language })).await;
        let items = &answer["data"]["items"];
        let expected = json!([
            node(false, json!(["title"]), by("summary", "en"), json!(["body"])),
            node(true, json!(["title"]), json!([]), json!(["summary", "body"])),
            node(false, json!(["body"]), by("title", "en"), json!(["summary"])),
        ]);
        assert_eq!(items["nodes"], expected, "{language}");
        let count = |field: &str, counts: [i64; 3]| json!({"field": field, "existingCount": counts[0], "fallbackCount": counts[1], "missingCount": counts[2]});
        let fields = [count("title", [2, 1, 0]), count("summary", [0, 1, 2]), count("body", [1, 0, 2])];
        let expected = json!({"language": language, "totalCount": 3, "completeCount": 1, "fields": fields});
        assert_eq!(items["completeness"], expected);
    }
    for (language, complete) in [("en", 2), ("es", 0)] {
        let answer = hub.ask_in("en", query, json!({ "language": language })).await;
        assert_eq!(answer["data"]["items"]["completeness"]["completeCount"], complete, "{language}");
    }
    let (code, _) = hub.error("{ items { completeness(language: \"no tag\") { totalCount } } }").await;
    assert_eq!(code, "BAD_USER_INPUT");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_completeness_of_a_list_adds_up_and_agrees_with_its_nodes() {
    let hub = TestHub::with_sample_data().await;
    let list_fields = "totalCount completeCount fields { field existingCount fallbackCount missingCount }";
    for root in ["topics", "organizations", "communities", "roles", "projects", "items", "links"] {
        for (language, filter) in [("fr", ""), ("en", ""), ("es", ""), ("fr-CA", ", filter: {}")] {
            let query = format!(
                "{{ {root}(first: 100{filter}) {{ totalCount completeness(language: \"{language}\") {{ {list_fields} }} \
                 nodes {{ completeness(language: \"{language}\") {{ existing fallback {{ field }} }} }} }} }}"
            );
            let data = hub.data(&query).await;
            let (list, completeness) = (&data[root], &data[root]["completeness"]);
            let nodes = list["nodes"].as_array().unwrap();
            assert_eq!(list["totalCount"], completeness["totalCount"]);
            assert_eq!(list["totalCount"], nodes.len(), "{root} has one page");
            for field in completeness["fields"].as_array().unwrap() {
                let name = field["field"].as_str().unwrap();
                let count = |path: &str| nodes.iter().filter(|node| texts_at(node, path).contains(&name)).count();
                let (existing, fallback) = (count("completeness/existing/*"), count("completeness/fallback/*/field"));
                assert_eq!(field["existingCount"], existing, "{root}.{name} in {language}");
                assert_eq!(field["fallbackCount"], fallback, "{root}.{name} in {language}");
                assert_eq!(field["missingCount"], nodes.len() - existing - fallback, "{root}.{name} in {language}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_without_items_in_a_language_look_at_narrower_ones_and_at_what_is_seen() {
    let below = |parent: &str| json!({"parents": [parent]});
    let hub = TestHub::with_lines(&[
        topic("top", json!({})),
        topic("middle", below("top")),
        topic("bottom", below("middle")),
        topic("other", json!({})),
        item("french", json!({"topics": ["bottom"], "contentLanguages": ["fr-CA"]})),
        item("english", json!({"topics": ["other"], "contentLanguages": ["en"]})),
        draft("draft", json!({"topics": ["other"], "contentLanguages": ["fr"]})),
    ])
    .await;
    let query = "query ($language: LanguageTag!) {
        without: topicsWithout(language: $language) { totalCount nodes { key } }
        same: topics(filter: { withoutItemsIn: $language }) { totalCount nodes { key } }
        roots: topicsWithout(language: $language, filter: { isRoot: true }) { nodes { key } } }";
    for (language, without, roots) in [
        ("fr", vec!["other"], vec!["other"]),
        ("fr-CA", vec!["other"], vec!["other"]),
        ("en-GB", vec!["bottom", "middle", "top"], vec!["top"]),
        ("es", vec!["bottom", "middle", "other", "top"], vec!["other", "top"]),
    ] {
        let answer = hub.ask_in("en", query, json!({ "language": language })).await;
        let data = &answer["data"];
        assert_eq!(keys(&data["without"]), without, "{language}");
        assert_eq!(data["without"], data["same"], "{language}");
        assert_eq!(data["without"]["totalCount"], without.len(), "{language}");
        assert_eq!(keys(&data["roots"]), roots, "{language}");
    }
    let published = item("draft", json!({"topics": ["other"], "contentLanguages": ["fr"]}));
    read(&hub.db, &[published]).await;
    let data = hub.data("{ topicsWithout(language: \"fr\") { totalCount } }").await;
    assert_eq!(data["topicsWithout"]["totalCount"], 0);
}
