//! The sample data: the facts of the source documents, and the cases in which such facts are hard.

use serde_json::{Value, json};

use crate::support::TestHub;

fn names<'a>(list: &'a Value, field: &str) -> Vec<&'a str> {
    list["nodes"].as_array().unwrap().iter().map(|node| node[field].as_str().unwrap_or("null")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn aliases_lead_to_their_organization() {
    let hub = TestHub::with_sample_data().await;
    for (text, key) in [
        ("canadian psychosocial oncology partnership", "cpop"),
        ("CAPO", "capo"),
        ("association of psychosocial", "capo"),
        ("hopital charles-le moyne", "hclm"),
    ] {
        let query = format!("{{ organizations(filter: {{ textContains: \"{text}\" }}) {{ nodes {{ key }} }} }}");
        let data = hub.data(&query).await;
        assert!(names(&data["organizations"], "key").contains(&key), "{text}: {data}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn accents_and_case_do_not_hide_a_community() {
    let hub = TestHub::with_sample_data().await;
    for text in ["resot", "RÉSOT", "Résot", "rEsOt"] {
        let query = format!("{{ communities(filter: {{ textContains: \"{text}\" }}) {{ nodes {{ key }} }} }}");
        assert_eq!(hub.data(&query).await["communities"], json!({"nodes": [{"key": "resot"}]}), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_organizations_at_one_address_stay_two() {
    let hub = TestHub::with_sample_data().await;
    let query = r#"{ cpop: organization(slug: "cpop") { id addresses { lines locality postalCode region } }
        ipos: organization(slug: "ipos") { id addresses { lines locality postalCode region } } }"#;
    let data = hub.data(query).await;
    assert_ne!(data["cpop"]["id"], data["ipos"]["id"]);
    for key in ["cpop", "ipos"] {
        let address = &data[key]["addresses"][0];
        assert!(address["lines"].to_string().contains("189 Queen Street East"), "{address}");
        assert_eq!(address["postalCode"], "M5A 1S2");
        assert_eq!(address["region"], "CA-ON");
    }
    assert_eq!(data["ipos"]["addresses"].as_array().unwrap().len(), 2, "Toronto and New York");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_french_reader_of_cpop_gets_french_where_there_is_any_and_is_told_where_there_is_none() {
    let hub = TestHub::with_sample_data().await;
    let query = r#"{ organization(slug: "cpop") { name language aims phone fallbackFields { field language } } }"#;
    let answer = hub.ask_in("fr-CA", query, json!({})).await;
    let cpop = &answer["data"]["organization"];
    let aims = cpop["aims"].to_string();
    assert!(aims.contains("mécanismes de partage") || aims.contains("Mécanismes de partage"), "{aims}");
    assert!(!aims.contains("em 2007"), "the typo of the source stays out");
    assert!(!cpop["phone"].is_null(), "contact data has no language");
    let answer = hub
        .ask_in(
            "fr-CA",
            r#"{ organization(slug: "ipos") { name language vision fallbackFields { field language } } }"#,
            json!({}),
        )
        .await;
    let ipos = &answer["data"]["organization"];
    assert_eq!(ipos["language"], "en");
    assert!(!ipos["vision"].as_str().unwrap().is_empty(), "another language is served rather than nothing");
    let fallbacks = ipos["fallbackFields"].as_array().unwrap();
    assert!(fallbacks.contains(&json!({"field": "vision", "language": "en"})), "{fallbacks:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_list_items_of_the_source_are_mended() {
    let hub = TestHub::with_sample_data().await;
    let data = hub
        .data(
            r#"{ organization(slug: "hpco") { communities { nodes { key domain benefits { cause effect } activities
            sources(fields: ["domain"]) { nodes { quote } } } } } }"#,
        )
        .await;
    let communities = &data["organization"]["communities"];
    let mut keys = names(communities, "key");
    keys.sort_unstable();
    assert_eq!(keys, ["cc", "hcc-acp", "rhpc"]);
    for community in communities["nodes"].as_array().unwrap() {
        assert!(community["sources"].to_string().contains("shared domain of interest"), "{community}");
        assert_eq!(community["benefits"].as_array().unwrap().len(), 5);
        assert_eq!(community["activities"].as_array().unwrap().len(), 9);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_eligibility_that_the_source_repeats_is_there_once() {
    let hub = TestHub::with_sample_data().await;
    let data = hub.data(r#"{ community(slug: "resot") { eligibility professions } }"#).await;
    let eligibility = data["community"]["eligibility"].as_str().unwrap();
    assert_eq!(eligibility.matches("research coordinators").count(), 1, "{eligibility}");
    assert_eq!(
        data["community"]["professions"],
        json!(["PHYSICIAN", "RESEARCH_NURSE", "MANAGER", "RESEARCH_COORDINATOR"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_masked_or_personal_address_is_shipped() {
    let hub = TestHub::with_sample_data().await;
    let data = hub
        .data(
            r#"{ organizations(first: 100) { nodes { email } } communities(first: 100) { nodes { contactEmail } }
            ipos: organization(slug: "ipos") { email } rhpc: community(slug: "rhpc") { contactEmail } }"#,
        )
        .await;
    assert_eq!(data["ipos"]["email"], Value::Null, "the source masks it");
    assert_eq!(data["rhpc"]["contactEmail"], "cop-coordinator@example.org");
    let all = data.to_string();
    for part in all.split('"').filter(|part| part.contains('@')) {
        assert!(part.ends_with("example.org"), "{part}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_contradicts_itself_is_quoted_both_ways() {
    let hub = TestHub::with_sample_data().await;
    let data = hub
        .data(r#"{ community(slug: "rhpc") { joinPolicy sources(fields: ["joinPolicy"]) { nodes { quote } } } }"#)
        .await;
    assert_eq!(data["community"]["joinPolicy"], "BY_APPLICATION");
    let quotes = names(&data["community"]["sources"], "quote").join(" | ");
    assert!(quotes.contains("click the hyperlink to join") && quotes.contains("attached document"), "{quotes}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_leads_two_communities_and_keeps_the_accents() {
    let hub = TestHub::with_sample_data().await;
    let data = hub
        .data(r#"{ people(filter: { textContains: "bahary" }) { totalCount nodes { name honorific key slug region orcid
            homeOrganization { key } affiliations { isHome } roles { totalCount nodes { kind of { ... on Community { key } } sources { nodes { quote } } } } } } }"#)
        .await;
    assert_eq!(data["people"]["totalCount"], 1);
    let person = &data["people"]["nodes"][0];
    assert_eq!(person["name"], "Jean-Paul Bahary");
    assert_eq!(person["homeOrganization"]["key"], "chum");
    assert_eq!(person["roles"]["totalCount"], 2);
    let of: Vec<&str> =
        person["roles"]["nodes"].as_array().unwrap().iter().map(|role| role["of"]["key"].as_str().unwrap()).collect();
    assert!(of.contains(&"nrg") && of.contains(&"qcroc-2022"), "{of:?}");
    // A public role shows name, honorific, profession and home organization, and nothing else.
    assert_eq!((&person["key"], &person["slug"]), (&Value::Null, &Value::Null));
    assert_eq!(person["affiliations"], json!([]));
    let quotes = person["roles"].to_string();
    assert!(quotes.contains("Dr. Jean-Paul") && quotes.contains("Dr Jean-Paul"), "both spellings stand: {quotes}");
    let data = hub.data(r#"{ organization(slug: "hclm") { name people { nodes { name } } } }"#).await;
    assert_eq!(
        data["organization"],
        json!({"name": "Hôpital Charles-Le Moyne", "people": {"nodes": [{"name": "Nathalie Daaboul"}]}})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn communities_that_no_source_names_have_no_name_and_say_who_named_them() {
    let hub = TestHub::with_sample_data().await;
    let query = r#"{ a: community(slug: "qcroc-2022") { name displayName displayNameIsEditorial domain launched { label edtf earliest latest } }
        b: community(slug: "colorectal") { name displayName displayNameIsEditorial }
        c: community(slug: "resot") { name displayName displayNameIsEditorial } }"#;
    let data = hub.data(query).await;
    for key in ["a", "b"] {
        assert_eq!((&data[key]["name"], &data[key]["displayNameIsEditorial"]), (&Value::Null, &json!(true)), "{data}");
        assert!(data[key]["displayName"].as_str().unwrap().starts_with("Community of practice"), "{data}");
    }
    assert_eq!(data["a"]["domain"], Value::Null);
    let launched =
        json!({"label": "winter of 2022", "edtf": "2022-24", "earliest": "2021-12-01", "latest": "2022-02-28"});
    assert_eq!(data["a"]["launched"], launched, "the words stay beside what they can mean");
    assert_eq!(data["c"]["displayNameIsEditorial"], false);
    let answer = hub.ask_in("fr", query, json!({})).await;
    assert!(answer["data"]["a"]["displayName"].as_str().unwrap().starts_with("Communauté de pratique"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn vague_counts_stay_vague() {
    let hub = TestHub::with_sample_data().await;
    let count = "{ min max qualifier label asOf }";
    let query = format!(
        "{{ resot: community(slug: \"resot\") {{ memberCount {count} centreCount {count} }} \
         winter: community(slug: \"qcroc-2022\") {{ memberCount {count} centreCount {count} }} \
         colorectal: community(slug: \"colorectal\") {{ memberCount {count} centreCount {count} }} }}"
    );
    let data = hub.data(&query).await;
    let counts = |value: &Value| {
        (value["min"].clone(), value["max"].clone(), value["qualifier"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(counts(&data["resot"]["memberCount"]), (json!(81), Value::Null, "AT_LEAST".to_owned()));
    assert_eq!(counts(&data["resot"]["centreCount"]), (json!(16), json!(16), "EXACT".to_owned()));
    assert_eq!(counts(&data["winter"]["memberCount"]), (Value::Null, json!(30), "NEARLY".to_owned()));
    assert_eq!(counts(&data["colorectal"]["centreCount"]), (json!(12), json!(12), "ABOUT".to_owned()));
    assert_eq!(data["colorectal"]["memberCount"], Value::Null, "the source states none");
    assert_eq!(data["resot"]["memberCount"]["asOf"], Value::Null, "nor a day");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_published_by_somebody_else_does_not_make_them_the_owner() {
    let hub = TestHub::with_sample_data().await;
    let query = r#"{ community(slug: "rhpc") { verifiedOn sources { nodes { publisher title url retrievedOn } }
        links(direction: INCOMING) { edges { label direction node { kind } other { ... on Organization { key } } } } } }"#;
    let data = hub.data(query).await;
    let community = &data["community"];
    assert_eq!(community["verifiedOn"], Value::Null, "nobody verified it yet");
    let sources = community["sources"]["nodes"].as_array().unwrap();
    assert!(!sources.is_empty());
    assert!(sources.iter().all(|source| source["publisher"].is_null()), "the document states no publisher");
    let host =
        json!({"label": "is hosted by", "direction": "INCOMING", "node": {"kind": "HOSTS"}, "other": {"key": "hpco"}});
    assert_eq!(community["links"]["edges"], json!([host]));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_led_resot_and_when_is_answered_with_its_source() {
    let hub = TestHub::with_sample_data().await;
    let query = r#"{ community(slug: "resot") { launched { edtf label } roles(filter: { kinds: [LEADER] }) { nodes {
        person { name honorific homeOrganization { name } } since { label } until { label } sources { nodes { quote } } } } } }"#;
    let data = hub.data(query).await;
    let roles = data["community"]["roles"]["nodes"].as_array().unwrap();
    assert_eq!(roles.len(), 1);
    assert_eq!(roles[0]["person"]["name"], "Nathalie Daaboul");
    assert_eq!(roles[0]["person"]["homeOrganization"]["name"], "Hôpital Charles-Le Moyne");
    assert!(roles[0]["sources"].to_string().contains("Daaboul"));
    assert_eq!(roles[0]["until"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_synthetic_says_so_and_touches_nothing_real() {
    let hub = TestHub::with_sample_data().await;
    let mut after = String::new();
    let mut people = 0;
    loop {
        let query =
            format!("{{ people(first: 50{after}) {{ nodes {{ name }} pageInfo {{ hasNextPage endCursor }} }} }}");
        let data = hub.data(&query).await;
        for name in names(&data["people"], "name") {
            let real = ["Nathalie Daaboul", "Jean-Paul Bahary", "Rahima Jamal", "Francine Aubin"].contains(&name);
            assert!(real || name.starts_with("Sample "), "{name}");
            people += 1;
        }
        if data["people"]["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = format!(", after: {}", data["people"]["pageInfo"]["endCursor"]);
    }
    assert!(people > 20);
    let data = hub
        .data(r#"{ roles(first: 100) { nodes { person { name } of { ... on Community { key } ... on Organization { key } } } }
            links(first: 100) { nodes { from { key } to { key } } } }"#)
        .await;
    let is_sample = |key: &Value| key.as_str().is_some_and(|key| key.starts_with("sample-"));
    for role in data["roles"]["nodes"].as_array().unwrap() {
        let person = role["person"]["name"].as_str().unwrap();
        assert_eq!(person.starts_with("Sample "), is_sample(&role["of"]["key"]), "{role}");
    }
    for link in data["links"]["nodes"].as_array().unwrap() {
        assert_eq!(is_sample(&link["from"]["key"]), is_sample(&link["to"]["key"]), "{link}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_workshops_stand_in_order_with_the_words_of_their_source_and_lead_to_their_reports() {
    let hub = TestHub::with_sample_data().await;
    let query = r#"{ yearly: items(filter: { kinds: [WORKSHOP] issuedBetween: { from: "2006-01-01", to: "2009-12-31" } }, orderBy: { field: ISSUED }) {
          nodes { issued { edtf label } verifiedOn publishedAt links(direction: INCOMING) { edges { label other { ... on Item { kind } } } } } } }"#;
    let data = hub.data(query).await;
    let workshops = data["yearly"]["nodes"].as_array().unwrap();
    let years: Vec<&str> = workshops.iter().map(|item| item["issued"]["edtf"].as_str().unwrap()).collect();
    assert_eq!(years, ["2007", "2008", "2009"], "{data}");
    for workshop in workshops {
        assert_eq!(workshop["verifiedOn"], Value::Null);
        assert_eq!(workshop["links"]["edges"][0]["other"]["kind"], "REPORT", "{workshop}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_project_behind_cpoponline_says_what_its_sources_say_and_no_more() {
    let hub = TestHub::with_sample_data().await;
    let query = r#"{ project(slug: "cpoponline-project") { title language status started { label } leadOrganization { key } outputs
        partners: organizations(part: PARTNER, orderBy: { field: NAME }) { nodes { key } } funders: organizations(part: FUNDER) { totalCount }
        communities { nodes { key } } people { totalCount } completeness(language: "fr") { isComplete missing } } }"#;
    let answer = hub.ask_in("fr", query, json!({})).await;
    let project = &answer["data"]["project"];
    assert_eq!(
        project["title"],
        "Creating a Psychosocial Oncology Community of Practice Website for Information Sharing"
    );
    assert_eq!(project["language"], "en", "the French document leaves the title in English");
    for nothing in ["status", "started", "leadOrganization"] {
        assert_eq!(project[nothing], Value::Null, "{nothing}");
    }
    let mut partners = names(&project["partners"], "key");
    partners.sort_unstable();
    assert_eq!(partners, ["capo", "cbo-group", "cpop"]);
    assert_eq!((&project["funders"]["totalCount"], &project["people"]["totalCount"]), (&json!(0), &json!(0)));
    assert_eq!(project["communities"]["nodes"], json!([{"key": "cpoponline"}]));
    assert_eq!(project["completeness"]["isComplete"], false);
    assert!(project["outputs"].to_string().contains("CPOPonline"));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_synthetic_item_project_or_membership_touches_a_real_name() {
    let hub = TestHub::with_sample_data().await;
    let is_sample = |key: &Value| key.as_str().is_some_and(|key| key.starts_with("sample-"));
    let data = hub
        .data(
            r#"{ items(first: 100) { nodes { key communities { nodes { key } } project { key } authors { nodes { byline } } } }
            projects(first: 100) { nodes { key organizations { nodes { key } } communities { nodes { key } } } }
            memberships(first: 100) { nodes { key person { name } community { key } } } }"#,
        )
        .await;
    let nodes = |list: &str| data[list]["nodes"].as_array().unwrap().clone();
    assert!(nodes("items").len() > 60 && nodes("projects").len() > 10 && nodes("memberships").len() > 10);
    for node in nodes("items").iter().chain(&nodes("projects")) {
        for list in ["communities", "organizations"] {
            for other in node[list]["nodes"].as_array().into_iter().flatten() {
                assert_eq!(is_sample(&other["key"]), is_sample(&node["key"]), "{node}");
            }
        }
        for author in node["authors"]["nodes"].as_array().into_iter().flatten() {
            let byline = author["byline"].as_str().unwrap();
            assert!(["Sample ", "S. Member ", " exemple "].iter().any(|word| byline.contains(word)), "{author}");
        }
        let project = &node["project"]["key"];
        assert!(project.is_null() || is_sample(project) == is_sample(&node["key"]), "{node}");
    }
    for membership in nodes("memberships") {
        assert!(is_sample(&membership["key"]) && is_sample(&membership["community"]["key"]), "{membership}");
        assert!(membership["person"]["name"].as_str().unwrap().starts_with("Sample "), "{membership}");
    }
}
