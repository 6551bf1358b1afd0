//! The hub on the web: the router, and what its handlers share.

pub mod account;
pub mod body;
pub mod budget;
pub mod caller;
pub mod cross_origin;
pub mod documents;
pub mod embed;
pub mod examples;
pub mod execution;
pub mod files;
pub mod graphql;
pub mod health;
pub mod home;
pub mod kept;
pub mod live;
pub mod metrics;
pub mod operations;
pub mod pages;
pub mod places;
pub mod request_id;
pub mod server;
pub mod sign_in;
pub mod sse;
pub mod websocket;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{from_fn_with_state, map_response_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use tokio::sync::{AcquireError, Semaphore, SemaphorePermit, watch};
use uuid::Uuid;

use crate::auth::oidc::Providers;
use crate::changes::cursor::Cursor;
use crate::changes::end::End;
use crate::changes::tail::Tail;
use crate::config::Config;
use crate::config::limits::Limits;
use crate::db::Db;
use crate::error::{Code, Fault};
use crate::graph::pace::Paces;
use crate::graph::{self, HubSchema};
use crate::http::budget::Budgets;
use crate::http::documents::Documents;
use crate::http::embed::Embeds;
use crate::http::graphql::Answered;
use crate::http::health::Health;
use crate::http::kept::{Admitted, Kept};
use crate::http::live::Live;
use crate::http::metrics::Readers;
use crate::http::operations::Operations;
use crate::http::places::Places;
use crate::loaders::shelf::Shelves;
use crate::text::language::LanguageTag;
use crate::text::messages::Message;

/// How many wide documents are executed at once, whose half-made answers take megabytes each (ARCHITECTURE.md, "What was tried").
const WIDE_AT_ONCE: usize = 3;

/// How long an execution waits for its turn, as long as for a connection.
const TURN_WITHIN: Duration = Duration::from_secs(10);

/// How long whoever wrote waits until this process has read what it wrote.
const CATCH_UP_WITHIN: Duration = Duration::from_secs(2);

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
    kept: Kept<Bytes, Answered>,
    embeds: Embeds,
    shelves: Shelves,
    live: Live,
    paces: Arc<Paces>,
    executions: Semaphore,
    /// One for each wide one that may be executed at once.
    wide: Semaphore,
    /// Fewer, for those who follow: queries are never kept waiting by them alone.
    deliveries: Semaphore,
    places: Places,
    budgets: Budgets,
    documents: Documents,
    admitted: Admitted,
    stopping: watch::Sender<bool>,
    config: Config,
    /// The hub's own origin as browsers see it.
    public_url: String,
    providers: Providers,
    sdl: String,
    sdl_tag: String,
    started_at: DateTime<Utc>,
    references: AtomicU64,
    operations: Arc<Operations>,
    health: Health,
    readers: Readers,
}

