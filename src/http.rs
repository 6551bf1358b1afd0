//! The hub on the web: the router, and what its handlers share.

pub mod account;
pub mod caller;
pub mod examples;
pub mod execution;
pub mod graphql;
pub mod kept;
pub mod live;
pub mod pages;
pub mod sign_in;
pub mod sse;
pub mod websocket;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt;
use chrono::{DateTime, Utc};
#[cfg(target_os = "linux")]
use nix::sys::socket::{setsockopt, sockopt};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, SemaphorePermit, watch};
use uuid::Uuid;

use crate::auth::oidc::Providers;
use crate::changes::end::End;
use crate::changes::tail::Tail;
use crate::config::ProviderSettings;
use crate::db::Db;
use crate::error::{Code, Fault};
use crate::graph::pace::Paces;
use crate::graph::{self, HubSchema};
use crate::http::graphql::Answered;
use crate::http::kept::Kept;
use crate::http::live::Live;
use crate::loaders::shelf::Shelves;
use crate::text::language::LanguageTag;
use crate::text::messages::Message;

/// How long open requests may take to end when the hub is told to stop.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// How many wide documents are executed at once, whose half-made answers take megabytes each (ARCHITECTURE.md, "What was tried").
const WIDE_AT_ONCE: usize = 3;

/// How long an execution waits for its turn, as long as for a connection.
const TURN_WITHIN: Duration = Duration::from_secs(10);

/// How long whoever wrote waits until this process has read what it wrote.
const CATCH_UP_WITHIN: Duration = Duration::from_secs(2);

/// How long a peer may leave what was sent unacknowledged, in milliseconds.
#[cfg(target_os = "linux")]
const GONE_AFTER_MS: u32 = 60_000;

/// The most streams that may be open at once: each takes a file descriptor and some 10 KB.
const MAX_STREAMS: usize = 50_000;

/// What a hub is told at its start.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The language to serve when a reader wishes none that is there.
    pub default_language: LanguageTag,
    /// The origins of pages, besides the hub's own, that may open WebSockets.
    pub origins: Vec<String>,
    /// The hub's own origin as browsers see it.
    pub public_url: String,
    /// By whom people sign in.
    pub providers: Vec<ProviderSettings>,
}

/// What every handler reaches.
#[derive(Clone)]
pub struct Hub {
    shared: Arc<Shared>,
}

/// The turn of an execution; it lasts until this is dropped.
pub struct Turn<'a> {
    _execution: SemaphorePermit<'a>,
    _wide: Option<SemaphorePermit<'a>>,
}

struct Shared {
    db: Db,
    tail: Tail,
    end: End,
    schema: HubSchema,
    kept: Kept<Answered>,
    shelves: Shelves,
    live: Live,
    paces: Arc<Paces>,
    executions: Semaphore,
    /// One for each wide one that may be executed at once.
    wide: Semaphore,
    /// Fewer, for those who follow: queries are never kept waiting by them alone.
    deliveries: Semaphore,
    /// One for each stream that may be open; all of them are free again when the last has ended.
    streams: Arc<Semaphore>,
    stopping: watch::Sender<bool>,
    default_language: LanguageTag,
    origins: Vec<String>,
    providers: Providers,
    sdl: String,
    sdl_tag: String,
    started_at: DateTime<Utc>,
    references: AtomicU64,
}

