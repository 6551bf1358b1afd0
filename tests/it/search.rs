//! The search: what words find, in which order, and what a snippet shows.

use std::collections::{BTreeMap, HashSet};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::lines::{
    community, consent, draft, item, keys, link, organization, person, project, public, read, role, topic, with,
};
use crate::support::TestHub;

/// The root list of each kind that is searched.
const LISTS: [(&str, &str); 6] = [
    ("TOPIC", "topics"),
    ("ORGANIZATION", "organizations"),
    ("COMMUNITY", "communities"),
    ("PERSON", "people"),
    ("PROJECT", "projects"),
    ("ITEM", "items"),
];

/// The whole answer to a search, with arguments besides the text.
async fn search(hub: &TestHub, text: &str, arguments: &str, fields: &str) -> Value {
    let query = format!("query ($text: String!) {{ search(text: $text, {arguments}) {{ {fields} }} }}");
    let answer = hub.ask_in("en", &query, json!({ "text": text })).await;
    assert!(answer.get("errors").is_none(), "{text}, {arguments}: {answer}");
    answer["data"]["search"].clone()
}

/// The keys of what is found, the best first.
async fn found(hub: &TestHub, text: &str) -> Vec<String> {
    let found = search(hub, text, "first: 100", "nodes { key }").await;
    let nodes = found["nodes"].as_array().unwrap().iter();
    nodes.map(|node| node["key"].as_str().unwrap_or("null").to_owned()).collect()
}

fn titled(key: &str, language: &str, title: &str) -> Value {
    item(key, json!({"title": {language: title}}))
}

