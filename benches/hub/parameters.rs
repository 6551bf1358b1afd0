//! What is asked: the queries with random parameter sets, drawn from the data by a seed.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use knowledge_hub::graph::id;
use knowledge_hub::policy::NodeKind;
use serde_json::{Value, json};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::answers::ask;
use crate::load::Asking;
use crate::world::World;

/// How many of them are compared before.
pub const COMPARED: usize = 20;

/// One of the five queries.
pub struct Query {
    /// Its name.
    pub name: &'static str,
    /// Its document.
    pub document: &'static str,
    /// What the hub is asked with.
    pub variables: Vec<Value>,
    /// The floor's statement for each parameter set.
    pub plain: Vec<String>,
    /// The best floor's, where it is another one.
    pub best: Option<Vec<String>>,
}

/// The five queries, with as many parameter sets each.
pub async fn queries(world: &World, seed: u64, sets: i64) -> Result<Vec<Query>, String> {
    // The same sets in every run over the same data.
    let seeded = format!("SELECT setseed({})", (seed % 1_000) as f64 / 1_000.0);
    world.database.batch_execute(&seeded).await.map_err(|error| error.to_string())?;
    Ok(vec![
        communities_of_organization(world, sets).await?,
        ten_communities(world, sets).await?,
        newest(world, sets).await?,
        one_item(world, sets).await?,
        words(world, sets).await?,
    ])
}

async fn ids(world: &World, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Uuid>, String> {
    let rows = world.database.query(sql, values).await.map_err(|error| error.to_string())?;
    rows.iter().map(|row| row.get::<_, &str>(0).parse().map_err(|_| "an id is ill-formed".to_owned())).collect()
}

fn filled(statement: &str, values: &[(&str, String)]) -> String {
    values.iter().fold(statement.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

async fn communities_of_organization(world: &World, sets: i64) -> Result<Query, String> {
    let sql = "SELECT id::text FROM (SELECT o.id FROM organizations o WHERE o.is_public AND EXISTS (SELECT 1 FROM links l WHERE l.is_public AND o.id IN (l.from_id, l.to_id)) ORDER BY o.id) o ORDER BY random() LIMIT $1";
    let organizations = ids(world, sql, &[&sets]).await?;
    let statements = |floor: &str| organizations.iter().map(|id| filled(floor, &[("id", id.to_string())])).collect();
    Ok(Query {
        name: "q1",
        document: include_str!("../queries/q1.graphql"),
        variables: organizations.iter().map(|row| json!({"id": id::encode(NodeKind::Organization, *row)})).collect(),
        plain: statements(include_str!("../floors/q1.plain.sql")),
        best: Some(statements(include_str!("../floors/q1.best.sql"))),
    })
}

async fn ten_communities(world: &World, sets: i64) -> Result<Query, String> {
    let sql = "SELECT id::text FROM (SELECT c.id FROM communities c WHERE c.is_public ORDER BY c.id) c ORDER BY random() LIMIT $1";
    let communities = ids(world, sql, &[&(sets * 10)]).await?;
    let sets: Vec<&[Uuid]> = communities.chunks_exact(10.min(communities.len().max(1))).collect();
    let list = |set: &[Uuid]| format!("{{{}}}", set.iter().map(Uuid::to_string).collect::<Vec<_>>().join(","));
    let statements = |floor: &str| sets.iter().map(|set| filled(floor, &[("ids", list(set))])).collect();
    let variables = |set: &&[Uuid]| {
        let ids: Vec<_> = set.iter().map(|row| id::encode(NodeKind::Community, *row)).collect();
        json!({ "ids": ids })
    };
    Ok(Query {
        name: "q2",
        document: include_str!("../queries/q2.graphql"),
        variables: sets.iter().map(variables).collect(),
        plain: statements(include_str!("../floors/q2.plain.sql")),
        best: Some(statements(include_str!("../floors/q2.best.sql"))),
    })
}

/// Cursors come from the hub itself; what is in them goes into the floor's statement.
async fn newest(world: &World, sets: i64) -> Result<Query, String> {
    let floor = include_str!("../floors/q3.plain.sql");
    let (mut variables, mut plain) = (Vec::new(), Vec::new());
    for language in ["en", "fr"] {
        let mut after = Value::Null;
        for _ in 0..sets / 2 {
            let document = "query P($language: LanguageTag!, $after: String) { items(first: 37, after: $after, \
                filter: { languages: [$language] }) { pageInfo { endCursor } } }";
            let data = ask(world, document, &json!({"language": language, "after": after}), Asking::Anew).await?;
            after = data["items"]["pageInfo"]["endCursor"].clone();
            let Some(cursor) = after.as_str() else { break };
            let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|error| error.to_string())?;
            let cursor: Value = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let (time, id) = (text(&cursor["place"]["keys"][0]["Time"]), text(&cursor["place"]["id"]));
            plain.push(filled(floor, &[("language", language.to_owned()), ("time", time), ("id", id)]));
            variables.push(json!({"language": language, "after": after}));
        }
    }
    Ok(Query { name: "q3", document: include_str!("../queries/q3.graphql"), variables, plain, best: None })
}

async fn one_item(world: &World, sets: i64) -> Result<Query, String> {
    let sql =
        "SELECT id::text FROM (SELECT i.id FROM items i WHERE i.is_public ORDER BY i.id) i ORDER BY random() LIMIT $1";
    let items = ids(world, sql, &[&sets]).await?;
    let floor = include_str!("../floors/q4.plain.sql");
    Ok(Query {
        name: "q4",
        document: include_str!("../queries/q4.graphql"),
        variables: items.iter().map(|row| json!({"id": id::encode(NodeKind::Item, *row)})).collect(),
        plain: items.iter().map(|id| filled(floor, &[("id", id.to_string())])).collect(),
        best: None,
    })
}

/// Pairs of words that stand together in a title, so that every search finds something.
async fn words(world: &World, sets: i64) -> Result<Query, String> {
    let sql = "SELECT w[1] || ' ' || w[2] FROM (SELECT regexp_matches(lower(unaccent(i.title ->> 'en')), '([a-z]{5,}) ([a-z]{5,})') AS w FROM (SELECT i.id, i.title FROM items i WHERE i.is_public AND i.title ? 'en' ORDER BY i.id) i ORDER BY random() LIMIT $1) AS found";
    let rows = world.database.query(sql, &[&(sets * 3)]).await.map_err(|error| error.to_string())?;
    let mut texts: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    texts.truncate(usize::try_from(sets).unwrap_or(usize::MAX));
    let floor = include_str!("../floors/q5.plain.sql");
    Ok(Query {
        name: "q5",
        document: include_str!("../queries/q5.graphql"),
        variables: texts.iter().map(|text| json!({ "text": text })).collect(),
        plain: texts.iter().map(|text| filled(floor, &[("text", text.clone())])).collect(),
        best: None,
    })
}
