//! The hub on the web: the router, and what its handlers share.

pub mod dashboard;
pub mod graphql;
pub mod kept;
pub mod pages;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, SemaphorePermit};
use uuid::Uuid;

use crate::db::{Db, log};
use crate::error::{Code, Fault};
use crate::graph::{self, HubSchema};
use crate::http::kept::Kept;
use crate::text::language::LanguageTag;
use crate::text::messages::Message;

/// How long open requests may take to end when the hub is told to stop.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// How long an execution waits for its turn, as long as for a connection.
const TURN_WITHIN: Duration = Duration::from_secs(10);

/// What every handler reaches.
#[derive(Clone)]
pub struct Hub {
    shared: Arc<Shared>,
}

struct Shared {
    db: Db,
    schema: HubSchema,
    kept: Kept,
    executions: Semaphore,
    default_language: LanguageTag,
    sdl: String,
    sdl_tag: String,
    started_at: DateTime<Utc>,
    references: AtomicU64,
}

impl Hub {
    /// A hub over a database whose schema is current.
    pub fn new(db: Db, default_language: LanguageTag) -> Self {
        let sdl = graph::sdl();
        let digest = Sha256::digest(sdl.as_bytes());
        let sdl_tag = format!("\"{}\"", digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect::<String>());
        // More executions than connections would only hold more half-made answers in memory.
        let executions = Semaphore::new(db.connections());
        let shared = Shared {
            db,
            schema: graph::schema(),
            kept: Kept::default(),
            executions,
            default_language,
            sdl,
            sdl_tag,
            started_at: now(),
            references: AtomicU64::new(0),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The database.
    pub fn db(&self) -> &Db {
        &self.shared.db
    }

    /// The schema.
    pub fn schema(&self) -> &HubSchema {
        &self.shared.schema
    }

    /// Waits for the turn to execute a document, for ten seconds at the most; it lasts until the permit is dropped.
    pub async fn turn(&self) -> Result<SemaphorePermit<'_>, Fault> {
        match tokio::time::timeout(TURN_WITHIN, self.shared.executions.acquire()).await {
            Ok(turn) => turn.map_err(|closed| Fault::internal("waiting for a turn", closed)),
            Err(_) => Err(Fault::new(Code::ServiceUnavailable, Message::new("http-busy"))),
        }
    }

    /// The answers that are kept.
    pub fn kept(&self) -> &Kept {
        &self.shared.kept
    }

    /// The position of the last change that is visible now; null, which is logged, when it cannot be read.
    pub async fn position(&self) -> Option<i64> {
        let reading = async {
            let mut connection = self.db().connection().await?;
            log::position(&mut connection).await
        };
        let read: Result<i64, Fault> = reading.await;
        read.inspect_err(|fault| tracing::warn!(cause = fault.cause(), "the end of the change log cannot be read")).ok()
    }

    /// The language to serve when a reader wishes none that is there.
    pub fn default_language(&self) -> &LanguageTag {
        &self.shared.default_language
    }

    /// A new number by which a fault can be found in the log.
    pub fn reference(&self) -> String {
        let number = self.shared.references.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        format!("{:x}-{number}", self.shared.started_at.timestamp())
    }

    /// All routes.
    pub fn router(self) -> Router {
        let graphql_routes = get(graphql::by_get)
            .post(graphql::by_post)
            .fallback(graphql::other_method)
            .layer(DefaultBodyLimit::max(graphql::MAX_BODY_BYTES));
        Router::new()
            .route("/graphql", graphql_routes)
            .route("/schema.graphql", get(schema))
            .merge(pages::router())
            .merge(dashboard::router())
            .with_state(self)
    }
}

/// The clock of the machine; whatever is below is handed the time.
#[expect(clippy::disallowed_methods, reason = "the one place where an operation gets its time")]
pub fn now() -> DateTime<Utc> {
    Utc::now()
}

/// A new epoch for the change log, in case the database needs one.
#[expect(clippy::disallowed_methods, reason = "made once per start, before there is a transaction to make it")]
pub fn new_epoch() -> Uuid {
    Uuid::now_v7()
}

/// Serves until `stop` resolves, then lets open requests end, for ten seconds at the most.
pub async fn serve(
    listener: TcpListener,
    hub: Hub,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let (stopping, stopped) = tokio::sync::oneshot::channel();
    let graceful = axum::serve(listener, hub.router()).with_graceful_shutdown(async move {
        stop.await;
        // Nobody listens any more when the server ended by itself.
        let _ = stopping.send(());
    });
    let deadline = async {
        match stopped.await {
            Ok(()) => tokio::time::sleep(STOP_WITHIN).await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        outcome = graceful.into_future() => outcome,
        () = deadline => Ok(()),
    }
}

/// The contract as text.
async fn schema(State(hub): State<Hub>, headers: HeaderMap) -> Response {
    let tag = hub.shared.sdl_tag.clone();
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|value| value.as_bytes() == tag.as_bytes());
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], hub.shared.sdl.clone()).into_response()
    };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}
