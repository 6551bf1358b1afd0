//! What must not be seen, and must not be guessed from what is.

use serde_json::{Value, json};

use crate::support::{self, TestHub};

fn topic(key: &str, parents: Value, audience: Value) -> Value {
    json!({"kind": "topic", "key": key, "originalLanguage": "en", "name": {"en": key}, "parents": parents,
        "audience": audience})
}

fn organization(key: &str, parent: Value, audience: Value) -> Value {
    json!({"kind": "organization", "key": key, "originalLanguage": "en", "organizationKind": "OTHER",
        "name": {"en": key}, "parent": parent, "status": "ACTIVE", "audience": audience})
}

fn community(key: &str, topics: Value) -> Value {
    json!({"kind": "community", "key": key, "originalLanguage": "en", "name": {"en": key}, "topics": topics,
        "status": "ACTIVE"})
}

fn consent(field: &str) -> Value {
    json!({"field": field, "audience": "PUBLIC", "givenAt": "2026-01-01T00:00:00Z", "textVersion": "1"})
}

fn role(person: &str, of: &str) -> Value {
    json!({"kind": "role", "key": "r", "originalLanguage": "en", "person": person, "of": of, "roleKind": "LEADER"})
}

fn person(key: &str, more: &Value) -> Value {
    let mut line = json!({"kind": "person", "key": key, "originalLanguage": "en", "name": key, "honorific": "Dr",
        "region": "CA-QC", "orcid": "0000-0002-1825-0097", "languages": ["fr"]});
    for (name, value) in more.as_object().unwrap() {
        line[name] = value.clone();
    }
    line
}

async fn read(hub: &TestHub, lines: &[Value]) {
    support::import(&hub.db, vec![support::file(lines)]).await.unwrap();
}

