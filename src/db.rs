//! The database: connections, reads, the write transaction, and everything that speaks to PostgreSQL for all kinds.

pub mod address;
pub mod audit;
pub mod backoff;
pub mod backup;
pub mod bounds;
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
pub mod storage;
pub mod tally;
pub mod text_origins;
pub mod write;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use deadpool::managed::TimeoutType;
use diesel::ConnectionError;
use diesel_async::pooled_connection::deadpool::{Object, Pool, PoolError};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use futures_util::FutureExt;

use crate::db::address::Address;
use crate::db::bounds::Bounds;
use crate::db::storage::Storage;
use crate::db::tally::{Counter, Tally, Writes};
use crate::error::Fault;
use crate::text::messages::Message;

/// A connection on loan from the pool.
pub type Connection = Object<AsyncPgConnection>;

/// How long somebody without a bound waits for a connection before they are told that the database cannot be reached.
const WAIT: Duration = Duration::from_secs(10);

/// The hub's connections to its database. Clones share them.
#[derive(Clone)]
pub struct Db {
    pool: Pool<AsyncPgConnection>,
    address: Arc<Address>,
    statements: Arc<AtomicU64>,
    /// Whose statements are counted besides; null: nobody's.
    tally: Option<Arc<Tally>>,
    writes: Arc<Writes>,
    /// Where it lies; null: it is not the hub's own, or whoever has this writes however little room there is.
    storage: Option<Arc<Storage>>,
}

/// How the connections of the pool are used at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolUse {
    /// How many are on loan.
    pub in_use: usize,
    /// How many wait for somebody.
    pub idle: usize,
    /// How many there may be.
    pub max: usize,
    /// How many tasks wait for one.
    pub waiting: usize,
}

impl Db {
    /// Prepares a pool, and reads the certificates that the address names; the first connection is made when one is asked for.
    ///
    /// `connections`: 4 are enough for two cores, 16 were slower (measured with the reference queries).
    pub fn with_address(address: &str, connections: usize) -> Result<Self, Message> {
        let address = Arc::new(Address::read(address)?);
        let pool = pool(&address, connections, Bounds::default())?;
        Ok(Self { pool, address, statements: Arc::default(), tally: None, writes: Arc::default(), storage: None })
    }

    /// The same database by as many connections of their own, on which nothing takes longer than it may.
    pub fn bounded(&self, bounds: Bounds) -> Result<Self, Message> {
        let pool = pool(&self.address, self.connections(), bounds)?;
        Ok(Self { pool, ..self.clone() })
    }

    /// The same connections for whoever may write only while there is room; null: there always is.
    pub fn within(self, storage: Option<Storage>) -> Self {
        Self { storage: storage.map(Arc::new), ..self }
    }

    /// The same connections for what goes on however little room there is: what is due, what is forgotten, whoever leaves.
    pub fn for_upkeep(&self) -> Self {
        Self { storage: None, ..self.clone() }
    }

    /// Whether there is room to write. Looks at the volume once a second at the most.
    pub fn has_room(&self) -> bool {
        self.storage.as_ref().is_none_or(|storage| storage.has_room())
    }

    /// Refuses with `STORAGE_LOW` when there is no room to write.
    pub fn require_room(&self) -> Result<(), Fault> {
        if self.has_room() { Ok(()) } else { Err(Fault::storage_low()) }
    }

    /// A connection from the pool.
    pub async fn connection(&self) -> Result<Connection, Fault> {
        let connection = self.pool.get().await.map_err(|error| match error {
            PoolError::Backend(error) => Fault::unavailable(error),
            PoolError::Timeout(TimeoutType::Wait) => Fault::busy("all connections are in use"),
            PoolError::Timeout(TimeoutType::Create | TimeoutType::Recycle)
            | PoolError::Closed
            | PoolError::NoRuntimeSpecified
            | PoolError::PostCreateHook(_) => Fault::unavailable(error),
        });
        connection.map(|connection| self.counting(connection))
    }

    /// The same connections; what is sent on them through this clone is counted by `tally` too.
    pub fn counted(&self, tally: Arc<Tally>) -> Self {
        Self { tally: Some(tally), ..self.clone() }
    }

    /// The operation whose statements are counted; null: nobody's.
    pub fn tally(&self) -> Option<&Tally> {
        self.tally.as_deref()
    }

    /// Each time, as whoever had the connection before may have counted for another operation.
    fn counting(&self, mut connection: Connection) -> Connection {
        let counter = Counter::new(self.statements.clone(), self.tally.clone());
        AsyncConnection::set_instrumentation(&mut *connection, counter);
        connection
    }

    /// The writes that are under way in this process.
    pub fn writes(&self) -> &Arc<Writes> {
        &self.writes
    }

    /// How the connections are used at the moment.
    pub fn pool_use(&self) -> PoolUse {
        let status = self.pool.status();
        let in_use = status.size.saturating_sub(status.available);
        PoolUse { in_use, idle: status.available, max: status.max_size, waiting: status.waiting }
    }

    /// How many connections the pool has at the most.
    pub fn connections(&self) -> usize {
        self.pool.status().max_size
    }

    /// A connection beside the pool, for COPY, which the pool's do not speak. It ends with the client.
    pub async fn raw(&self) -> Result<tokio_postgres::Client, Fault> {
        self.address.client().await.map_err(Fault::unavailable)
    }

    /// A connection of its own beside the pool, for whoever waits for notifications on it; nothing on it is bounded.
    pub async fn dedicated(&self) -> Result<AsyncPgConnection, Fault> {
        // What is sent on it belongs to no request, so nobody's statements count it.
        connect(self.address.clone(), Bounds::default()).await.map_err(Fault::unavailable)
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

fn pool(address: &Arc<Address>, connections: usize, bounds: Bounds) -> Result<Pool<AsyncPgConnection>, Message> {
    let address = address.clone();
    let mut manager = ManagerConfig::default();
    // The default recycling runs a test query at every checkout.
    manager.recycling_method = RecyclingMethod::Fast;
    manager.custom_setup = Box::new(move |_| connect(address.clone(), bounds).boxed());
    // The address is read already; its text would be kept in vain.
    let manager = AsyncDieselConnectionManager::new_with_config("", manager);
    let wait = Some(bounds.connection_wait.unwrap_or(WAIT));
    Pool::builder(manager)
        .max_size(connections)
        .wait_timeout(wait)
        .create_timeout(wait)
        .runtime(deadpool::Runtime::Tokio1)
        .build()
        .map_err(|error| Message::new("database-address-ill-formed").with("reason", error.to_string()))
}

async fn connect(address: Arc<Address>, bounds: Bounds) -> Result<AsyncPgConnection, ConnectionError> {
    let mut connection = address.connection().await?;
    bounds.set_up(&mut connection).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}
