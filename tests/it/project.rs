//! Research projects: their fields, who has a part in them, and who lets it be known to work in them.

use serde_json::{Value, json};

use crate::lines::{community, consent, item, keys, link, organization, person, problem, project, public, read, with};
use crate::support::TestHub;

#[tokio::test(flavor = "multi_thread")]
async fn every_field_of_a_project_is_served_as_it_was_read() {
    let line = json!({
        "kind": "project", "key": "j", "slug": "a-project", "originalLanguage": "en", "verifiedOn": "2026-02-03",
        "title": {"en": "Title", "fr": "Titre"}, "summary": {"en": "Summary"}, "status": "COMPLETED",
        "started": {"edtf": "2019", "label": {"en": "in 2019"}}, "ended": {"edtf": "2021-06"},
        "outputs": [{"id": "1", "text": {"en": "First", "fr": "Premier"}}, {"id": "2", "text": {"en": "Second"}}],
        "lead": "o", "partners": ["p2", "p1"], "funders": ["o"],
        "people": [{"person": "z", "role": "TRAINEE"}, {"person": "a", "role": "COORDINATOR"},
            {"person": "z", "role": "COLLABORATOR"}],
        "communities": ["c"], "sources": [{"title": {"en": "A source"}}],
    });
    let consents = || json!({"consents": public(&["NAME", "PROJECTS"])});
    let hub = TestHub::with_lines(&[
        organization("o", json!({})),
        organization("p1", json!({})),
        organization("p2", json!({})),
        community("c", json!({})),
        person("z", consents()),
        person("a", consents()),
        line,
        project("bare", json!({})),
        item("i", json!({"project": "j"})),
        link("l", "CREATED", "project:j", "community:c"),
    ])
    .await;
    let query = r#"{ project(slug: "a-project") { key slug verifiedOn version originalLanguage title language summary
        status started { edtf earliest latest label } ended { edtf earliest latest label } outputs
        leadOrganization { key } organizations { totalCount nodes { key } }
        lead: organizations(part: LEAD) { nodes { key } } partners: organizations(part: PARTNER) { nodes { key } }
        funders: organizations(part: FUNDER) { nodes { key } } people { totalCount nodes { role person { key } } }
        some: people(roles: [COLLABORATOR, COORDINATOR]) { totalCount nodes { role } }
        communities { nodes { key } } items { nodes { key } } links { edges { direction other { key } } }
        sources { nodes { title } } translations(language: "fr") { field text } } }"#;
    let expected = json!({
        "key": "j", "slug": "a-project", "verifiedOn": "2026-02-03", "version": 1, "originalLanguage": "en",
        "title": "Title", "language": "en", "summary": "Summary", "status": "COMPLETED",
        "started": {"edtf": "2019", "earliest": "2019-01-01", "latest": "2019-12-31", "label": "in 2019"},
        "ended": {"edtf": "2021-06", "earliest": "2021-06-01", "latest": "2021-06-30", "label": null},
        "outputs": ["First", "Second"], "leadOrganization": {"key": "o"},
        "organizations": {"totalCount": 3, "nodes": [{"key": "o"}, {"key": "p1"}, {"key": "p2"}]},
        "lead": {"nodes": [{"key": "o"}]}, "partners": {"nodes": [{"key": "p1"}, {"key": "p2"}]},
        "funders": {"nodes": [{"key": "o"}]},
        "people": {"totalCount": 3, "nodes": [{"role": "TRAINEE", "person": {"key": "z"}},
            {"role": "COORDINATOR", "person": {"key": "a"}}, {"role": "COLLABORATOR", "person": {"key": "z"}}]},
        "some": {"totalCount": 2, "nodes": [{"role": "COORDINATOR"}, {"role": "COLLABORATOR"}]},
        "communities": {"nodes": [{"key": "c"}]}, "items": {"nodes": [{"key": "i"}]},
        "links": {"edges": [{"direction": "OUTGOING", "other": {"key": "c"}}]},
        "sources": {"nodes": [{"title": "A source"}]},
        "translations": [{"field": "outputs/1/text", "text": "Premier"}, {"field": "title", "text": "Titre"}],
    });
    assert_eq!(hub.data(query).await["project"], expected);
    let bare = hub.data(
        r#"{ project(slug: "bare") { summary status started { edtf } ended { edtf } outputs
        leadOrganization { key } organizations { totalCount } people { totalCount } } }"#,
    );
    let nothing = json!({"summary": null, "status": null, "started": null, "ended": null, "outputs": [],
        "leadOrganization": null, "organizations": {"totalCount": 0}, "people": {"totalCount": 0}});
    assert_eq!(bare.await["project"], nothing);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_contradicts_itself_is_refused() {
    let hub = TestHub::with_lines(&[person("p", json!({})), organization("o", json!({}))]).await;
    let twice = json!([{"person": "p", "role": "TRAINEE"}, {"person": "p", "role": "TRAINEE"}]);
    for (more, field, message) in [
        (json!({"people": twice}), Some("people"), "id-twice"),
        (json!({"status": "DONE"}), Some("status"), "field-unusable"),
        (json!({"started": {"edtf": "2021"}, "ended": {"edtf": "2020"}}), Some("ended"), "period-backwards"),
        (
            json!({"outputs": [{"id": "1", "text": {"en": "a"}}, {"id": "1", "text": {"en": "b"}}]}),
            Some("outputs/1"),
            "id-twice",
        ),
        (json!({"title": {}}), Some("title"), "text-blank"),
        (json!({"lead": ["o"]}), Some("lead"), "field-unusable"),
        (json!({"lead": "nobody"}), None, "key-unknown"),
    ] {
        let found = problem(&hub.db, &[project("good", json!({})), project("j", more.clone())]).await;
        assert_eq!((found.0, found.1.as_deref(), found.2), (2, field, message), "{more}");
    }
    assert_eq!(hub.data("{ projects { totalCount } }").await["projects"]["totalCount"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_works_in_a_project_is_shown_as_far_as_they_let_it_be_known() {
    let withdrawn = || with(consent("PROJECTS", "PUBLIC"), json!({"withdrawnAt": "2026-02-01T00:00:00Z"}));
    let cases = [
        ("both", public(&["NAME", "PROJECTS"])),
        ("name", public(&["NAME"])),
        ("projects", public(&["PROJECTS"])),
        ("members", json!([consent("NAME", "PUBLIC"), consent("PROJECTS", "MEMBERS")])),
        ("withdrawn", json!([consent("NAME", "PUBLIC"), withdrawn()])),
        ("nothing", json!([])),
    ];
    let named = |key: &&str| json!({"person": key, "role": "TRAINEE"});
    let team: Value = cases.iter().map(|(key, _)| named(key)).collect();
    let mut lines: Vec<Value> =
        cases.iter().map(|(key, consents)| person(key, json!({ "consents": consents }))).collect();
    lines.push(project("j", json!({ "people": team })));
    let hub = TestHub::with_lines(&lines).await;
    let query = r#"{ project(slug: "j") { people { totalCount nodes { person { key } } } }
        people { nodes { key projects { totalCount } } } }"#;
    let data = hub.data(query).await;
    let expected = json!({"totalCount": 1, "nodes": [{"person": {"key": "both"}}]});
    assert_eq!(data["project"]["people"], expected);
    let shown = |key: &str, count: i64| json!({"key": key, "projects": {"totalCount": count}});
    let people = [shown("both", 1), shown("members", 0), shown("name", 0), shown("withdrawn", 0)];
    assert_eq!(data["people"]["nodes"], json!(people));
    // Those who saw them once know their ids; a filter by them tells nothing.
    let everybody: Vec<Value> =
        cases.iter().map(|(key, _)| person(key, json!({"consents": public(&["NAME", "PROJECTS"])}))).collect();
    read(&hub.db, &everybody).await;
    let ids: Vec<(String, String)> = hub.data("{ people { nodes { key id } } }").await["people"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| (node["key"].as_str().unwrap().to_owned(), node["id"].to_string()))
        .collect();
    assert_eq!(ids.len(), cases.len());
    assert_eq!(hub.data(query).await["project"]["people"]["totalCount"], cases.len());
    read(&hub.db, &lines[..cases.len()]).await;
    for (key, id) in ids {
        let data = hub.data(&format!("{{ projects(filter: {{ people: [{id}] }}) {{ totalCount }} }}")).await;
        assert_eq!(data["projects"]["totalCount"], i64::from(key == "both"), "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn projects_are_narrowed_and_hang_on_what_has_a_part_in_them() {
    let hub = TestHub::with_lines(&[
        organization("o", json!({})),
        organization("hidden", json!({"audience": []})),
        community("c", json!({})),
        person("p", json!({"consents": public(&["NAME", "PROJECTS"])})),
        project(
            "leads",
            json!({"lead": "o", "status": "ACTIVE", "started": {"edtf": "2019"}, "ended": {"edtf": "2020"}}),
        ),
        project(
            "pays",
            json!({"funders": ["o"], "status": "COMPLETED", "started": {"edtf": "2021"}, "communities": ["c"]}),
        ),
        project("works", json!({"partners": ["o"], "lead": "hidden", "people": [{"person": "p", "role": "TRAINEE"}]})),
        project("none", json!({"lead": "hidden"})),
        project(
            "secret",
            json!({"lead": "o", "communities": ["c"], "audience": [],
            "people": [{"person": "p", "role": "TRAINEE"}]}),
        ),
    ])
    .await;
    let query = r#"{ o: organization(slug: "o") { id projects { totalCount nodes { key } }
          led: projects(filter: { parts: [LEAD] }) { nodes { key } } }
        c: community(slug: "c") { id projects { totalCount nodes { key } } }
        p: person(slug: "p") { id projects { totalCount nodes { key } } }
        works: project(slug: "works") { leadOrganization { key } organizations { totalCount } } }"#;
    let data = hub.data(query).await;
    assert_eq!(keys(&data["o"]["projects"]), ["leads", "pays", "works"]);
    // Of the hidden organization nobody learns that it leads; of the one that is seen, what it does.
    assert_eq!(data["works"], json!({"leadOrganization": null, "organizations": {"totalCount": 1}}));
    assert_eq!(keys(&data["o"]["led"]), ["leads"]);
    assert_eq!(keys(&data["c"]["projects"]), ["pays"]);
    assert_eq!(keys(&data["p"]["projects"]), ["works"]);
    let (o, c, p) = (&data["o"]["id"], &data["c"]["id"], &data["p"]["id"]);
    for (filter, expected) in [
        (format!("organizations: [{o}]"), vec!["leads", "pays", "works"]),
        (format!("organizations: [{o}], parts: [FUNDER, PARTNER]"), vec!["pays", "works"]),
        ("parts: [LEAD]".to_owned(), vec!["leads"]),
        (format!("communities: [{c}]"), vec!["pays"]),
        (format!("people: [{p}]"), vec!["works"]),
        ("statuses: [ACTIVE]".to_owned(), vec!["leads"]),
        ("activeBetween: { from: \"2020-06-01\", to: \"2020-12-31\" }".to_owned(), vec!["leads"]),
        ("activeBetween: { from: \"2022-01-01\" }".to_owned(), vec!["pays"]),
        ("textContains: \"works\"".to_owned(), vec!["works"]),
    ] {
        let data = hub.data(&format!("{{ projects(filter: {{ {filter} }}) {{ totalCount nodes {{ key }} }} }}")).await;
        assert_eq!(keys(&data["projects"]), expected, "{filter}");
        assert_eq!(data["projects"]["totalCount"], expected.len(), "{filter}");
    }
}
