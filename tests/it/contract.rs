//! The contract: its text, its descriptions, and what the library must not change under us.

use async_graphql::{EmptyMutation, EmptySubscription, Object, Schema, SimpleObject};
use knowledge_hub::graph;
use serde_json::Value;

use crate::support::TestHub;

const INTROSPECTION: &str = "{ __schema { types { name kind description \
    fields(includeDeprecated: true) { name description type { name kind ofType { name kind ofType { name kind } } } \
    args { name description } } inputFields { name description } enumValues { name description } } } }";

#[test]
fn the_committed_contract_is_the_one_that_the_code_prints() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.graphql");
    let committed = std::fs::read_to_string(path).unwrap();
    assert!(
        committed == graph::sdl(),
        "schema.graphql is not what the code prints; run `make accept` and review the diff"
    );
}

#[tokio::test]
async fn every_element_of_the_contract_is_described() {
    let answer = graph::schema().execute(INTROSPECTION).await.data.into_json().unwrap();
    let mut described = 0;
    for kind in answer["__schema"]["types"].as_array().unwrap() {
        let name = kind["name"].as_str().unwrap();
        // The specification describes its own types.
        if name.starts_with("__") || ["ID", "Int", "Float", "String", "Boolean"].contains(&name) {
            continue;
        }
        let mut check = |what: &Value, place: String| {
            let text = what["description"].as_str().unwrap_or_default();
            assert!(text.trim().len() > 1, "{place} is not described");
            described += 1;
        };
        check(kind, name.to_owned());
        for list in ["fields", "inputFields", "enumValues"] {
            for element in kind[list].as_array().into_iter().flatten() {
                let place = format!("{name}.{}", element["name"].as_str().unwrap());
                check(element, place.clone());
                for argument in element["args"].as_array().into_iter().flatten() {
                    check(argument, format!("{place}({})", argument["name"].as_str().unwrap()));
                }
            }
        }
    }
    assert!(described > 500, "only {described} elements were looked at");
}

#[tokio::test]
async fn the_limits_know_every_connection_by_its_name() {
    let answer = graph::schema().execute(INTROSPECTION).await.data.into_json().unwrap();
    let mut names = Vec::new();
    for kind in answer["__schema"]["types"].as_array().unwrap() {
        for field in kind["fields"].as_array().into_iter().flatten() {
            if field["type"].to_string().contains("Connection\"") {
                names.push(field["name"].as_str().unwrap());
            }
        }
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names, graph::limits::LISTS);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_standard_introspection_of_tools_is_answered() {
    let hub = TestHub::with_sample_data().await;
    // As graphql-js sends it, with nine levels of wrapped types.
    let wrapped = "kind name ".to_owned() + &"ofType { kind name ".repeat(9) + &"}".repeat(9);
    let query = format!(
        "query IntrospectionQuery {{ __schema {{ queryType {{ name }} types {{ ...FullType }} \
         directives {{ name args {{ ...InputValue }} }} }} }} \
         fragment FullType on __Type {{ kind name fields {{ name args {{ ...InputValue }} type {{ ...TypeRef }} }} }} \
         fragment InputValue on __InputValue {{ name type {{ ...TypeRef }} defaultValue }} \
         fragment TypeRef on __Type {{ {wrapped} }}"
    );
    let data = hub.data(&query).await;
    assert_eq!(data["__schema"]["queryType"]["name"], "Query");
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_are_answered_in_the_order_of_the_query() {
    let hub = TestHub::with_sample_data().await;
    let query = r#"{ z: organization(slug: "cpop") { slug name id key } a: __typename
        m: communities(first: 1) { totalCount pageInfo { hasNextPage endCursor } nodes { slug id } } }"#;
    let request = hub.client.post(hub.url("/graphql")).json(&serde_json::json!({ "query": query }));
    let text = request.send().await.unwrap().text().await.unwrap();
    let places: Vec<usize> = [
        "\"z\"",
        "\"slug\"",
        "\"name\"",
        "\"id\"",
        "\"key\"",
        "\"a\"",
        "\"m\"",
        "\"totalCount\"",
        "\"pageInfo\"",
        "\"hasNextPage\"",
        "\"endCursor\"",
        "\"nodes\"",
    ]
    .iter()
    .scan(0, |from, word| {
        let place = text[*from..].find(word).map(|at| at + *from)?;
        *from = place;
        Some(place)
    })
    .collect();
    assert_eq!(places.len(), 12, "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_of_the_pages_fit_the_contract() {
    let hub = TestHub::with_sample_data().await;
    for example in knowledge_hub::http::pages::EXAMPLE_QUERIES {
        hub.data(example).await;
    }
}

struct Bubbling;

#[derive(SimpleObject)]
struct Middle {
    sound: i32,
    fragile: Fragile,
}

struct Fragile;

#[Object]
impl Fragile {
    async fn required(&self) -> Result<i32, String> {
        Err("broken".to_owned())
    }

    async fn optional(&self) -> Option<Result<i32, String>> {
        Some(Err("broken".to_owned()))
    }
}

#[Object]
impl Bubbling {
    async fn middle(&self) -> Option<Middle> {
        Some(Middle { sound: 1, fragile: Fragile })
    }

    async fn other(&self) -> i32 {
        2
    }
}

#[tokio::test]
async fn a_failed_field_takes_its_nearest_nullable_ancestor_with_it_and_no_more() {
    let schema = Schema::new(Bubbling, EmptyMutation, EmptySubscription);
    let answer = schema.execute("{ middle { sound fragile { required } } other }").await;
    assert_eq!(answer.data.into_json().unwrap().to_string(), r#"{"middle":null,"other":2}"#);
    assert_eq!(answer.errors.len(), 1);
    let answer = schema.execute("{ middle { sound fragile { optional } } other }").await;
    let expected = r#"{"middle":{"sound":1,"fragile":{"optional":null}},"other":2}"#;
    assert_eq!(serde_json::to_string(&answer.data).unwrap(), expected);
    assert_eq!(answer.errors.len(), 1);
}