impl Hub {
    /// A hub over a database whose schema is current, whose change log it follows from now on. `address` is where it listens,
    /// and where browsers see it unless the configuration says otherwise.
    pub async fn start(db: Db, config: Config, address: SocketAddr) -> Result<Self, Fault> {
        let tail = Tail::start(db.clone(), new_epoch).await?;
        let sdl = graph::sdl();
        let digest = Sha256::digest(sdl.as_bytes());
        let sdl_tag = format!("\"{}\"", digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect::<String>());
        // As many at once as there are connections, few of them wide because of what those hold in memory.
        let executing = db.connections();
        let executions = Semaphore::new(executing);
        let deliveries = Semaphore::new(executing.div_ceil(2));
        let documents = Documents::load(config.documents.as_deref(), config.only_documents, &config.limits)?;
        let public_url = config.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
        let shared = Shared {
            operations: Arc::new(Operations::new(
                config.slow,
                new_epoch(),
                documents.operations().into_iter().chain(embed::operations()),
            )),
            health: Health::default(),
            readers: Readers { networks: config.metrics_from.clone(), proxies: config.proxies.clone() },
            end: End::new(db.clone()),
            db,
            tail,
            schema: graph::schema(),
            kept: Kept::default(),
            embeds: Embeds::default(),
            shelves: Shelves::default(),
            live: Live::default(),
            paces: Arc::default(),
            executions,
            wide: Semaphore::new(WIDE_AT_ONCE),
            deliveries,
            places: Places::new(config.limits.streams),
            budgets: Budgets::new(config.limits.cost_per_minute),
            documents,
            admitted: Admitted::default(),
            stopping: watch::Sender::new(false),
            providers: Providers::new(config.providers.clone(), &public_url, now)?,
            config,
            public_url,
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

    /// What strangers may ask for, hold open and use up.
    pub fn limits(&self) -> &Limits {
        &self.shared.config.limits
    }

    /// Whether the query editor is served.
    pub fn has_editor(&self) -> bool {
        self.shared.config.has_editor
    }

    /// How long an operation may take.
    pub fn operation_within(&self) -> Duration {
        Duration::from_secs(self.limits().operation_seconds)
    }

    /// Whether a page of this origin may open a WebSocket.
    pub fn is_trusted(&self, origin: &str) -> bool {
        let mut trusted = self.shared.config.origins.iter().chain(&self.shared.config.origins_with_credentials);
        trusted.any(|trusted| trusted.eq_ignore_ascii_case(origin))
    }

    /// Whether a page of this origin may ask as whoever is signed in.
    pub fn is_trusted_with_credentials(&self, origin: &str) -> bool {
        let mut trusted = self.shared.config.origins_with_credentials.iter();
        trusted.any(|trusted| trusted.eq_ignore_ascii_case(origin))
    }

    /// Whether a peer is a proxy that is believed.
    pub fn is_proxy(&self, peer: SocketAddr) -> bool {
        self.shared.config.proxies.iter().any(|proxy| proxy.contains(&peer.ip().to_canonical()))
    }

    /// The address of whoever asks, behind the proxies that are believed.
    pub fn address_of(&self, peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
        caller::address(peer.ip(), headers, &self.shared.config.proxies)
    }

    /// The documents that can be named.
    pub fn documents(&self) -> &Documents {
        &self.shared.documents
    }

    /// What each asker may use up.
    pub fn budgets(&self) -> &Budgets {
        &self.shared.budgets
    }

    /// The requests that are known to be within the limits.
    pub fn admitted(&self) -> &Admitted {
        &self.shared.admitted
    }

    /// The places of streams.
    pub fn places(&self) -> &Places {
        &self.shared.places
    }

    /// By whom people sign in.
    pub fn providers(&self) -> &Providers {
        &self.shared.providers
    }

    /// Tells when the hub is about to stop: streams end then, and their clients come back with their cursors.
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.shared.stopping.subscribe()
    }

    /// Whether the hub is about to stop.
    pub fn is_stopping(&self) -> bool {
        *self.shared.stopping.borrow()
    }

    /// Says that the hub is about to stop: `/readyz` says so from now on, and streams end.
    pub fn begin_to_stop(&self) {
        self.shared.stopping.send_replace(true);
    }

    /// Waits until nothing is under way any more: the last stream has ended, and the last write is finished.
    pub async fn drained(&self) {
        self.shared.places.all_free().await;
        self.shared.db.writes().finished().await;
    }

    /// What is noted of each operation.
    pub fn operations(&self) -> &Arc<Operations> {
        &self.shared.operations
    }

    /// What was found out of late about whether the hub is ready.
    pub fn health(&self) -> &Health {
        &self.shared.health
    }

    /// Who may read the numbers.
    pub fn readers(&self) -> &Readers {
        &self.shared.readers
    }

    /// When the hub was started.
    pub fn started_at(&self) -> DateTime<Utc> {
        self.shared.started_at
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
    pub fn kept(&self) -> &Kept<Bytes, Answered> {
        &self.shared.kept
    }

    /// What is kept for listings.
    pub fn embeds(&self) -> &Embeds {
        &self.shared.embeds
    }

    /// The hub's own origin as browsers see it, without a slash at its end.
    pub fn public_url(&self) -> &str {
        self.shared.public_url.trim_end_matches('/')
    }

    /// Where the change log ended within the last second.
    pub async fn recent(&self) -> Result<Cursor, Fault> {
        if let Some(confirmed) = self.shared.tail.confirmed() {
            return Ok(confirmed);
        }
        let position = self.position().await.ok_or_else(|| Fault::unavailable("the change log cannot be read"))?;
        let applied = self.shared.tail.applied();
        Ok(Cursor::at(applied.epoch, position.max(applied.position)))
    }

    /// What is told of a fault: what there is more to it is logged here, once, and named by a reference.
    pub fn told(&self, fault: &Fault) -> Fault {
        match fault.cause() {
            Some(cause) => {
                let reference = self.reference();
                tracing::error!(reference, code = fault.code().as_ref(), cause, "fault");
                fault.clone().with_reference(&reference)
            }
            None => fault.clone(),
        }
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
        &self.shared.config.default_language
    }

    /// A new number by which a fault can be found in the log.
    pub fn reference(&self) -> String {
        let number = self.shared.references.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        format!("{:x}-{number}", self.shared.started_at.timestamp())
    }

    /// All routes.
    pub fn router(self) -> Router {
        let open = get(graphql::by_get).post(graphql::by_post).fallback(graphql::other_method);
        let api = Router::new()
            .route("/graphql", open)
            .route("/schema.graphql", get(schema))
            .layer(cross_origin::layer(self.clone()));
        let own = &self.shared.config;
        let of_accounts = account::router().merge(sign_in::router());
        api.merge(pages::router(own.has_editor))
            .merge(of_accounts.layer(from_fn_with_state(self.clone(), account::enter)))
            .merge(examples::router())
            .merge(embed::router())
            .merge(home::router())
            .merge(health::router())
            .merge(metrics::router())
            .layer(from_fn_with_state(self.clone(), body::with_deadline))
            .layer(map_response_with_state(self.clone(), over_tls_alone))
            .layer(from_fn_with_state(self.clone(), request_id::identify))
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

/// Tells browsers to come back over TLS alone, where the hub is seen over TLS.
async fn over_tls_alone(State(hub): State<Hub>, mut response: Response) -> Response {
    if hub.shared.public_url.starts_with("https://") {
        let for_a_year = HeaderValue::from_static("max-age=31536000");
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, for_a_year);
    }
    response
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
