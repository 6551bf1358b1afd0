//! Hostile and mistaken input: each has its defined answer, and none is an internal error.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::TestHub;

async fn expect(hub: &TestHub, query: &str, code: &str) -> String {
    let (found, message) = hub.error(query).await;
    assert_eq!(found, code, "{query}: {message}");
    assert!(!message.is_empty());
    message
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_ids_are_the_users_and_unknown_ones_are_null() {
    let hub = TestHub::with_sample_data().await;
    for id in ["", "x", "é", "AAAA", "bwGiAIgq43Wgocyxdf5Yip", "bwGiAIgq43Wgocyxdf5YipoAAAA", "\\u0000"] {
        expect(&hub, &format!("{{ node(id: \"{id}\") {{ id }} }}"), "BAD_USER_INPUT").await;
        expect(&hub, &format!("{{ nodes(ids: [\"{id}\"]) {{ id }} }}"), "BAD_USER_INPUT").await;
        let query = format!("{{ communities(filter: {{ topics: [\"{id}\"] }}) {{ totalCount }} }}");
        expect(&hub, &query, "BAD_USER_INPUT").await;
    }
    let many = vec!["\"x\""; 101].join(",");
    expect(&hub, &format!("{{ nodes(ids: [{many}]) {{ id }} }}"), "BAD_USER_INPUT").await;
    let organization = hub.data("{ organizations(first: 1) { nodes { id } } }").await;
    let id = &organization["organizations"]["nodes"][0]["id"];
    let query = format!("{{ communities(filter: {{ topics: [{id}] }}) {{ totalCount }} }}");
    let message = expect(&hub, &query, "BAD_USER_INPUT").await;
    assert!(message.contains("ORGANIZATION") && message.contains("TOPIC"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_have_one_to_a_hundred_nodes_from_one_end() {
    let hub = TestHub::with_sample_data().await;
    for arguments in ["first: 0", "first: -1", "first: 101", "last: 0", "last: -1", "last: 101", "first: 1, last: 1"] {
        for list in ["topics", "organizations", "communities", "people", "roles", "links"] {
            expect(&hub, &format!("{{ {list}({arguments}) {{ totalCount }} }}"), "BAD_USER_INPUT").await;
        }
        let nested = format!("{{ organization(slug: \"qcroc\") {{ communities({arguments}) {{ totalCount }} }} }}");
        let answer = hub.ask(&nested).await;
        assert_eq!(answer["data"]["organization"], Value::Null, "the connection takes its parent with it");
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
    }
    expect(&hub, "{ topics(first: 99999999999) { totalCount } }", "BAD_USER_INPUT").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_belongs_to_one_list_in_one_order_filter_and_language() {
    let hub = TestHub::with_sample_data().await;
    let data = hub.data("{ organizations(first: 2) { pageInfo { endCursor } } }").await;
    let cursor = data["organizations"]["pageInfo"]["endCursor"].as_str().unwrap();
    hub.data(&format!("{{ organizations(after: \"{cursor}\") {{ totalCount }} }}")).await;
    for list in [
        format!("organizations(after: \"{cursor}\", orderBy: {{ field: FOUNDED }})"),
        format!("organizations(after: \"{cursor}\", orderBy: {{ field: NAME, direction: DESC }})"),
        format!("organizations(after: \"{cursor}\", filter: {{ kinds: [HOSPITAL] }})"),
        format!("organizations(after: \"{cursor}\", languages: [\"fr\"])"),
        format!("communities(after: \"{cursor}\")"),
    ] {
        expect(&hub, &format!("{{ {list} {{ totalCount }} }}"), "BAD_USER_INPUT").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_and_broken_cursors_are_refused() {
    let hub = TestHub::with_sample_data().await;
    let data = hub.data("{ organizations(first: 2) { pageInfo { endCursor } } }").await;
    let cursor = data["organizations"]["pageInfo"]["endCursor"].as_str().unwrap();
    let json: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(cursor).unwrap()).unwrap();
    let forge = |change: &dyn Fn(&mut Value)| {
        let mut forged = json.clone();
        change(&mut forged);
        URL_SAFE_NO_PAD.encode(forged.to_string())
    };
    let forged = [
        String::new(),
        "x".to_owned(),
        cursor[..cursor.len() - 4].to_owned(),
        "A".repeat(20_000),
        forge(&|cursor| cursor["place"]["keys"] = json!([])),
        forge(&|cursor| cursor["place"]["keys"] = json!([{"Date": "2020-01-01"}, {"Date": null}])),
        forge(&|cursor| cursor["place"]["keys"] = json!([{"Text": "a\u{0}b"}])),
        forge(&|cursor| cursor["place"]["keys"] = json!([{"Date": "2020-01-01"}])),
        forge(&|cursor| cursor["place"]["keys"] = json!([{"Time": "2020-01-01T00:00:00Z"}])),
        forge(&|cursor| cursor["place"]["id"] = json!("not an id")),
        forge(&|cursor| cursor["stamp"]["version"] = json!(9)),
    ];
    for cursor in forged {
        expect(
            &hub,
            &format!("{{ organizations(after: \"{cursor}\") {{ totalCount nodes {{ id }} }} }}"),
            "BAD_USER_INPUT",
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_dates_beyond_the_database_are_refused() {
    let hub = TestHub::with_sample_data().await;
    for (list, order, key) in [
        ("organizations", "FOUNDED", json!([{"Date": "-100000-01-01"}, {"Date": "-100000-01-01"}])),
        ("organizations", "CREATED_AT", json!([{"Time": "-200000-01-01T00:00:00Z"}])),
    ] {
        let query = format!("{{ {list}(first: 1, orderBy: {{ field: {order} }}) {{ pageInfo {{ endCursor }} }} }}");
        let data = hub.data(&query).await;
        let cursor = data[list]["pageInfo"]["endCursor"].as_str().unwrap();
        let mut forged: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(cursor).unwrap()).unwrap();
        forged["place"]["keys"] = key;
        let cursor = URL_SAFE_NO_PAD.encode(forged.to_string());
        let query =
            format!("{{ {list}(after: \"{cursor}\", orderBy: {{ field: {order} }}) {{ totalCount nodes {{ id }} }} }}");
        expect(&hub, &query, "BAD_USER_INPUT").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_and_ill_formed_slugs_are_null() {
    let hub = TestHub::with_sample_data().await;
    for slug in ["nobody", "", "RÉSOT", "a b", "-", "\\u0000", &"x".repeat(500)] {
        let query = format!(
            "{{ organization(slug: \"{slug}\") {{ id }} community(slug: \"{slug}\") {{ id }} \
             topic(slug: \"{slug}\") {{ id }} person(slug: \"{slug}\") {{ id }} }}"
        );
        let data = hub.data(&query).await;
        assert_eq!(data, json!({"organization": null, "community": null, "topic": null, "person": null}));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ill_formed_languages_are_the_users_and_unknown_ones_fall_back() {
    let hub = TestHub::with_sample_data().await;
    for tag in ["", "e", "en_CA", "français", "en-", "x".repeat(100).as_str(), "\\u0000"] {
        let query = format!("{{ organization(slug: \"cpop\", languages: [\"{tag}\"]) {{ name }} }}");
        expect(&hub, &query, "BAD_USER_INPUT").await;
        let query = format!("{{ organizations(filter: {{ languages: [\"{tag}\"] }}) {{ totalCount }} }}");
        expect(&hub, &query, "BAD_USER_INPUT").await;
    }
    let many = ["\"en\""; 11].join(",");
    expect(&hub, &format!("{{ topics(languages: [{many}]) {{ totalCount }} }}"), "BAD_USER_INPUT").await;
    let data = hub.data(r#"{ organization(slug: "ipos", languages: ["tlh", "iu-Cans"]) { name language } }"#).await;
    assert_eq!(data["organization"], json!({"name": "International Psycho-Oncology Society", "language": "en"}));
    expect(&hub, "{ topics(languages: [5]) { totalCount } }", "GRAPHQL_VALIDATION_FAILED").await;
    // A header is a hint: what is ill-formed in it is passed over.
    let answer =
        hub.ask_in("!!,,;q=x, fr_CA, fr;q=0.5", r#"{ topics(first: 1) { nodes { language } } }"#, json!({})).await;
    assert_eq!(answer["data"]["topics"]["nodes"][0]["language"], "fr");
}

#[tokio::test(flavor = "multi_thread")]
async fn searches_take_any_text_but_control_characters_and_novels() {
    let hub = TestHub::with_sample_data().await;
    for text in ["\\u0000", "a\\u0000b", "\\u0007", "", "   ", &"x".repeat(201)] {
        for list in ["topics", "organizations", "communities", "people"] {
            let query = format!("{{ {list}(filter: {{ textContains: \"{text}\" }}) {{ totalCount }} }}");
            expect(&hub, &query, "BAD_USER_INPUT").await;
        }
    }
    for text in
        ["%", "_", "\\\\", "''", "''; DROP TABLE topics; --", "\u{301}", "\\\":", "\u{1F600}", "$ §", "\u{202E}"]
    {
        let query = format!("{{ organizations(filter: {{ textContains: \"{text}\" }}) {{ totalCount }} }}");
        let data = hub.data(&query).await;
        assert_eq!(data["organizations"]["totalCount"], 0, "{text}");
    }
    let query = "{ organization(slug: \"cpop\") { sources(fields: [\"a\\u0000\"]) { totalCount } } }";
    expect(&hub, query, "BAD_USER_INPUT").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn days_periods_regions_and_lists_are_checked() {
    let hub = TestHub::with_sample_data().await;
    for day in [
        "2020",
        "2020-13-01",
        "2020-02-30",
        "yesterday",
        "+2020-01-01",
        "",
        "99999-01-01",
        "2020-01-01T00:00:00Z",
        "-5000-01-1",
        "-9999-1-01",
        "+999-01-01",
    ] {
        let query = format!("{{ communities(filter: {{ launchedBetween: {{ from: \"{day}\" }} }}) {{ totalCount }} }}");
        expect(&hub, &query, "BAD_USER_INPUT").await;
    }
    let backwards = "{ roles(filter: { heldBetween: { from: \"2021-01-01\", to: \"2020-01-01\" } }) { totalCount } }";
    expect(&hub, backwards, "BAD_USER_INPUT").await;
    for region in ["", "Quebec", "C", "CA-", "CA-ONTARIO", "\\u0000"] {
        let query = format!("{{ organizations(filter: {{ regions: [\"{region}\"] }}) {{ totalCount }} }}");
        expect(&hub, &query, "BAD_USER_INPUT").await;
    }
    let many = vec!["\"CA\""; 51].join(",");
    expect(&hub, &format!("{{ people(filter: {{ regions: [{many}] }}) {{ totalCount }} }}"), "BAD_USER_INPUT").await;
    let data = hub.data("{ organizations(filter: { regions: [\"ca-on\"] }) { totalCount } }").await;
    assert!(data["organizations"]["totalCount"].as_i64().unwrap() >= 2, "regions are taken in any case");
    expect(&hub, "{ organizations(filter: { kinds: [CASTLE] }) { totalCount } }", "GRAPHQL_VALIDATION_FAILED").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_are_none_do_not_fit_or_ask_for_too_much_are_refused() {
    let hub = TestHub::with_sample_data().await;
    expect(&hub, "{", "GRAPHQL_PARSE_FAILED").await;
    let long = format!("{{ {}", "é".repeat(5_000));
    let message = expect(&hub, &long, "GRAPHQL_PARSE_FAILED").await;
    assert!(!message.contains('é') && message.contains("line 1"), "nothing of the request is repeated: {message}");
    expect(&hub, "{ nothing }", "GRAPHQL_VALIDATION_FAILED").await;
    let deep = format!(
        "{{ topics(first: 1) {{ nodes {}{{ id }}{} }} }}",
        "{ parents(first: 1) { nodes ".repeat(10),
        "} }".repeat(10)
    );
    expect(&hub, &deep, "QUERY_TOO_COMPLEX").await;
    let mut doubling = "{ ...f0 }".to_owned();
    for level in 0..31 {
        doubling.push_str(&format!(" fragment f{level} on Query {{ ...f{0} ...f{0} }}", level + 1));
    }
    doubling.push_str(" fragment f31 on Query { __typename }");
    expect(&hub, &doubling, "QUERY_TOO_COMPLEX").await;
    let links: String = (0..5_000).map(|n| format!(" fragment f{n} on Query {{ ...f{} }}", n + 1)).collect();
    let chain = format!("{{ ...f0 }}{links} fragment f5000 on Query {{ __typename }}");
    expect(&hub, &chain, "QUERY_TOO_COMPLEX").await;
    let wide = "{ communities(first: 100) { nodes { topics(first: 100) { nodes { communities(first: 100) { nodes { id } } } } } } }";
    expect(&hub, wide, "QUERY_TOO_COMPLEX").await;
    expect(&hub, &format!("{{ {} }}", "__schema { types { name } } ".repeat(2_500)), "QUERY_TOO_COMPLEX").await;
    for wrapped in ["{", "[", "("] {
        for (levels, code) in [(128, "GRAPHQL_PARSE_FAILED"), (129, "QUERY_TOO_COMPLEX"), (50_000, "QUERY_TOO_COMPLEX")]
        {
            let answer = hub.ask(&wrapped.repeat(levels)).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{levels} {wrapped}");
        }
    }
    // Of many errors the first are told, and of long sentences the beginning.
    let wrong: String = (0..500).map(|number| format!("nothing{number} ")).collect();
    assert_eq!(hub.ask(&format!("{{ {wrong} }}")).await["errors"].as_array().unwrap().len(), 100);
    let message = expect(&hub, &format!("{{ {} }}", "x".repeat(5_000)), "GRAPHQL_VALIDATION_FAILED").await;
    assert_eq!(message.chars().count(), 301);
    hub.data("{ __typename }").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_json_of_the_right_type_and_size() {
    let hub = TestHub::with_sample_data().await;
    let post = |media_type: &str, body: Vec<u8>| {
        let request = hub.client.post(hub.url("/graphql")).header("content-type", media_type).body(body);
        async move {
            let response = request.send().await.unwrap();
            let status = response.status();
            let answer: Value = response.json().await.unwrap();
            (status, answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned())
        }
    };
    let query = br#"{"query":"{ __typename }"}"#.to_vec();
    assert_eq!(post("application/json", query.clone()).await, (StatusCode::OK, String::new()));
    assert_eq!(post("application/json; charset=UTF-8", query.clone()).await.0, StatusCode::OK);
    for media_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
        "application/json; charset=latin1",
    ] {
        let (status, code) = post(media_type, query.clone()).await;
        assert_eq!(
            (status, code.as_str()),
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE"),
            "{media_type}"
        );
    }
    let bodies: [&[u8]; 10] = [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"[{\"query\":\"{ __typename }\"}]",
        b"{\"query\":5}",
        b"{\"query\":\"{ __typename }\",\"variables\":[]}",
        b"{\"query\":\"{ __typename }\",\"operationName\":5}",
        b"{\"query\":\"\xff\xfe\"}",
        b"{\"query\":\"{ __typename }\"",
    ];
    for body in bodies {
        let (status, code) = post("application/json", body.to_vec()).await;
        assert_eq!(
            (status, code.as_str()),
            (StatusCode::BAD_REQUEST, "BAD_REQUEST"),
            "{:?}",
            String::from_utf8_lossy(body)
        );
    }
    let large = format!("{{\"query\":\"{{ __typename }}\",\"extensions\":{{\"x\":\"{}\"}}}}", "x".repeat(300_000));
    let (status, code) = post("application/json", large.into_bytes()).await;
    assert_eq!((status, code.as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE"));
}

#[tokio::test(flavor = "multi_thread")]
async fn get_takes_queries_alone() {
    let hub = TestHub::with_sample_data().await;
    let get = |query: &str| hub.client.get(hub.url("/graphql")).query(&[("query", query)]).send();
    let response = get("query Q($s: String = \"cpop\") { organization(slug: $s) { key } }").await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.json::<Value>().await.unwrap()["data"]["organization"]["key"], "cpop");
    let response = get("mutation M { nothing }").await.unwrap();
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(response.headers()["allow"], "POST");
    let named = [("query", "query A { __typename } mutation B { nothing }"), ("operationName", "B")];
    let response = hub.client.get(hub.url("/graphql")).query(&named).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    let variables =
        [("query", "query Q($s: String!) { organization(slug: $s) { key } }"), ("variables", "{\"s\":\"ipos\"}")];
    let response = hub.client.get(hub.url("/graphql")).query(&variables).send().await.unwrap();
    assert_eq!(response.json::<Value>().await.unwrap()["data"]["organization"]["key"], "ipos");
    let response = hub.client.get(hub.url("/graphql")).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    let response = hub.client.put(hub.url("/graphql")).send().await.unwrap();
    assert_eq!(
        (response.status(), response.headers()["allow"].to_str().unwrap()),
        (StatusCode::METHOD_NOT_ALLOWED, "GET, POST")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_says_whether_anything_ran_unless_the_client_is_an_older_one() {
    let hub = TestHub::with_sample_data().await;
    let ask = |accept: &'static str, query: &'static str| {
        let request = hub.client.post(hub.url("/graphql")).header("accept", accept).json(&json!({ "query": query }));
        async move {
            let response = request.send().await.unwrap();
            let media_type = response.headers()["content-type"].to_str().unwrap().split(';').next().unwrap().to_owned();
            let status = response.status().as_u16();
            (status, media_type, response.json::<Value>().await.unwrap())
        }
    };
    let (modern, legacy) = ("application/graphql-response+json", "application/json");
    for (accept, query, status, media_type, has_data) in [
        (modern, "{ __typename }", 200, modern, true),
        // Whoever takes anything is given plain JSON, and a status that says whether anything ran.
        ("*/*", "{ __typename }", 200, legacy, true),
        ("*/*", "{ nothing }", 400, legacy, false),
        ("application/json;q=0, */*", "{ __typename }", 406, modern, false),
        ("application/graphql-response+json;q=0, */*", "{ __typename }", 200, legacy, true),
        ("text/html, application/json;Q=0.5", "{ nothing }", 200, legacy, false),
        (legacy, "{ __typename }", 200, legacy, true),
        ("application/json;q=0.9, application/graphql-response+json;q=0.1", "{ __typename }", 200, legacy, true),
        (modern, "{ nothing }", 400, modern, false),
        (modern, "{", 400, modern, false),
        (legacy, "{ nothing }", 200, legacy, false),
        (modern, "{ topics(first: 0) { totalCount } }", 200, modern, true),
        ("text/html", "{ __typename }", 406, modern, false),
    ] {
        let (found, found_type, body) = ask(accept, query).await;
        assert_eq!((found, found_type.as_str()), (status, media_type), "{accept} {query}");
        assert_eq!(body.get("data").is_some(), has_data, "{accept} {query}: {body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_speak_the_readers_language() {
    let hub = TestHub::with_sample_data().await;
    for (languages, word) in [("en", "nodes"), ("fr-CA", "nœuds"), ("de", "nodes")] {
        let answer = hub.ask_in(languages, "{ topics(first: 0) { totalCount } }", json!({})).await;
        let message = answer["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains(word), "{languages}: {message}");
        assert_eq!(answer["errors"][0]["path"], json!(["topics"]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_internal_fault_shows_a_reference_and_nothing_else() {
    use diesel_async::SimpleAsyncConnection;
    let hub = TestHub::with_sample_data().await;
    hub.db
        .connection()
        .await
        .unwrap()
        .batch_execute("ALTER TABLE topics RENAME COLUMN name TO secret_name")
        .await
        .unwrap();
    let (code, message) = hub.error("{ topics { nodes { name } } }").await;
    assert_eq!(code, "INTERNAL_SERVER_ERROR");
    assert!(!message.contains("name") && message.contains("reference"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_column_is_an_internal_fault_for_whoever_looks_at_it_alone() {
    use diesel_async::SimpleAsyncConnection;
    let hub = TestHub::with_sample_data().await;
    let damage = "ALTER TABLE topics DISABLE TRIGGER USER; UPDATE topics SET description = '{\"en\": 7}'";
    hub.db.connection().await.unwrap().batch_execute(damage).await.unwrap();
    let (code, message) = hub.error("{ topics { nodes { description } } }").await;
    assert_eq!(code, "INTERNAL_SERVER_ERROR");
    assert!(!message.contains("Texts") && message.contains("reference"), "{message}");
    let data = hub.data("{ topics { nodes { name } } }").await;
    assert!(!data["topics"]["nodes"].as_array().unwrap().is_empty());
}