/// The text of a snippet, and its marked pieces.
fn snippet(edge: &Value) -> (String, Vec<&str>) {
    let parts = edge["snippet"]["parts"].as_array().unwrap();
    let whole = parts.iter().map(|part| part["text"].as_str().unwrap()).collect();
    let marked = parts.iter().filter(|part| part["isMatch"] == true).map(|part| part["text"].as_str().unwrap());
    (whole, marked.collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn accents_case_and_the_endings_of_english_and_french_do_not_matter() {
    let hub = TestHub::with_lines(&[
        titled("a", "en", "A volunteer at night"),
        titled("b", "fr", "Un bénévole la nuit"),
        titled("c", "es", "Una voluntaria de noche"),
        titled("d", "fr", "La qualité de vie"),
    ])
    .await;
    for (text, expected) in [
        ("vie", "d"),
        ("vies", "d"),
        ("qualités de vie", "d"),
        ("volunteers", "a"),
        ("VOLUNTEER", "a"),
        ("volunteering", "a"),
        ("bénévoles", "b"),
        ("benevole", "b"),
        ("BÉNÉVOLES", "b"),
        ("Voluntária noche", "c"),
    ] {
        assert_eq!(found(&hub, text).await, [expected], "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_spaces_and_signs_of_french_typography_stand_between_words() {
    let hub = TestHub::with_lines(&[
        item("spaces", json!({"summary": {"fr": "Deux soins\u{a0}: le courage\u{a0}! Et le voyage\u{202f}?"}})),
        item("quotes", json!({"summary": {"fr": "«\u{a0}Parler\u{a0}» de l’été, d'hiver, •puces…"}})),
    ])
    .await;
    for text in ["soins courage", "courage soins", "voyage soins", "soins\u{a0}courage"] {
        assert_eq!(found(&hub, text).await, ["spaces"], "{text}");
    }
    for text in ["parler hiver", "été parler", "l'été d’hiver", "puces parler", "«parler»"] {
        assert_eq!(found(&hub, text).await, ["quotes"], "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_for_a_topic_finds_its_other_words_both_ways() {
    let hub = TestHub::with_lines(&[
        topic("sponsor", json!({"name": {"en": "Sponsor", "fr": "Promoteur"}, "synonyms": {"en": ["trial promoter"]}})),
        topic("trial", json!({"name": {"en": "Clinical trial", "fr": "Essai clinique"}})),
        titled("en", "en", "What a sponsor asks"),
        titled("fr", "fr", "Ce que les promoteurs demandent"),
        titled("long", "en", "A promoter of a trial"),
        titled("trial-en", "en", "About clinical trials"),
        titled("trial-fr", "fr", "Un essai clinique"),
        titled("half", "en", "A clinical eye"),
    ])
    .await;
    let words = [
        ("sponsors", vec!["en", "fr", "long"]),
        ("promoteur", vec!["en", "fr", "long"]),
        ("trial promoter", vec!["en", "fr", "long"]),
        ("clinical trial", vec!["trial-en", "trial-fr"]),
        ("essai clinique", vec!["trial-en", "trial-fr"]),
        ("clinical", vec!["half", "trial-en"]),
    ];
    for (text, expected) in words {
        let items = search(&hub, text, "kinds: [ITEM]", "nodes { key }").await;
        assert_eq!(keys(&items), expected, "{text}");
    }
    let sample = TestHub::with_sample_data().await;
    for (one, other) in [("sponsor", "promoteur"), ("clinical trials", "essais cliniques")] {
        let (mut by_one, mut by_other) = (found(&sample, one).await, found(&sample, other).await);
        by_one.sort();
        by_other.sort();
        assert!(by_one.len() > 8, "{one}: {by_one:?}");
        assert_eq!(by_one, by_other, "{one}, {other}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_singular_and_the_plural_of_a_french_topic_find_the_same() {
    let hub = TestHub::with_sample_data().await;
    let (mut one, mut many) = (found(&hub, "essai clinique").await, found(&hub, "essais cliniques").await);
    one.sort();
    many.sort();
    assert_eq!(one, many);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_words_of_a_hidden_topic_lead_nowhere() {
    let lines = |audience: Value| {
        [
            topic("sponsor", json!({"name": {"en": "Sponsor", "fr": "Promoteur"}, "audience": audience})),
            titled("fr", "fr", "Ce que les promoteurs demandent"),
        ]
    };
    let hub = TestHub::with_lines(&lines(json!([]))).await;
    assert_eq!(found(&hub, "sponsor").await, Vec::<String>::new());
    assert_eq!(found(&hub, "promoteur").await, ["fr"]);
    read(&hub.db, &lines(json!(["public"]))).await;
    assert_eq!(found(&hub, "sponsor").await, ["sponsor", "fr"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_word_has_to_be_there_and_the_last_may_be_the_beginning_of_one() {
    let hub = TestHub::with_lines(&[titled("ab", "en", "alpha beta gamma"), titled("ad", "en", "alpha delta")]).await;
    for (text, expected) in [
        ("alpha beta", vec!["ab"]),
        ("beta alpha", vec!["ab"]),
        ("alpha delta beta", vec![]),
        ("gamma alp", vec!["ab"]),
        ("alp gamma", vec![]),
        ("del", vec!["ad"]),
        ("de", vec![]),
        ("the alpha of a delta", vec!["ad"]),
        ("alpha & !beta | (gamma:*)", vec!["ab"]),
    ] {
        assert_eq!(found(&hub, text).await, expected, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_title_counts_more_than_the_summary_and_the_summary_more_than_the_body() {
    let hub = TestHub::with_lines(&[
        item("title", json!({"title": {"en": "zebra"}})),
        item("body", json!({"body": {"en": "zebra"}})),
        item("byline", json!({"authors": [{"byline": "Zebra"}]})),
        item("summary", json!({"summary": {"en": "zebra"}})),
    ])
    .await;
    assert_eq!(found(&hub, "zebra").await, ["title", "byline", "summary", "body"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn turning_pages_meets_every_node_once_and_both_ways() {
    let hub = TestHub::with_sample_data().await;
    let fields = "totalCount edges { cursor node { id } } \
                  pageInfo { hasNextPage hasPreviousPage startCursor endCursor }";
    for text in ["sample", "care"] {
        let mut whole: Vec<(String, String)> = Vec::new();
        for (size, backward) in [(100, false), (7, false), (7, true)] {
            let mut met: Vec<(String, String)> = Vec::new();
            let mut at = String::new();
            loop {
                let from = if backward { "last" } else { "first" };
                let page = search(&hub, text, &format!("{from}: {size} {at}"), fields).await;
                let edge = |edge: &Value| (edge["node"]["id"].to_string(), edge["cursor"].to_string());
                let edges: Vec<(String, String)> = page["edges"].as_array().unwrap().iter().map(edge).collect();
                let info = &page["pageInfo"];
                assert_eq!(info["startCursor"], page["edges"][0]["cursor"]);
                if backward {
                    met = edges.into_iter().chain(met).collect();
                    at = format!("before: {}", info["startCursor"]);
                } else {
                    met.extend(edges);
                    at = format!("after: {}", info["endCursor"]);
                }
                if info[if backward { "hasPreviousPage" } else { "hasNextPage" }] == false {
                    assert_eq!(page["totalCount"], met.len());
                    break;
                }
            }
            let once: HashSet<&String> = met.iter().map(|(id, _)| id).collect();
            assert_eq!(once.len(), met.len(), "{text}");
            if whole.is_empty() {
                whole = met;
            } else {
                assert!(met == whole, "{text}: by {size}, backward: {backward}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_of_another_search_and_a_forged_one_are_refused() {
    let hub = TestHub::with_sample_data().await;
    let page = search(&hub, "sample", "first: 2", "pageInfo { endCursor }").await;
    let cursor = page["pageInfo"]["endCursor"].as_str().unwrap();
    search(&hub, "sample", &format!("after: \"{cursor}\""), "nodes { id }").await;
    search(&hub, "sample", &format!("before: \"{cursor}\""), "nodes { id }").await;
    let mut lists = vec![
        format!("search(text: \"care\", after: \"{cursor}\")"),
        format!("search(text: \"sample\", kinds: [ITEM], after: \"{cursor}\")"),
        format!("search(text: \"sample\", filter: {{ languages: [\"fr\"] }}, after: \"{cursor}\")"),
        format!("items(after: \"{cursor}\")"),
        "search(text: \"sample\", after: \"x\")".to_owned(),
    ];
    let json: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(cursor).unwrap()).unwrap();
    for keys in [
        json!([]),
        json!([{"Number": 1}, {"Number": 2}]),
        json!([{"Number": "x"}]),
        json!([{"Number": 1.5}]),
        json!([{"Number": null}]),
        json!([{"Number": 99_999_999_999_i64}]),
        json!([{"Text": "x"}]),
        json!([{"Date": null}]),
    ] {
        let mut forged = json.clone();
        forged["place"]["keys"] = keys;
        let forged = URL_SAFE_NO_PAD.encode(forged.to_string());
        lists.push(format!("search(text: \"sample\", after: \"{forged}\")"));
    }
    for list in lists {
        let (code, message) = hub.error(&format!("{{ {list} {{ totalCount }} }}")).await;
        assert_eq!(code, "BAD_USER_INPUT", "{list}: {message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kinds_narrow_a_search_and_those_without_texts_are_refused() {
    let hub = TestHub::with_sample_data().await;
    let all = search(&hub, "care", "first: 100", "totalCount nodes { __typename }").await;
    let mut sum = 0;
    for (kind, _) in LISTS {
        let arguments = format!("first: 100, kinds: [{kind}]");
        let some = search(&hub, "care", &arguments, "totalCount nodes { __typename }").await;
        for node in some["nodes"].as_array().unwrap() {
            assert_eq!(node["__typename"].as_str().unwrap().to_uppercase(), kind);
        }
        sum += some["totalCount"].as_i64().unwrap();
    }
    assert!(sum > 20);
    assert_eq!(all["totalCount"], sum);
    assert_eq!(search(&hub, "care", "kinds: []", "totalCount").await["totalCount"], 0);
    for kind in ["ROLE", "MEMBERSHIP", "LINK"] {
        let query = format!("{{ search(text: \"care\", kinds: [ITEM, {kind}]) {{ totalCount }} }}");
        let (code, message) = hub.error(&query).await;
        assert_eq!(code, "BAD_USER_INPUT");
        assert!(message.contains(kind), "{message}");
    }
}

/// Nodes of every kind that is searched, with one word in common; those with an x have nothing else.
fn connected() -> Vec<Value> {
    let consents = public(&["NAME", "EXPERTISE", "LANGUAGES", "REGION", "AFFILIATIONS"]);
    let named = |language: &str| json!({ language: "shared" });
    let (name, title) = (|| json!({"name": named("en")}), || json!({"title": named("en")}));
    vec![
        topic("t", name()),
        with(topic("u", name()), json!({"parents": ["t"]})),
        topic("tx", name()),
        with(community("c", name()), json!({"topics": ["u"], "languages": ["fr"], "regions": ["CA-QC"]})),
        community("cx", name()),
        with(
            organization("o", name()),
            json!({"languages": ["fr"], "addresses": [{"id": "1", "region": "CA-QC", "country": "CA"}]}),
        ),
        organization("ox", name()),
        person(
            "p",
            json!({"name": "shared", "region": "CA-QC", "languages": ["fr"], "expertise": ["u"],
                "affiliations": [{"id": "1", "organization": "o"}], "consents": consents}),
        ),
        person("px", json!({"name": "shared", "consents": public(&["NAME"])})),
        role("r", "p", "community:c"),
        link("l", "HOSTS", "organization:o", "community:c"),
        project("j", json!({"title": named("en"), "lead": "o", "communities": ["c"]})),
        project("jx", title()),
        item("i", json!({"title": named("en"), "topics": ["u"], "communities": ["c"], "contentLanguages": ["fr"]})),
        item("ix", title()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_narrow_a_search_to_the_kinds_that_have_such_a_thing() {
    let hub = TestHub::with_lines(&connected()).await;
    let query = r#"{ t: topic(slug: "t") { id } c: community(slug: "c") { id } o: organization(slug: "o") { id } }"#;
    let ids = hub.data(query).await;
    let (t, c, o) = (&ids["t"]["id"], &ids["c"]["id"], &ids["o"]["id"]);
    for (filter, expected) in [
        (format!("topics: [{t}]"), vec!["c", "i", "p", "t", "u"]),
        (format!("communities: [{c}]"), vec!["c", "i", "j", "o", "p"]),
        (format!("organizations: [{o}]"), vec!["c", "i", "j", "p"]),
        ("languages: [\"fr\"]".to_owned(), vec!["c", "i", "o", "p"]),
        ("regions: [\"CA-QC\"]".to_owned(), vec!["c", "o", "p"]),
        ("regions: [\"CA\"]".to_owned(), vec!["c", "o", "p"]),
        (format!("topics: [{t}], languages: [\"fr\"]"), vec!["c", "i", "p"]),
        (format!("topics: [{t}], regions: [\"CA-ON\"]"), vec![]),
        ("topics: []".to_owned(), vec![]),
    ] {
        let fields = "totalCount nodes { key } facets(by: [KIND]) { buckets { count } }";
        let some = search(&hub, "shared", &format!("filter: {{ {filter} }}"), fields).await;
        assert_eq!(keys(&some), expected, "{filter}");
        assert_eq!(some["totalCount"], expected.len(), "{filter}");
        let buckets = some["facets"][0]["buckets"].as_array().unwrap().iter();
        let sum: i64 = buckets.map(|bucket| bucket["count"].as_i64().unwrap()).sum();
        assert_eq!(some["totalCount"], sum, "{filter}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_counts_and_facets_of_a_search_agree_with_what_it_finds() {
    let hub = TestHub::with_sample_data().await;
    let fields = "totalCount facets(by: [KIND, LANGUAGE, KIND]) { by isCut buckets { value label count } }
        nodes { __typename ... on Organization { languages } ... on Community { languages } ... on Person { languages }
          ... on Item { contentLanguages } }";
    let french = ", filter: { languages: [\"fr\"] }";
    for (text, filter) in [("sample text", ""), ("care", ""), ("soins", ""), ("care", french)] {
        let all = search(&hub, text, &format!("first: 100{filter}"), fields).await;
        let nodes = all["nodes"].as_array().unwrap();
        assert!(nodes.len() > 5 && nodes.len() < 100, "{text}: {}", nodes.len());
        assert_eq!(all["totalCount"], nodes.len());
        let (mut kinds, mut languages) = (BTreeMap::<String, i64>::new(), BTreeMap::<String, i64>::new());
        for node in nodes {
            *kinds.entry(node["__typename"].as_str().unwrap().to_uppercase()).or_insert(0) += 1;
            let spoken = if node["languages"].is_array() { &node["languages"] } else { &node["contentLanguages"] };
            for language in spoken.as_array().into_iter().flatten() {
                *languages.entry(language.as_str().unwrap().to_owned()).or_insert(0) += 1;
            }
        }
        let facets = all["facets"].as_array().unwrap();
        assert_eq!(facets.len(), 2, "each dimension once");
        for (facet, by_hand) in facets.iter().zip([kinds, languages]) {
            let told: BTreeMap<String, i64> = facet["buckets"]
                .as_array()
                .unwrap()
                .iter()
                .map(|bucket| (bucket["value"].as_str().unwrap().to_owned(), bucket["count"].as_i64().unwrap()))
                .collect();
            assert_eq!(told, by_hand, "{text}{filter} by {}", facet["by"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snippet_shows_the_written_words_around_the_match() {
    let body = format!("{}Bénévoles <b>&amp; \"x\"</b> {}", "avant ".repeat(60), "fin ".repeat(60));
    let hub = TestHub::with_lines(&[
        item("long", json!({"body": {"fr": body}, "authors": [{"byline": "Zoé Zygmunt"}, {"byline": "B"}]})),
        item("title", json!({"title": {"en": "The lighthouse"}, "summary": {"en": "Of ships", "fr": "Le phare"}})),
        person("p", json!({"name": "Anne-Marie Côté", "consents": public(&["NAME"])})),
    ])
    .await;
    let fields = "edges { node { key } snippet { field language parts { text isMatch } } }";
    for (text, field, language, matches) in [
        ("benevole", "body", json!("fr"), vec!["Bénévoles"]),
        ("zoe", "authors", Value::Null, vec!["Zoé"]),
        ("lighthouses", "title", json!("en"), vec!["lighthouse"]),
        ("phare", "summary", json!("fr"), vec!["phare"]),
        ("cote anne", "name", Value::Null, vec!["Anne", "Côté"]),
    ] {
        let all = search(&hub, text, "first: 5", fields).await;
        assert_eq!(all["edges"].as_array().unwrap().len(), 1, "{text}: {all}");
        let edge = &all["edges"][0];
        let (whole, marked) = snippet(edge);
        assert_eq!(marked, matches, "{text}: {whole}");
        assert_eq!((&edge["snippet"]["field"], &edge["snippet"]["language"]), (&json!(field), &language), "{text}");
        assert!(whole.chars().count() <= 204, "{text}: {whole}");
        if field == "body" {
            let inner = whole.strip_prefix("… ").unwrap().strip_suffix(" …").unwrap();
            assert!(body.contains(inner) && inner.contains("<b>&amp; \"x\"</b>"), "{inner}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snippet_marks_what_was_found_and_no_part_of_another_word_for_it() {
    let hub = TestHub::with_lines(&[
        topic("sponsor", json!({"name": {"en": "Sponsor"}, "synonyms": {"en": ["trial promoter"]}})),
        item("i", json!({"summary": {"en": "Trials are slow"}, "body": {"en": "Ask the sponsor of it"}})),
    ])
    .await;
    let all = search(&hub, "sponsor", "kinds: [ITEM]", "edges { snippet { field parts { text isMatch } } }").await;
    assert_eq!(snippet(&all["edges"][0]), ("Ask the sponsor of it".to_owned(), vec!["sponsor"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phrase_is_marked_with_the_grammar_in_it_and_grammar_alone_is_not() {
    let hub = TestHub::with_lines(&[
        topic("end", json!({"name": {"en": "Dying"}, "synonyms": {"fr": ["fin de vie"]}})),
        item(
            "i",
            json!({"originalLanguage": "fr", "title": {"fr": "Rien"}, "summary": {"fr": "Hors de soi, en fin de vie"}}),
        ),
    ])
    .await;
    let all = search(&hub, "dying", "kinds: [ITEM]", "edges { snippet { field parts { text isMatch } } }").await;
    assert_eq!(snippet(&all["edges"][0]), ("Hors de soi, en fin de vie".to_owned(), vec!["fin", "de", "vie"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_hidden_is_neither_found_nor_counted_nor_divided() {
    let hidden = || json!({"audience": []});
    let mut lines = vec![
        topic("hush-t", hidden()),
        organization("hush-o", hidden()),
        with(community("hush-c", hidden()), json!({"regions": ["CA-QC"], "languages": ["fr"], "topics": ["hush-t"]})),
        person("hush-p", json!({})),
        project("hush-j", with(hidden(), json!({"lead": "hush-o", "communities": ["hush-c"]}))),
        item("hush-i", with(hidden(), json!({"contentLanguages": ["fr"]}))),
        draft("hush-d", json!({})),
        item("hush-r", json!({"retired": true})),
    ];
    let hub = TestHub::with_lines(&lines).await;
    let fields = "totalCount nodes { id } pageInfo { hasNextPage endCursor }
        facets(by: [KIND, TOPIC, LANGUAGE, COMMUNITY, ORGANIZATION, REGION, YEAR]) { buckets { value } }";
    let all = search(&hub, "hush", "first: 100", fields).await;
    assert_eq!((&all["totalCount"], &all["nodes"]), (&json!(0), &json!([])));
    assert_eq!(all["pageInfo"], json!({"hasNextPage": false, "endCursor": null}));
    assert!(all["facets"].as_array().unwrap().iter().all(|facet| facet["buckets"] == json!([])), "{all}");
    for line in &mut lines {
        *line = match line["kind"].as_str().unwrap() {
            "person" => with(line.take(), json!({"consents": public(&["NAME"])})),
            "item" => item(line["key"].as_str().unwrap(), json!({})),
            _ => with(line.take(), json!({"audience": null})),
        };
    }
    read(&hub.db, &lines).await;
    assert_eq!(search(&hub, "hush", "first: 100", "totalCount").await["totalCount"], 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_found_by_a_name_that_everybody_may_see_and_by_nothing_else() {
    let named = |key: &str, consents: Value| {
        let name = format!("Hedwig {key}");
        person(key, json!({"name": name, "region": "CA-QC", "orcid": "0000-0002-1825-0097", "consents": consents}))
    };
    let withdrawn = with(consent("NAME", "PUBLIC"), json!({"withdrawnAt": "2026-02-01T00:00:00Z"}));
    let hub = TestHub::with_lines(&[
        named("silent", json!([])),
        named("open", public(&["NAME"])),
        named("member", json!([consent("NAME", "MEMBERS")])),
        named("other", public(&["REGION", "ORCID"])),
        named("former", json!([withdrawn])),
    ])
    .await;
    assert_eq!(found(&hub, "hedwig").await, ["open"]);
    assert_eq!(found(&hub, "hedwig silent").await, Vec::<String>::new());
    assert_eq!(found(&hub, "0000 0002 1825 0097").await, Vec::<String>::new());
    let data = hub.data(r#"{ people(filter: { textContains: "hedwig" }) { totalCount nodes { key } } }"#).await;
    assert_eq!(data["people"], json!({"totalCount": 1, "nodes": [{"key": "open"}]}));
    read(&hub.db, &[named("open", json!([])), named("silent", public(&["NAME"]))]).await;
    assert_eq!(found(&hub, "hedwig").await, ["silent"], "a consent opens and its end closes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_contains_a_text_holds_what_a_search_of_its_kind_finds() {
    let hub = TestHub::with_sample_data().await;
    let mut met = 0;
    for text in ["care", "sample", "soins", "clinical trials", "melanom", "bénévoles formation", "promoteur"] {
        for (kind, list) in LISTS {
            let query = format!(
                "query ($text: String!) {{ found: search(text: $text, kinds: [{kind}], first: 100) {{ totalCount nodes {{ id }} }} \
                 list: {list}(filter: {{ textContains: $text }}, first: 100) {{ totalCount nodes {{ id }} }} }}"
            );
            let answer = hub.ask_in("en", &query, json!({ "text": text })).await;
            let ids = |list: &Value| -> HashSet<String> {
                list["nodes"].as_array().unwrap().iter().map(|node| node["id"].to_string()).collect()
            };
            let data = &answer["data"];
            assert_eq!(ids(&data["found"]), ids(&data["list"]), "{text} in {list}");
            assert_eq!(data["found"]["totalCount"], data["list"]["totalCount"], "{text} in {list}");
            met += ids(&data["list"]).len();
        }
    }
    assert!(met > 150, "{met}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_with_snippets_takes_as_many_statements_for_twenty_results_as_for_two() {
    let mut lines = Vec::new();
    for number in 0..10 {
        // One of each kind is better than the others, so that both are among the first two.
        let title = if number == 0 { "word word" } else { "word" };
        let text = json!({"en": title});
        lines.push(community(&format!("c{number}"), json!({"name": text, "purpose": {"en": "word"}})));
        let authors = json!([{"byline": "Somebody"}]);
        let body = json!({"en": "one word more"});
        lines.push(item(&format!("i{number}"), json!({"title": text, "body": body, "authors": authors})));
    }
    let hub = TestHub::with_lines(&lines).await;
    let fields = "totalCount edges { cursor node { __typename id } snippet { field parts { text isMatch } } }";
    let mut counts = Vec::new();
    for size in [2, 20] {
        let before = hub.db.statements();
        let query = format!("{{ search(text: \"word\", first: {size}) {{ {fields} }} }}");
        let page = &hub.data_anew(&query).await["search"];
        counts.push(hub.db.statements() - before);
        let edges = page["edges"].as_array().unwrap();
        assert_eq!(edges.len(), size);
        let kinds: HashSet<String> = edges.iter().map(|edge| edge["node"]["__typename"].to_string()).collect();
        assert_eq!(kinds.len(), 2, "{page}");
    }
    assert_eq!(counts[0], counts[1]);
}
