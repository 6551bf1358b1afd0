//! KT items: their fields, their bodies, their workflow, their authors, and the lists that they stand in.

use diesel::sql_types::{Array, Text};
use diesel_async::RunQueryDsl;
use knowledge_hub::db::Db;
use knowledge_hub::db::statement::Sql;
use knowledge_hub::policy::NodeKind;
use serde_json::{Value, json};

use crate::callers;
use crate::lines::{
    community, draft, item, keys, link, organization, person, problem, project, public, read, topic, with,
};
use crate::support::TestHub;

/// The actions and audiences of the changes of one kind of node, in their order.
async fn told(db: &Db, kind: &str) -> Vec<(String, Vec<String>, Vec<String>)> {
    let mut conn = db.connection().await.unwrap();
    Sql::new("SELECT action, audience_before, audience_after FROM changes WHERE kind = ")
        .text(kind)
        .push(" ORDER BY position")
        .returning::<(Text, Array<Text>, Array<Text>)>()
        .load(&mut conn)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_by_language_finds_its_relatives_but_no_private_tag_for_another() {
    let in_language = |key: &str, tag: &str| item(key, json!({"contentLanguages": [tag]}));
    let hub = TestHub::with_lines(&[in_language("a", "fr"), in_language("b", "fr-CA"), in_language("c", "x-a")]).await;
    for (tag, found) in
        [("fr", vec!["a", "b"]), ("fr-BE", vec!["a", "b"]), ("x-a", vec!["c"]), ("x-b", vec![]), ("en", vec![])]
    {
        let query = format!(
            "{{ items(filter: {{ languages: [\"{tag}\"] }}, orderBy: {{ field: TITLE }}) {{ nodes {{ key }} }} }}"
        );
        let data = hub.data(&query).await;
        let nodes = data["items"]["nodes"].as_array().unwrap();
        let mut keys: Vec<&str> = nodes.iter().map(|node| node["key"].as_str().unwrap()).collect();
        keys.sort_unstable();
        assert_eq!(keys, found, "{tag}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_of_an_item_is_served_as_it_was_read() {
    let line = json!({
        "kind": "item", "key": "i", "slug": "an-item", "originalLanguage": "en", "itemKind": "CURRICULUM",
        "verifiedOn": "2026-02-03",
        "title": {"en": "Title", "fr": "Titre"}, "summary": {"en": "Summary", "fr": "Résumé"},
        "url": "https://example.org/i", "body": {"en": "*Body*", "fr": "*Texte*"},
        "intendedFor": ["PATIENTS", "VOLUNTEERS"], "licence": "CC-BY-4.0", "contentLanguages": ["en", "fr-CA"],
        "authors": [{"byline": "Z. Last", "person": "p"}, {"byline": "A. First"}],
        "communities": ["c"], "project": "j", "topics": ["t"], "doi": "10.1000/182",
        "evidenceLevel": "EXPERT_CONSENSUS", "status": "PUBLISHED",
        "issued": {"edtf": "2020~", "label": {"en": "about 2020", "fr": "vers 2020"}},
        "publishedAt": "2026-01-02T03:04:05Z",
        "sources": [{"title": {"en": "A source"}, "field": "title"}],
    });
    let hub = TestHub::with_lines(&[
        topic("t", json!({})),
        community("c", json!({})),
        project("j", json!({})),
        person("p", json!({"consents": public(&["NAME"])})),
        item("other", json!({})),
        line,
        link("l", "DERIVES_FROM", "item:i", "item:other"),
    ])
    .await;
    let query = r#"{ item(slug: "an-item") { key slug kind verifiedOn version originalLanguage title language summary url
        body bodyHtml intendedFor licence contentLanguages doi evidenceLevel status publishedAt
        issued { edtf earliest latest qualifier label } authors { totalCount nodes { byline person { name } } }
        project { key } communities { nodes { key } } topics { nodes { key } }
        links { edges { direction other { key } } } sources { nodes { field title } } fallbackFields { field }
        translations(language: "fr") { field text } } }"#;
    let english = json!({
        "key": "i", "slug": "an-item", "kind": "CURRICULUM", "verifiedOn": "2026-02-03", "version": 1,
        "originalLanguage": "en", "title": "Title", "language": "en", "summary": "Summary",
        "url": "https://example.org/i", "body": "*Body*", "bodyHtml": "<p><em>Body</em></p>\n",
        "intendedFor": ["PATIENTS", "VOLUNTEERS"], "licence": "CC-BY-4.0", "contentLanguages": ["en", "fr-CA"],
        "doi": "10.1000/182", "evidenceLevel": "EXPERT_CONSENSUS", "status": "PUBLISHED",
        "publishedAt": "2026-01-02T03:04:05Z",
        "issued": {"edtf": "2020~", "earliest": "2020-01-01", "latest": "2020-12-31", "qualifier": "APPROXIMATE",
            "label": "about 2020"},
        "authors": {"totalCount": 2, "nodes": [{"byline": "Z. Last", "person": {"name": "p"}},
            {"byline": "A. First", "person": null}]},
        "project": {"key": "j"}, "communities": {"nodes": [{"key": "c"}]}, "topics": {"nodes": [{"key": "t"}]},
        "links": {"edges": [{"direction": "OUTGOING", "other": {"key": "other"}}]},
        "sources": {"nodes": [{"field": "title", "title": "A source"}]}, "fallbackFields": [],
        "translations": [{"field": "body", "text": "*Texte*"}, {"field": "issued/label", "text": "vers 2020"},
            {"field": "summary", "text": "Résumé"}, {"field": "title", "text": "Titre"}],
    });
    assert_eq!(hub.data(query).await["item"], english);
    let answer = hub.ask_in("fr", query, json!({})).await;
    let french = &answer["data"]["item"];
    assert_eq!((&french["title"], &french["bodyHtml"]), (&json!("Titre"), &json!("<p><em>Texte</em></p>\n")));
    let bare = hub.data(
        r#"{ item(slug: "other") { summary url body bodyHtml intendedFor licence contentLanguages doi
        evidenceLevel issued { edtf } authors { totalCount } project { key } } }"#,
    );
    let nothing = json!({"summary": null, "url": null, "body": null, "bodyHtml": null, "intendedFor": [],
        "licence": null, "contentLanguages": [], "doi": null, "evidenceLevel": null, "issued": null,
        "authors": {"totalCount": 0}, "project": null});
    assert_eq!(bare.await["item"], nothing);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_in_a_body_runs_once_it_is_html() {
    let body = "Before <script>alert(1)</script> <b onclick=\"x()\">bold</b>\n\n<img src=x onerror=\"alert(2)\">\n\n\
        [a](javascript:alert(3)) [b](https://example.org/b) [c](JAVASCRIPT:alert(4)) [d](&#106;avascript:alert(5)) \
        [e](data:text/html;base64,AAAA) [f](vbscript:alert(6))\n\n<iframe src=\"https://evil.example\"></iframe>\n\n\
        <style>p { background: url(https://evil.example) }</style>\n\n<svg onload=\"alert(7)\"></svg>\n\n\
        <form action=\"https://evil.example\"><input name=\"x\"></form>\n\n\
        ```\n<script>alert(8)</script>\n```\n\n| h |\n|---|\n| cell |\n\nAfter";
    let hub = TestHub::with_lines(&[item("i", json!({"body": {"en": body}}))]).await;
    let data = hub.data(r#"{ item(slug: "i") { body bodyHtml } }"#).await;
    assert_eq!(data["item"]["body"], body, "as it was written");
    let html = data["item"]["bodyHtml"].as_str().unwrap();
    let lower = html.to_lowercase();
    for sign in [
        "<script",
        "onclick",
        "onerror",
        "onload",
        "href=\"javascript",
        "href=\"data",
        "href=\"vbscript",
        "<iframe",
        "<style",
        "<svg",
        "<form",
        "<input",
        "<img",
        "evil.example",
        "alert(1)",
        "alert(2)",
        "alert(7)",
    ] {
        assert!(!lower.contains(sign), "{sign}: {html}");
    }
    for sign in ["Before", "bold", "href=\"https://example.org/b\"", "&lt;script&gt;alert(8)", "<td>cell</td>", "After"]
    {
        assert!(html.contains(sign), "{sign}: {html}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doi_is_kept_bare_and_what_is_none_is_refused() {
    let hub = TestHub::with_lines(&[item("i", json!({}))]).await;
    for (written, kept) in [
        ("10.1000/182", "10.1000/182"),
        ("https://doi.org/10.1000/ABC.d", "10.1000/abc.d"),
        ("http://dx.doi.org/10.1000/x", "10.1000/x"),
        ("doi:10.1000/y", "10.1000/y"),
    ] {
        read(&hub.db, &[item("i", json!({"doi": written}))]).await;
        assert_eq!(hub.data(r#"{ item(slug: "i") { doi } }"#).await["item"]["doi"], kept, "{written}");
    }
    for written in ["", "11.1000/182", "10.1000", "10.1000/", "10.1000/a b", "https://example.org/10.1000/182"] {
        let (line, field, message) = problem(&hub.db, &[item("i", json!({"doi": written}))]).await;
        assert_eq!((line, field.as_deref(), message), (1, Some("doi"), "doi-ill-formed"), "{written}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn status_time_and_audience_of_an_item_have_to_agree() {
    let hub = TestHub::with_lines(&[]).await;
    for (line, field, message) in [
        (item("i", json!({"publishedAt": null})), Some("publishedAt"), "item-published-when"),
        (item("i", json!({"status": "DRAFT"})), Some("publishedAt"), "item-draft-published"),
        (draft("i", json!({"audience": []})), None, "item-draft-audience"),
        (item("i", json!({"status": "SHELVED"})), Some("status"), "field-unusable"),
        (item("i", json!({"itemKind": "CASTLE"})), Some("itemKind"), "field-unusable"),
        (item("i", json!({"body": {"en": "x".repeat(50_001)}})), Some("body"), "text-too-long"),
        (item("i", json!({"authors": [{"byline": ""}]})), Some("authors"), "text-blank"),
        (item("i", json!({"url": "javascript:alert(1)"})), Some("url"), "web-address-ill-formed"),
    ] {
        // A good line goes before it, and nothing of it is left.
        let found = problem(&hub.db, &[item("good", json!({})), line.clone()]).await;
        assert_eq!((found.0, found.1.as_deref(), found.2), (2, field, message), "{line}");
    }
    assert_eq!(hub.data("{ items { totalCount } }").await["items"]["totalCount"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_for_those_who_make_it_until_it_is_published() {
    let more = json!({"topics": ["t"], "communities": ["c"], "body": {"en": "body"}});
    let hub = TestHub::with_lines(&[topic("t", json!({})), community("c", json!({})), draft("i", more.clone())]).await;
    let query = r#"{ item(slug: "i") { key } items { totalCount nodes { key } } search(text: "body") { totalCount }
        topic(slug: "t") { items { totalCount } } community(slug: "c") { items { totalCount } } }"#;
    let seen = |count: i64| {
        let nodes = if count == 0 { json!([]) } else { json!([{"key": "i"}]) };
        let (item, total) = (nodes[0].clone(), json!({"totalCount": count}));
        json!({"item": item, "items": {"totalCount": count, "nodes": nodes}, "search": total,
            "topic": {"items": total}, "community": {"items": total}})
    };
    assert_eq!(hub.data(query).await, seen(0));
    read(&hub.db, &[item("i", more.clone())]).await;
    assert_eq!(hub.data(query).await, seen(1));
    read(&hub.db, &[item("i", with(more.clone(), json!({"title": {"en": "Edited"}})))]).await;
    read(&hub.db, &[draft("i", more)]).await;
    assert_eq!(hub.data(query).await, seen(0), "taken back");
    let public = || vec!["public".to_owned()];
    let makers = vec![format!("coordinator:{}", callers::id_of(&hub.db, NodeKind::Community, "c").await)];
    let step = |action: &str, before: Vec<String>, after: Vec<String>| (action.to_owned(), before, after);
    let expected = [
        step("CREATED", Vec::new(), makers.clone()),
        step("PUBLISHED", makers.clone(), public()),
        step("UPDATED", public(), public()),
        step("UPDATED", public(), makers),
    ];
    assert_eq!(told(&hub.db, "ITEM").await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_byline_is_shown_whoever_may_see_the_person() {
    let author = |consents: Value| person("p", json!({"name": "Real Name", "consents": consents}));
    let made = item("i", json!({"authors": [{"byline": "A Pen Name", "person": "p"}]}));
    let hub = TestHub::with_lines(&[author(json!([])), made]).await;
    let query = r#"{ items { nodes { authors { totalCount nodes { byline person { name items { totalCount } } } } } }
        byline: search(text: "pen name") { totalCount } name: search(text: "real name") { totalCount } }"#;
    let seen = |person: Value, by_name: i64| {
        let author = json!({"byline": "A Pen Name", "person": person});
        json!({"items": {"nodes": [{"authors": {"totalCount": 1, "nodes": [author]}}]},
            "byline": {"totalCount": 1}, "name": {"totalCount": by_name}})
    };
    assert_eq!(hub.data(query).await, seen(Value::Null, 0));
    read(&hub.db, &[author(public(&["NAME"]))]).await;
    assert_eq!(hub.data(query).await, seen(json!({"name": "Real Name", "items": {"totalCount": 1}}), 1));
    let id = hub.data(r#"{ person(slug: "p") { id } }"#).await["person"]["id"].clone();
    let by_author = format!("{{ items(filter: {{ authors: [{id}] }}) {{ totalCount }} }}");
    assert_eq!(hub.data(&by_author).await["items"]["totalCount"], 1);
    read(&hub.db, &[author(json!([]))]).await;
    assert_eq!(hub.data(query).await, seen(Value::Null, 0));
    assert_eq!(hub.data(&by_author).await["items"]["totalCount"], 0, "a filter tells nothing of whom one cannot see");
}

#[tokio::test(flavor = "multi_thread")]
async fn items_are_the_same_from_every_side_that_they_hang_on() {
    let everywhere = json!({"communities": ["c"], "project": "j", "topics": ["narrow"],
        "authors": [{"byline": "P", "person": "p"}]});
    let hidden = with(everywhere.clone(), json!({"audience": []}));
    let hub = TestHub::with_lines(&[
        topic("wide", json!({})),
        topic("narrow", json!({"parents": ["wide"]})),
        organization("o", json!({})),
        community("c", json!({})),
        link("l", "COORDINATED_BY", "community:c", "organization:o"),
        project("j", json!({})),
        person("p", json!({"consents": public(&["NAME"])})),
        item("a", everywhere.clone()),
        item("b", with(everywhere.clone(), json!({"itemKind": "TOOL", "publishedAt": "2026-01-03T00:00:00Z"}))),
        item("hidden", hidden),
        draft("draft", everywhere),
        item("elsewhere", json!({})),
    ])
    .await;
    let list = |arguments: &str| format!("items{arguments} {{ totalCount nodes {{ key }} }}");
    let sides = [
        ("community", "c", "communities"),
        ("project", "j", "projects"),
        ("topic", "narrow", "topics"),
        ("topic", "wide", "topics"),
        ("person", "p", "authors"),
        ("organization", "o", "organizations"),
    ];
    for (root, slug, filter) in sides {
        let tools = list("(filter: { kinds: [TOOL] })");
        let query = format!("{{ node: {root}(slug: \"{slug}\") {{ id {} tools: {tools} }} }}", list(""));
        let data = hub.data(&query).await;
        let node = &data["node"];
        assert_eq!(
            node["items"],
            json!({"totalCount": 2, "nodes": [{"key": "b"}, {"key": "a"}]}),
            "{root}: the newest first"
        );
        assert_eq!(keys(&node["tools"]), ["b"], "{root}");
        let query = format!("{{ {} }}", list(&format!("(filter: {{ {filter}: [{}] }})", node["id"])));
        assert_eq!(hub.data(&query).await["items"], node["items"], "{filter}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn items_are_narrowed_by_what_they_are_and_when_they_were_issued() {
    let hub = TestHub::with_lines(&[
        item(
            "a",
            json!({"itemKind": "TOOL", "contentLanguages": ["fr"], "intendedFor": ["PATIENTS"],
            "evidenceLevel": "OBSERVATIONAL_STUDY", "issued": {"edtf": "2020"}}),
        ),
        item("b", json!({"contentLanguages": ["en", "fr"], "issued": {"edtf": "2020-06/2021"}})),
        item("c", json!({"intendedFor": ["PATIENTS", "CAREGIVERS"]})),
    ])
    .await;
    for (filter, expected) in [
        ("kinds: [TOOL, GUIDE]", vec!["a", "b", "c"]),
        ("kinds: [TOOL]", vec!["a"]),
        ("languages: [\"fr\"]", vec!["a", "b"]),
        ("languages: [\"fr\", \"en\"], kinds: [GUIDE]", vec!["b"]),
        ("intendedFor: [PATIENTS]", vec!["a", "c"]),
        ("evidenceLevels: [OBSERVATIONAL_STUDY, QUALITATIVE_STUDY]", vec!["a"]),
        ("issuedBetween: { from: \"2021-01-01\" }", vec!["b"]),
        ("issuedBetween: { from: \"2020-01-01\", to: \"2020-12-31\" }", vec!["a", "b"]),
        ("issuedBetween: { from: \"2020-01-01\", to: \"2020-12-31\", certain: true }", vec!["a"]),
        ("kinds: []", vec![]),
    ] {
        let data = hub.data(&format!("{{ items(filter: {{ {filter} }}) {{ totalCount nodes {{ key }} }} }}")).await;
        assert_eq!(keys(&data["items"]), expected, "{filter}");
        assert_eq!(data["items"]["totalCount"], expected.len(), "{filter}");
    }
}
