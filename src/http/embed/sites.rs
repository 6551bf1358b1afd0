//! The sites that show listings: what they agreed to, and how often each asks.
//!
//! A count is of a site, a day and a listing. Nothing is noted of who reads.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::NaiveDate;
use quick_cache::sync::Cache;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::changes::cursor::Cursor;
use crate::domain::site::store::{self, Use};
use crate::error::{Code, Fault};
use crate::graph::id::Thing;
use crate::http::Hub;
use crate::http::execution::Asker;
use crate::policy::Viewer;
use crate::text::messages::Message;

/// What it costs to look up a site: whoever makes up ids does not have many looked up.
const LOOK_UP_COST: u64 = 100;

/// How many sites are remembered.
const REMEMBERED: usize = 1_000;

/// How many counts wait to be written at the most: beyond that nothing is counted until they are.
const MAX_WAITING: usize = 10_000;

/// How often what was counted is written.
pub const WRITE_EVERY: Duration = Duration::from_secs(10);

/// What was counted and is not written yet.
type Waiting = HashMap<(Uuid, NaiveDate, &'static str), i64>;

/// The sites that ask.
pub struct Sites {
    known: Cache<(Uuid, Uuid, i64), Option<Arc<Terms>>>,
    waiting: Mutex<Waiting>,
}

/// What a site agreed to.
pub struct Terms {
    id: Uuid,
    own: store::Terms,
}

impl Default for Sites {
    fn default() -> Self {
        Self { known: Cache::new(REMEMBERED), waiting: Mutex::default() }
    }
}

impl Terms {
    /// The origins of its pages.
    pub fn origins(&self) -> &[String] {
        &self.own.origins
    }

    /// Whether a page of this origin is one of its own.
    pub fn has(&self, origin: &str) -> bool {
        self.own.origins.iter().any(|own| own.eq_ignore_ascii_case(origin))
    }

    /// Whether it may show a kind of listing.
    pub fn shows(&self, listing: &str) -> bool {
        self.own.listings.is_empty() || self.own.listings.iter().any(|own| own == listing)
    }
}

impl Sites {
    /// What the site of this id agreed to, as it was when the log stood there: a change of it is in the log.
    pub async fn terms(&self, asker: &Asker, site: &str, at: Cursor) -> Result<Arc<Terms>, Fault> {
        let unknown = || Fault::new(Code::NotFound, Message::new("embed-site-unknown"));
        let id = Thing::Site.read(site).ok_or_else(unknown)?;
        let key = (id, at.epoch, at.position);
        if let Some(known) = self.known.get(&key) {
            return known.ok_or_else(unknown);
        }
        asker.spend(LOOK_UP_COST)?;
        let mut conn = asker.hub.db().connection().await?;
        let own = store::terms(&mut conn, &Viewer::Anonymous, id).await?;
        let terms = own.map(|own| Arc::new(Terms { id, own }));
        self.known.insert(key, terms.clone());
        terms.ok_or_else(unknown)
    }

    /// Counts that a site showed a listing.
    pub fn count(&self, terms: &Terms, listing: &'static str, day: NaiveDate) {
        let mut waiting = self.waiting();
        let has_room = waiting.len() < MAX_WAITING;
        match waiting.get_mut(&(terms.id, day, listing)) {
            Some(count) => *count = count.saturating_add(1),
            None if has_room => {
                waiting.insert((terms.id, day, listing), 1);
            }
            None => {}
        }
    }

    /// Writes what was counted. What cannot be written is counted again with the next.
    pub async fn write(&self, hub: &Hub) -> Result<(), Fault> {
        let counted = std::mem::take(&mut *self.waiting());
        if counted.is_empty() {
            return Ok(());
        }
        let uses: Vec<Use> = counted
            .iter()
            .map(|((site, day, listing), count)| Use {
                site: *site,
                day: *day,
                listing: (*listing).to_owned(),
                count: *count,
            })
            .collect();
        let written = async {
            let mut conn = hub.db().connection().await?;
            store::count_uses(&mut conn, &Viewer::system("counting how often sites show listings"), uses).await
        };
        let outcome: Result<(), Fault> = written.await;
        if outcome.is_err() {
            let mut waiting = self.waiting();
            for (key, count) in counted {
                let entry = waiting.entry(key).or_default();
                *entry = entry.saturating_add(count);
            }
        }
        outcome
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        // Nothing that holds the lock can panic half-way.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes what was counted from time to time, until the hub is gone.
pub fn keep_writing(hub: Hub) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut stopping = hub.stopping();
        loop {
            tokio::select! {
                () = tokio::time::sleep(WRITE_EVERY) => {}
                () = crate::http::is_stopping(&mut stopping) => return,
            }
            if let Err(fault) = hub.embeds().sites().write(&hub).await {
                tracing::warn!(
                    cause = fault.cause(),
                    "the uses of listings are counted, and cannot be written for the moment"
                );
            }
        }
    })
}
