//! The database: connections, reads, the write transaction, and everything that speaks to PostgreSQL for all kinds.

pub mod audit;
pub mod backoff;
pub mod column;
pub mod coverage;
pub mod dates;
pub mod doctor;
pub mod due;
pub mod facets;
pub mod listing;
pub mod local;
pub mod log;
pub mod migrations;
pub mod page;
pub mod per_parent;
pub mod schema;
pub mod search;
pub mod sent;
pub mod slugs;
pub mod statement;
pub mod text_origins;
pub mod write;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use diesel::ConnectionError;
use diesel::connection::{Instrumentation, InstrumentationEvent};
use diesel_async::pooled_connection::deadpool::{Object, Pool, PoolError};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use futures_util::FutureExt;
use tokio_postgres::NoTls;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::Fault;
use crate::text::messages::Message;

/// A connection on loan from the pool.
pub type Connection = Object<AsyncPgConnection>;

/// How long a request waits for a connection before it is told that the database cannot be reached.
const WAIT: Duration = Duration::from_secs(10);

/// The hub's connections to its database. Clones share them.
#[derive(Clone)]
pub struct Db {
    pool: Pool<AsyncPgConnection>,
    config: Arc<tokio_postgres::Config>,
    statements: Arc<AtomicU64>,
}

impl Db {
    /// Prepares a pool; the first connection is made when one is asked for.
    ///
    /// `connections`: 4 are enough for two cores, 16 were slower (measured with the reference queries).
    pub fn with_address(address: &str, connections: usize) -> Result<Self, Message> {
        let config: tokio_postgres::Config = address.parse().map_err(|error: tokio_postgres::Error| {
            Message::new("database-address-ill-formed").with("reason", reason(&error))
        })?;
        let statements = Arc::new(AtomicU64::new(0));
        let counter = statements.clone();
        let mut manager = ManagerConfig::default();
        // The default recycling runs a test query at every checkout.
        manager.recycling_method = RecyclingMethod::Fast;
        let config = Arc::new(config);
        let setup = config.clone();
        manager.custom_setup = Box::new(move |_| connect(setup.clone(), counter.clone()).boxed());
        let manager = AsyncDieselConnectionManager::new_with_config(address, manager);
        let pool = Pool::builder(manager)
            .max_size(connections)
            .wait_timeout(Some(WAIT))
            .create_timeout(Some(WAIT))
            .runtime(deadpool::Runtime::Tokio1)
            .build()
            .map_err(|error| Message::new("database-address-ill-formed").with("reason", error.to_string()))?;
        Ok(Self { pool, config, statements })
    }

    /// A connection from the pool.
    pub async fn connection(&self) -> Result<Connection, Fault> {
        self.pool.get().await.map_err(|error| match error {
            PoolError::Backend(error) => Fault::unavailable(error),
            PoolError::Timeout(_)
            | PoolError::Closed
            | PoolError::NoRuntimeSpecified
            | PoolError::PostCreateHook(_) => Fault::unavailable(error),
        })
    }

    /// How many connections the pool has at the most.
    pub fn connections(&self) -> usize {
        self.pool.status().max_size
    }

    /// A connection beside the pool, for COPY, which the pool's do not speak. It ends with the client.
    pub async fn raw(&self) -> Result<tokio_postgres::Client, Fault> {
        let unreachable = |error: tokio_postgres::Error| Fault::unavailable(reason(&error));
        if is_plain(&self.config) {
            let (client, driver) = self.config.connect(NoTls).await.map_err(unreachable)?;
            // What breaks the connection, every statement on it tells.
            tokio::spawn(driver.map(drop));
            Ok(client)
        } else {
            let tls = tls().map_err(Fault::unavailable)?;
            let (client, driver) = self.config.connect(tls).await.map_err(unreachable)?;
            tokio::spawn(driver.map(drop));
            Ok(client)
        }
    }

    /// A connection of its own beside the pool, for whoever waits for notifications on it.
    pub async fn dedicated(&self) -> Result<AsyncPgConnection, Fault> {
        // What is sent on it belongs to no request, so nobody's statements count it.
        connect(self.config.clone(), Arc::default()).await.map_err(Fault::unavailable)
    }

    /// How many statements have been sent through this pool, ever.
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// Whether a connection can be had and answers.
    pub async fn check(&self) -> Result<(), Fault> {
        let mut connection = self.connection().await?;
        connection.batch_execute("SELECT 1").await.map_err(Fault::unavailable)
    }
}

/// Counts statements, so that tests can hold every list to its number.
struct StatementCounter(Arc<AtomicU64>);

impl Instrumentation for StatementCounter {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if matches!(event, InstrumentationEvent::StartQuery { .. }) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

async fn connect(
    config: Arc<tokio_postgres::Config>,
    statements: Arc<AtomicU64>,
) -> Result<AsyncPgConnection, ConnectionError> {
    let bad = |error: &dyn std::fmt::Display| ConnectionError::BadConnection(error.to_string());
    let mut connection = if is_plain(&config) {
        let (client, driver) = config.connect(NoTls).await.map_err(|error| bad(&reason(&error)))?;
        AsyncPgConnection::try_from_client_and_connection(client, driver).await?
    } else {
        let tls = tls().map_err(|error| bad(&error))?;
        let (client, driver) = config.connect(tls).await.map_err(|error| bad(&reason(&error)))?;
        AsyncPgConnection::try_from_client_and_connection(client, driver).await?
    };
    connection.set_instrumentation(StatementCounter(statements));
    Ok(connection)
}

/// Whether the connection needs no TLS: it is on this machine, or nobody wants it.
fn is_plain(config: &tokio_postgres::Config) -> bool {
    let on_socket = config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)));
    on_socket || config.get_ssl_mode() == SslMode::Disable
}

/// TLS that trusts what the machine trusts.
fn tls() -> Result<MakeRustlsConnect, rustls::Error> {
    use rustls_platform_verifier::BuilderVerifierExt;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// The library's own text names the layer; what a person needs is the cause behind it.
fn reason(error: &tokio_postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => source.to_string(),
        None => error.to_string(),
    }
}
