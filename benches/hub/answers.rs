//! Whether hub and floor say the same.

use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tokio_postgres::SimpleQueryMessage;
use uuid::Uuid;

use crate::load::Asking;
use crate::parameters::{COMPARED, Query};
use crate::world::World;

/// How many questions were asked that nobody asked before; wrk's have larger numbers.
static QUESTIONS: AtomicU64 = AtomicU64::new(0);

/// The data of an answer of the hub.
pub async fn ask(world: &World, document: &str, variables: &Value, asking: Asking) -> Result<Value, String> {
    // The client wants to know with what it would speak TLS, which it does not here. An error means that it knows already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut request = reqwest::Client::new().post(&world.url).header("accept-language", "en");
    if asking == Asking::Anew {
        request = request.header("cache-control", "no-cache");
    }
    let extensions = match asking {
        Asking::New => json!({"question": QUESTIONS.fetch_add(1, Ordering::Relaxed)}),
        Asking::Anew | Asking::AsUsual => json!({}),
    };
    let body = json!({"query": document, "variables": variables, "extensions": extensions});
    let response = request.json(&body).send().await;
    let answer: Value = response.map_err(|error| error.to_string())?.json().await.map_err(|error| error.to_string())?;
    match answer.get("errors") {
        None => Ok(answer["data"].clone()),
        Some(errors) => Err(format!("the hub answers {errors}")),
    }
}

/// Compares the answers of the first parameter sets; a difference is an error.
pub async fn compare(world: &World, query: &Query) -> Result<(), String> {
    let mut rows = 0;
    for (index, variables) in query.variables.iter().enumerate().take(COMPARED) {
        let hub = normal(ask(world, query.document, variables, Asking::Anew).await?);
        // At first the rows are not kept yet, then they are, and then the answer is.
        for asking in [Asking::New, Asking::New, Asking::AsUsual, Asking::AsUsual] {
            if normal(ask(world, query.document, variables, asking).await?) != hub {
                return Err(format!("{} answers differently {} for {variables}", query.name, asking.name()));
            }
        }
        rows += hub.to_string().len();
        for statements in [Some(&query.plain), query.best.as_ref()].into_iter().flatten() {
            let statement = statements.get(index).ok_or("a floor lacks a parameter set")?;
            let messages = world.database.simple_query(statement).await.map_err(|error| error.to_string())?;
            let text = messages.iter().find_map(|message| match message {
                SimpleQueryMessage::Row(row) => row.get(0),
                _ => None,
            });
            let floor: Value = serde_json::from_str(text.unwrap_or("null")).map_err(|error| error.to_string())?;
            let floor = normal(floor);
            if hub != floor {
                let place = difference(&hub, &floor, "");
                return Err(format!("{} answers differently for {variables} at {place}\n{statement}", query.name));
            }
        }
    }
    if rows < COMPARED * 40 {
        return Err(format!("{} answers next to nothing", query.name));
    }
    Ok(())
}

/// The first place where two answers differ, with both values.
fn difference(hub: &Value, floor: &Value, path: &str) -> String {
    match (hub, floor) {
        (Value::Object(one), Value::Object(other)) if one.keys().eq(other.keys()) => {
            let differs = one.iter().find(|(name, value)| other.get(*name) != Some(*value));
            match differs {
                Some((name, value)) => {
                    difference(value, other.get(name).unwrap_or(&Value::Null), &format!("{path}/{name}"))
                }
                None => path.to_owned(),
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            let differs = one.iter().zip(other).enumerate().find(|(_, (value, other))| value != other);
            match differs {
                Some((index, (value, other))) => difference(value, other, &format!("{path}/{index}")),
                None => path.to_owned(),
            }
        }
        _ => format!("{path}\nhub:   {hub}\nfloor: {floor}"),
    }
}

/// What both sides write differently, in one form: ids bare, moments in UTC, cursors away, lists of nodes bare.
fn normal(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.into_iter().filter(|(name, _)| name != "endCursor");
            let fields: serde_json::Map<String, Value> =
                fields.map(|(name, value)| (name.clone(), field(&name, value))).collect();
            match fields.get("nodes") {
                Some(nodes) if fields.len() == 1 => nodes.clone(),
                _ => Value::Object(fields),
            }
        }
        Value::Array(list) => Value::Array(list.into_iter().map(normal).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

fn field(name: &str, value: Value) -> Value {
    let text = value.as_str().map(str::to_owned);
    match (name, text) {
        ("id", Some(text)) => json!(bare(&text).unwrap_or(text)),
        ("publishedAt", Some(text)) => match DateTime::parse_from_rfc3339(&text) {
            Ok(moment) => json!(moment.with_timezone(&Utc)),
            Err(_) => json!(text),
        },
        _ => normal(value),
    }
}

/// The row behind a global id: a letter for the kind, then its sixteen bytes.
fn bare(id: &str) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(id).ok()?;
    Some(Uuid::from_slice(bytes.get(1..)?).ok()?.to_string())
}
