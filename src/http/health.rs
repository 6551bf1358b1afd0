//! Whether the process lives, and whether it is ready for requests: for whoever starts it, and for whoever sends it some.

use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use tokio::sync::Mutex;

use crate::db::migrations::{self, SchemaState};
use crate::http::Hub;

/// How long the database may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// How many entries of the change log this process may not know of yet.
const MAX_LAG: i64 = 1_000;

/// How long it is believed that the database has the tables of this version.
const LOOK_AT_MIGRATIONS_EVERY: Duration = Duration::from_secs(5);

const NO_STORE: (header::HeaderName, &str) = (header::CACHE_CONTROL, "no-store");

/// What was found out of late.
#[derive(Default)]
pub struct Health {
    migrations: Mutex<Option<(Instant, bool)>>,
}

/// What has to be so for the hub to be ready, each in plain words.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Checks {
    database: &'static str,
    migrations: &'static str,
    change_log: &'static str,
    space: &'static str,
    stopping: &'static str,
}

#[derive(Serialize)]
struct Report {
    status: &'static str,
    checks: Checks,
}

/// The routes: `/livez` and `/readyz`.
pub fn router() -> Router<Hub> {
    Router::new().route("/livez", get(live)).route("/readyz", get(ready))
}

/// Whoever answers lives.
async fn live() -> Response {
    ([NO_STORE], "ok\n").into_response()
}

async fn ready(State(hub): State<Hub>) -> Response {
    let checks = checks(&hub).await;
    let Checks { database, migrations, change_log, space, stopping } = checks;
    let is_ready = [database, migrations, change_log, space].iter().all(|word| *word == "ok") && stopping == "no";
    let (code, status) =
        if is_ready { (StatusCode::OK, "ready") } else { (StatusCode::SERVICE_UNAVAILABLE, "not ready") };
    (code, [NO_STORE], Json(Report { status, checks })).into_response()
}

async fn checks(hub: &Hub) -> Checks {
    let stopping = if hub.is_stopping() { "yes" } else { "no" };
    let space = if hub.db().has_room() { "ok" } else { "low" };
    // Known before the end is read, so that it is never ahead of it.
    let applied = hub.tail().applied().position;
    let end = tokio::time::timeout(ANSWER_WITHIN, hub.position()).await.unwrap_or_default();
    let Some(end) = end else {
        let unknown = "unknown";
        return Checks { database: "does not answer", migrations: unknown, change_log: unknown, space, stopping };
    };
    let change_log = if end.saturating_sub(applied) <= MAX_LAG { "ok" } else { "behind" };
    let migrations = if hub.health().is_current(hub).await { "ok" } else { "not of this version" };
    Checks { database: "ok", migrations, change_log, space, stopping }
}

impl Health {
    /// Whether the database has the tables of this version, as it was a few seconds ago at the most. While nobody can find
    /// out, because all connections are in use, it is as it was.
    async fn is_current(&self, hub: &Hub) -> bool {
        let mut known = self.migrations.lock().await;
        if let Some((looked, is_current)) = *known
            && looked.elapsed() < LOOK_AT_MIGRATIONS_EVERY
        {
            return is_current;
        }
        match tokio::time::timeout(ANSWER_WITHIN, migrations::state(hub.db())).await {
            Ok(Ok(state)) => {
                let is_current = state == SchemaState::Current;
                *known = Some((Instant::now(), is_current));
                is_current
            }
            Ok(Err(_)) | Err(_) => known.is_some_and(|(_, is_current)| is_current),
        }
    }
}