impl Hub {
    /// A hub over a database whose schema is current, whose change log it follows from now on.
    pub async fn start(db: Db, settings: Settings) -> Result<Self, Fault> {
        let tail = Tail::start(db.clone(), new_epoch).await?;
        let sdl = graph::sdl();
        let digest = Sha256::digest(sdl.as_bytes());
        let sdl_tag = format!("\"{}\"", digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect::<String>());
        // As many at once as there are connections, few of them wide because of what those hold in memory.
        let executing = db.connections();
        let executions = Semaphore::new(executing);
        let deliveries = Semaphore::new(executing.div_ceil(2));
        let shared = Shared {
            end: End::new(db.clone()),
            db,
            tail,
            schema: graph::schema(),
            kept: Kept::default(),
            shelves: Shelves::default(),
            live: Live::default(),
            paces: Arc::default(),
            executions,
            wide: Semaphore::new(WIDE_AT_ONCE),
            deliveries,
            streams: Arc::new(Semaphore::new(MAX_STREAMS)),
            stopping: watch::Sender::new(false),
            default_language: settings.default_language,
            origins: settings.origins,
            providers: Providers::new(settings.providers, &settings.public_url, now)?,
            sdl,
            sdl_tag,
            started_at: now(),
            references: AtomicU64::new(0),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The database.
    pub fn db(&self) -> &Db {
        &self.shared.db
    }

    /// The end of the change log.
    pub fn tail(&self) -> &Tail {
        &self.shared.tail
    }

    /// What is followed.
    pub fn live(&self) -> &Live {
        &self.shared.live
    }

    /// Whether a page of this origin may open a WebSocket.
    pub fn is_trusted(&self, origin: &str) -> bool {
        self.shared.origins.iter().any(|trusted| trusted.eq_ignore_ascii_case(origin))
    }

    /// By whom people sign in.
    pub fn providers(&self) -> &Providers {
        &self.shared.providers
    }

    /// The place of a stream, until it is dropped.
    pub fn stream_place(&self) -> Result<OwnedSemaphorePermit, Fault> {
        let full = |_| Fault::new(Code::ServiceUnavailable, Message::new("http-sockets"));
        self.shared.streams.clone().try_acquire_owned().map_err(full)
    }

    /// Tells when the hub is about to stop: streams end then, and their clients come back with their cursors.
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.shared.stopping.subscribe()
    }

    /// Tells all streams to end, and waits until the last has.
    async fn end_streams(&self) {
        self.shared.stopping.send_replace(true);
        let all = u32::try_from(MAX_STREAMS).unwrap_or(u32::MAX);
        // It is never closed, so all places are free afterwards.
        let _ = self.shared.streams.acquire_many(all).await;
    }

    /// The schema.
    pub fn schema(&self) -> &HubSchema {
        &self.shared.schema
    }

    /// Waits for the turn to execute a document, for ten seconds at the most; it lasts until the permit is dropped.
    pub async fn turn(&self, is_wide: bool) -> Result<Turn<'_>, Fault> {
        let waiting = async {
            let wide = if is_wide { Some(self.shared.wide.acquire().await?) } else { None };
            Ok(Turn { _execution: self.shared.executions.acquire().await?, _wide: wide })
        };
        match tokio::time::timeout(TURN_WITHIN, waiting).await {
            Ok(turn) => turn.map_err(|closed: AcquireError| Fault::internal("waiting for a turn", closed)),
            Err(_) => Err(Fault::new(Code::ServiceUnavailable, Message::new("http-busy"))),
        }
    }

    /// Waits for the turn to execute deliveries: as long as it takes for one of those that are theirs, then as a query does.
    pub async fn live_turn(&self) -> Result<(SemaphorePermit<'_>, Turn<'_>), Fault> {
        let delivery = self.shared.deliveries.acquire().await;
        Ok((delivery.map_err(|closed| Fault::internal("waiting for a turn", closed))?, self.turn(false).await?))
    }

    /// The answers that are kept.
    pub fn kept(&self) -> &Kept<Answered> {
        &self.shared.kept
    }

    /// What anonymous viewers have loaded.
    pub fn shelves(&self) -> &Shelves {
        &self.shared.shelves
    }

    /// The position of the last change that is visible now; null when it cannot be read.
    pub async fn position(&self) -> Option<i64> {
        self.shared.end.position().await
    }

    /// Waits until this process knows the change log as far as it is visible now, so that what was written is seen in
    /// whatever it serves next. A log that cannot be read is not waited for.
    pub async fn catch_up(&self) {
        let Some(position) = self.position().await else { return };
        let mut moved = self.shared.tail.moved();
        let reached =
            async { while self.shared.tail.applied().position < position && moved.changed().await.is_ok() {} };
        // What takes longer is seen as soon as the log is read.
        let _ = tokio::time::timeout(CATCH_UP_WITHIN, reached).await;
    }

    /// How often each sender did what others have to read.
    pub fn paces(&self) -> Arc<Paces> {
        self.shared.paces.clone()
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
            .merge(account::router())
            .merge(sign_in::router())
            .merge(examples::router())
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
    let (streams, ended) = (hub.clone(), hub.clone());
    // A socket that takes neither setting works all the same.
    let listener = listener.tap_io(|socket| {
        // Frames are small and are to leave at once.
        let _ = socket.set_nodelay(true);
        // A peer who is gone acknowledges nothing; one who merely reads slowly does.
        #[cfg(target_os = "linux")]
        let _ = setsockopt(socket, sockopt::TcpUserTimeout, &GONE_AFTER_MS);
    });
    let graceful = axum::serve(listener, hub.router().into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(async move {
            stop.await;
            streams.shared.stopping.send_replace(true);
            // Nobody listens any more when the server ended by itself.
            let _ = stopping.send(());
        });
    // WebSockets have left the server by then; they are waited for beside it.
    let graceful = async {
        graceful.await?;
        ended.end_streams().await;
        Ok(())
    };
    let deadline = async {
        match stopped.await {
            Ok(()) => tokio::time::sleep(STOP_WITHIN).await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        outcome = graceful => outcome,
        () = deadline => Ok(()),
    }
}

/// Resolves once the hub is about to stop.
pub async fn is_stopping(stopping: &mut watch::Receiver<bool>) {
    // An error would mean that the hub is gone, which every stream holds.
    let _ = stopping.wait_for(|stopping| *stopping).await;
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
