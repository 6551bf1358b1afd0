//! Lines for tests: the least that a node of each kind needs, and what a test adds to it.

use knowledge_hub::db::Db;
use knowledge_hub::transfer::ImportFailure;
use serde_json::{Value, json};

use crate::support;

/// A line with other values for these fields.
pub fn with(mut line: Value, more: Value) -> Value {
    let Value::Object(fields) = more else { panic!("what is put over a line is an object") };
    for (name, value) in fields {
        line[name.as_str()] = value;
    }
    line
}

pub fn topic(key: &str, more: Value) -> Value {
    with(json!({"kind": "topic", "key": key, "originalLanguage": "en", "name": {"en": key}}), more)
}

pub fn organization(key: &str, more: Value) -> Value {
    let line = json!({"kind": "organization", "key": key, "originalLanguage": "en", "organizationKind": "OTHER",
        "name": {"en": key}, "status": "ACTIVE"});
    with(line, more)
}

pub fn community(key: &str, more: Value) -> Value {
    let line =
        json!({"kind": "community", "key": key, "originalLanguage": "en", "name": {"en": key}, "status": "ACTIVE"});
    with(line, more)
}

/// A person with a slug, so that tests can ask for them; nobody sees them without a consent.
pub fn person(key: &str, more: Value) -> Value {
    with(json!({"kind": "person", "key": key, "slug": key, "originalLanguage": "en", "name": key}), more)
}

pub fn role(key: &str, person: &str, of: &str) -> Value {
    json!({"kind": "role", "key": key, "originalLanguage": "en", "person": person, "of": of, "roleKind": "LEADER"})
}

pub fn membership(key: &str, person: &str, community: &str, more: Value) -> Value {
    let line = json!({"kind": "membership", "key": key, "originalLanguage": "en", "person": person,
        "community": community, "status": "ACTIVE"});
    with(line, more)
}

pub fn project(key: &str, more: Value) -> Value {
    with(json!({"kind": "project", "key": key, "originalLanguage": "en", "title": {"en": key}}), more)
}

/// A published item.
pub fn item(key: &str, more: Value) -> Value {
    let line = json!({"kind": "item", "key": key, "originalLanguage": "en", "itemKind": "GUIDE", "title": {"en": key},
        "status": "PUBLISHED", "publishedAt": "2026-01-01T00:00:00Z"});
    with(line, more)
}

/// An item that is not published yet.
pub fn draft(key: &str, more: Value) -> Value {
    with(item(key, json!({"status": "DRAFT", "publishedAt": null})), more)
}

pub fn link(key: &str, kind: &str, from: &str, to: &str) -> Value {
    json!({"kind": "link", "key": key, "originalLanguage": "en", "linkKind": kind, "from": from, "to": to})
}

/// A consent to show a field.
pub fn consent(field: &str, audience: &str) -> Value {
    json!({"field": field, "audience": audience, "givenAt": "2026-01-01T00:00:00Z", "textVersion": "1"})
}

/// Consents to show these fields to everybody.
pub fn public(fields: &[&str]) -> Value {
    fields.iter().map(|field| consent(field, "PUBLIC")).collect()
}

/// Reads lines that must go through.
pub async fn read(db: &Db, lines: &[Value]) {
    support::import(db, vec![support::file(lines)]).await.unwrap();
}

/// The line, field and message id of the first problem of lines that must not go through.
pub async fn problem(db: &Db, lines: &[Value]) -> (usize, Option<String>, &'static str) {
    match support::import(db, vec![support::file(lines)]).await.unwrap_err() {
        ImportFailure::Lines(problems) => (problems[0].line, problems[0].field.clone(), problems[0].message.id()),
        ImportFailure::Fault(fault) => (0, None, fault.message().id()),
    }
}

/// The sorted keys of the nodes of a list.
pub fn keys(list: &Value) -> Vec<&str> {
    let nodes = list["nodes"].as_array().unwrap_or_else(|| panic!("{list} is no list"));
    let mut keys: Vec<&str> = nodes.iter().map(|node| node["key"].as_str().unwrap_or("null")).collect();
    keys.sort_unstable();
    keys
}