/// The ids of nodes, as somebody knows them who saw them before they were hidden.
async fn id(hub: &TestHub, root: &str, slug: &str) -> String {
    hub.data(&format!("{{ {root}(slug: \"{slug}\") {{ id }} }}")).await[root]["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_and_families_do_not_walk_through_what_is_hidden() {
    let public = || json!(["public"]);
    let everything = |hidden: &Value| {
        vec![
            topic("top", json!([]), public()),
            topic("secret", json!(["top"]), hidden.clone()),
            topic("below", json!(["secret"]), public()),
            organization("secret-org", Value::Null, hidden.clone()),
            organization("part", json!("secret-org"), public()),
            community("c", json!(["secret"])),
            person(
                "p",
                &json!({"expertise": ["secret"],
                "affiliations": [{"id": "1", "organization": "secret-org", "home": true}],
                "consents": [consent("NAME"), consent("EXPERTISE"), consent("AFFILIATIONS")]}),
            ),
        ]
    };
    let hub = TestHub::with_lines(&everything(&public())).await;
    let (topic, organization) = (id(&hub, "topic", "secret").await, id(&hub, "organization", "secret-org").await);
    let query = format!(
        r#"{{ a: people(filter: {{ organizations: ["{organization}"] }}) {{ totalCount }}
            b: people(filter: {{ topics: ["{topic}"] }}) {{ totalCount }}
            c: communities(filter: {{ topics: ["{topic}"] }}) {{ totalCount }}
            d: organizations(filter: {{ parents: ["{organization}"] }}) {{ totalCount }}
            e: topics(filter: {{ below: ["{topic}"] }}) {{ totalCount }}
            f: topic(slug: "top") {{ people {{ totalCount }} communities {{ totalCount }} children {{ totalCount }} }}
            g: topics(filter: {{ isRoot: false }}) {{ totalCount }}
            h: people {{ nodes {{ homeOrganization {{ key }} affiliations {{ isHome }} expertise {{ totalCount }} }} }} }}"#
    );
    let one = json!({"totalCount": 1});
    let seen = hub.data(&query).await;
    for list in ["a", "b", "c", "d", "e"] {
        assert_eq!(seen[list], one, "{list}: {seen}");
    }
    assert_eq!(seen["f"], json!({"people": one, "communities": one, "children": one}));
    assert_eq!(seen["g"]["totalCount"], 2);
    read(&hub, &everything(&json!([]))).await;
    let none = json!({"totalCount": 0});
    let seen = hub.data(&query).await;
    for list in ["a", "b", "c", "d", "e", "g"] {
        assert_eq!(seen[list], none, "{list}: {seen}");
    }
    assert_eq!(seen["f"], json!({"people": none, "communities": none, "children": none}));
    let node = json!({"homeOrganization": null, "affiliations": [], "expertise": none});
    assert_eq!(seen["h"]["nodes"], json!([node]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_shows_its_holder_and_stops_showing_who_held_it_by_mistake() {
    let hub = TestHub::with_lines(&[
        community("c", json!([])),
        person("alice", &json!({})),
        person("bob", &json!({})),
        role("alice", "community:c"),
    ])
    .await;
    let query = "{ people { totalCount nodes { name } } }";
    assert_eq!(hub.data(query).await["people"], json!({"totalCount": 1, "nodes": [{"name": "alice"}]}));
    read(&hub, &[role("bob", "community:c")]).await;
    assert_eq!(hub.data(query).await["people"], json!({"totalCount": 1, "nodes": [{"name": "bob"}]}));
    read(&hub, &[organization("o", Value::Null, json!([])), role("bob", "organization:o")]).await;
    assert_eq!(hub.data(query).await["people"]["totalCount"], 0, "what the role is held in is hidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_with_a_public_role_alone_shows_four_fields_and_is_not_found_by_the_others() {
    let sources = json!([
        {"publisher": "whole record"}, {"field": "region", "publisher": "region"}, {"field": "name", "publisher": "name"},
        {"field": "consents", "publisher": "consents"},
    ]);
    let hub = TestHub::with_lines(&[
        community("c", json!([])),
        person("alice", &json!({"sources": sources, "profession": "NURSE"})),
        role("alice", "community:c"),
    ])
    .await;
    let data = hub
        .data(
            r#"{ people { nodes { key version updatedAt name honorific profession region languages orcid stakeholderGroup
                affiliations { isHome } expertise { totalCount } sources { totalCount nodes { publisher } } } }
            a: people(filter: { regions: ["CA-QC"] }) { totalCount } b: people(filter: { languages: ["fr"] }) { totalCount }
            c: people(filter: { professions: [NURSE] }) { totalCount } }"#,
        )
        .await;
    let alice = json!({"key": null, "version": null, "updatedAt": null, "name": "alice", "honorific": "Dr", "profession": "NURSE", "region": null,
        "languages": [], "orcid": null, "stakeholderGroup": null, "affiliations": [], "expertise": {"totalCount": 0},
        "sources": {"totalCount": 1, "nodes": [{"publisher": "name"}]}});
    assert_eq!(data["people"]["nodes"], json!([alice]));
    assert_eq!(
        (&data["a"], &data["b"], &data["c"]),
        (&json!({"totalCount": 0}), &json!({"totalCount": 0}), &json!({"totalCount": 1}))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_consent_hides() {
    let consented = |withdrawn_at: Value| {
        let mut name = consent("NAME");
        name["withdrawnAt"] = withdrawn_at;
        person("p", &json!({"slug": "p", "consents": [name]}))
    };
    let hub = TestHub::with_lines(&[consented(Value::Null)]).await;
    let query = r#"{ people { totalCount } person(slug: "p") { name } }"#;
    assert_eq!(hub.data(query).await, json!({"people": {"totalCount": 1}, "person": {"name": "p"}}));
    read(&hub, &[consented(json!("2026-01-02T00:00:00Z"))]).await;
    assert_eq!(hub.data(query).await, json!({"people": {"totalCount": 0}, "person": null}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_gave_the_slug_up_is_not_found_by_it() {
    let with_slug = |slug: Value| person("p", &json!({"slug": slug, "consents": [consent("NAME")]}));
    let hub = TestHub::with_lines(&[with_slug(json!("p"))]).await;
    let query = r#"{ person(slug: "p") { name } people { nodes { key slug } } }"#;
    assert_eq!(hub.data(query).await["person"]["name"], "p");
    read(&hub, &[with_slug(Value::Null)]).await;
    let data = hub.data(query).await;
    assert_eq!(data, json!({"person": null, "people": {"nodes": [{"key": null, "slug": null}]}}));
}
