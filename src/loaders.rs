//! The loaders of one operation; the only file that names the `dataloader` crate.
//!
//! What the crate asks for (measured): only `try_load`, as `load` panics on a missing key; one set per operation,
//! never shared, as its lock is held while a batch runs; batches of 10,000, as the one that fills a batch runs it
//! under the lock; three yields, as every wake of a request polls its whole tree of resolvers again; and the SQL in a
//! task of its own for the same reason. A batch answers every key, errors travel as values, and a load that lost its
//! batch to a cancelled request is tried once more.
//!
//! What operations share is the shelf ([`shelf`]), where a load looks first: what lies there is answered at once, without
//! a batch, a wake or a statement.

pub mod found;
pub mod lists;
pub mod parts;
pub mod shelf;

use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use dataloader::BatchFn;
use dataloader::cached::Loader;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tracing::{Instrument, Span, field};

use crate::db::{Db, tally};
use crate::domain::account::store::grants::Grants;
use crate::domain::account::store::rows::Accounts;
use crate::domain::account::store::sessions::Sessions;
use crate::domain::account::store::tokens::Tokens;
use crate::domain::audit::store::Readings;
use crate::domain::community::store::Communities;
use crate::domain::contact::store::Messages;
use crate::domain::item::author::store::Authors;
use crate::domain::item::store::Items;
use crate::domain::link::store::Links;
use crate::domain::membership::store::Memberships;
use crate::domain::membership::store::applications::Applications;
use crate::domain::organization::store::Organizations;
use crate::domain::person::store::People;
use crate::domain::project::participant::store::Participants;
use crate::domain::project::store::Projects;
use crate::domain::role::store::Roles;
use crate::domain::site::store::Sites;
use crate::domain::source::store::Sources;
use crate::domain::topic::store::Topics;
use crate::domain::translation::store::Works;
use crate::error::Fault;
use crate::loaders::found::{HitCounts, HitFacets, Hits};
use crate::loaders::lists::Lists;
use crate::loaders::parts::{
    ActiveMembers, Affiliations, Bodies, Consents, NamesOfAccounts, Origins, PersonsOfAccounts, SiteUses, Slugs,
    TranslationGaps,
};
use crate::loaders::shelf::Shelf;
use crate::policy::Viewer;

/// The largest batch. One that is fuller takes a statement more.
const MAX_BATCH: usize = 10_000;

/// The largest question whose bytes its answers share.
const MAX_SHARED_BYTES: usize = 1_024;

/// The target of spans: without traces it is filtered out, so that they cost nothing.
pub const TRACE: &str = "hub::trace";

/// How often a load yields before it runs its batch, so that the others of its level can join.
const YIELDS: usize = 3;

/// Something that is looked up for many at once.
pub trait Load: Sized + Send + Sync + 'static {
    /// What is asked of each of them: one statement answers it for all. `()` where there is but one thing to ask.
    type Asked: Clone + Debug + Eq + Hash + Send + Sync + 'static;
    /// Of what it is asked.
    type Of: Clone + Debug + Eq + Hash + Send + Sync + 'static;
    /// What is found; the default value is the answer for what nothing is found of.
    type Value: Clone + Default + Send + Sync + 'static;

    /// Looks up what is asked.
    fn fetch(
        reader: &Reader,
        asked: &Self::Asked,
        of: Vec<Self::Of>,
    ) -> impl Future<Output = Result<HashMap<Self::Of, Self::Value>, Fault>> + Send;

    /// How many rows an answer is, for the log.
    fn rows(_value: &Self::Value) -> usize {
        1
    }

    /// About how many bytes a question holds besides its own size.
    fn asked_bytes(_asked: &Self::Asked) -> usize {
        0
    }

    /// About how many bytes an answer holds besides its own size, with what it is of.
    fn held_bytes(of: &Self::Of, value: &Self::Value) -> usize;

    /// What lies on the shelf.
    fn find(shelf: &Shelf, asked: &Self::Asked, of: &Self::Of) -> Option<Self::Value> {
        shelf.find::<Self, _, _, _>(asked, of)
    }

    /// Lays down what was looked up.
    fn lay(shelf: &Shelf, asked: &Self::Asked, found: &[(Self::Of, Self::Value)]) {
        let share = share_bytes(Self::asked_bytes(asked), found.len());
        for (of, value) in found {
            let held = Self::held_bytes(of, value).saturating_add(share);
            shelf.lay::<Self, _, _, _>(asked.clone(), of.clone(), value.clone(), held);
        }
    }
}

/// Who reads, and from where.
pub struct Reader {
    /// The database.
    pub db: Db,
    /// Who asks.
    pub viewer: Arc<Viewer>,
    /// What others have loaded; null: everything is read anew.
    shelf: Option<Arc<Shelf>>,
}

impl Reader {
    /// A reader of the database, and of the shelf if it is one whom the shelf is for.
    pub fn new(db: Db, viewer: Arc<Viewer>, shelf: Option<Arc<Shelf>>) -> Self {
        let shelf = shelf.filter(|_| *viewer == Viewer::Anonymous);
        Self { db, viewer, shelf }
    }
}

/// The loaders of one operation.
pub struct Loaders {
    /// Topics.
    pub topics: Lists<Topics>,
    /// Organizations.
    pub organizations: Lists<Organizations>,
    /// Communities.
    pub communities: Lists<Communities>,
    /// People.
    pub people: Lists<People>,
    /// Roles.
    pub roles: Lists<Roles>,
    /// Memberships.
    pub memberships: Lists<Memberships>,
    /// Applications for memberships.
    pub applications: Lists<Applications>,
    /// Projects.
    pub projects: Lists<Projects>,
    /// Who works in projects.
    pub participants: Lists<Participants>,
    /// Items.
    pub items: Lists<Items>,
    /// Who made items.
    pub authors: Lists<Authors>,
    /// Links.
    pub links: Lists<Links>,
    /// Sources.
    pub sources: Lists<Sources>,
    /// Accounts.
    pub accounts: Lists<Accounts>,
    /// Rights.
    pub grants: Lists<Grants>,
    /// Tokens.
    pub tokens: Lists<Tokens>,
    /// Sessions.
    pub sessions: Lists<Sessions>,
    /// Who read what of people.
    pub readings: Lists<Readings>,
    /// Messages to coordinators.
    pub messages: Lists<Messages>,
    /// Websites that show the hub's listings.
    pub sites: Lists<Sites>,
    /// How often a site was served listings.
    pub site_uses: Batch<SiteUses>,
    /// The person of an account; null: none.
    pub persons_of_accounts: Batch<PersonsOfAccounts>,
    /// What an account is called.
    pub names_of_accounts: Batch<NamesOfAccounts>,
    /// The consents of a person, as far as they may be seen.
    pub consents: Batch<Consents>,
    /// The affiliations of a person.
    pub affiliations: Batch<Affiliations>,
    /// How many active memberships a community has.
    pub active_members: Batch<ActiveMembers>,
    /// The body of an item.
    pub bodies: Batch<Bodies>,
    /// Where the texts of a node come from.
    pub origins: Batch<Origins>,
    /// Nodes that have something left to translate.
    pub translation_works: Lists<Works>,
    /// What is left to translate of a node.
    pub translation_gaps: Batch<TranslationGaps>,
    /// The node of a slug.
    pub slugs: Batch<Slugs>,
    /// Pages of what searches find.
    pub hits: Batch<Hits>,
    /// How much searches find.
    pub hit_counts: Batch<HitCounts>,
    /// How what searches find divides.
    pub hit_facets: Batch<HitFacets>,
}

impl Loaders {
    /// Nothing is made before its first use.
    pub fn new(reader: &Arc<Reader>) -> Self {
        Self {
            topics: Lists::new(reader),
            organizations: Lists::new(reader),
            communities: Lists::new(reader),
            people: Lists::new(reader),
            roles: Lists::new(reader),
            memberships: Lists::new(reader),
            applications: Lists::new(reader),
            projects: Lists::new(reader),
            participants: Lists::new(reader),
            items: Lists::new(reader),
            authors: Lists::new(reader),
            links: Lists::new(reader),
            sources: Lists::new(reader),
            accounts: Lists::new(reader),
            grants: Lists::new(reader),
            tokens: Lists::new(reader),
            sessions: Lists::new(reader),
            readings: Lists::new(reader),
            messages: Lists::new(reader),
            sites: Lists::new(reader),
            site_uses: Batch::new(reader),
            persons_of_accounts: Batch::new(reader),
            names_of_accounts: Batch::new(reader),
            consents: Batch::new(reader),
            affiliations: Batch::new(reader),
            active_members: Batch::new(reader),
            bodies: Batch::new(reader),
            origins: Batch::new(reader),
            translation_works: Lists::new(reader),
            translation_gaps: Batch::new(reader),
            slugs: Batch::new(reader),
            hits: Batch::new(reader),
            hit_counts: Batch::new(reader),
            hit_facets: Batch::new(reader),
        }
    }
}

/// A batched, cached look-up.
pub struct Batch<L: Load> {
    reader: Arc<Reader>,
    loader: OnceLock<Loader<Key<L>, Answer<L>, Runner<L>>>,
}

type Key<L> = (<L as Load>::Asked, <L as Load>::Of);

type Answer<L> = Result<<L as Load>::Value, Fault>;

struct Runner<L> {
    reader: Arc<Reader>,
    load: PhantomData<fn() -> L>,
}

impl<L: Load<Asked = ()>> Batch<L> {
    /// What there is of this, together with whatever else is looked up at the same level.
    pub async fn load(&self, of: L::Of) -> Answer<L> {
        self.ask((), of).await
    }
}

impl<L: Load> Batch<L> {
    fn new(reader: &Arc<Reader>) -> Self {
        Self { reader: reader.clone(), loader: OnceLock::new() }
    }

    /// What is asked of this, together with whatever else is looked up at the same level.
    pub async fn ask(&self, asked: L::Asked, of: L::Of) -> Answer<L> {
        if let Some(value) = self.reader.shelf.as_ref().and_then(|shelf| L::find(shelf, &asked, &of)) {
            return Ok(value);
        }
        // In a box: the future of every field is as large as that of the largest field of its type.
        self.miss((asked, of)).boxed().await
    }

    async fn miss(&self, key: Key<L>) -> Answer<L> {
        let loader = self.loader.get_or_init(|| {
            let runner = Runner { reader: self.reader.clone(), load: PhantomData };
            Loader::new(runner).with_max_batch_size(MAX_BATCH).with_yield_count(YIELDS)
        });
        if let Ok(answer) = loader.try_load(key.clone()).await {
            return answer;
        }
        // Whoever ran the batch was cancelled, so nobody has the answer.
        loader.try_load(key).await.unwrap_or_else(|error| Err(Fault::internal("loading", error)))
    }
}

/// What a batch found so far.
type Found<L> = Mutex<HashMap<Key<L>, Answer<L>>>;

impl<L: Load> BatchFn<Key<L>, Answer<L>> for Runner<L> {
    async fn load(&mut self, keys: &[Key<L>]) -> HashMap<Key<L>, Answer<L>> {
        let found = Arc::<Found<L>>::default();
        if apart(run::<L>(self.reader.clone(), keys.to_vec(), found.clone()).boxed()).await {
            return std::mem::take(&mut *lock(&found));
        }
        // What a panic says may hold what was loaded.
        let fault = Fault::internal("loading", "it panicked or was cut short");
        keys.iter().map(|key| (key.clone(), Err(fault.clone()))).collect()
    }
}

/// Runs a batch in a task of its own; the answer is whether it came to its end. This, and all that is in a box below, is made
/// once and not for each of a hundred types of batches.
async fn apart(batch: BoxFuture<'static, ()>) -> bool {
    tokio::spawn(batch.in_current_span()).await.is_ok()
}

fn lock<T>(found: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that holds the lock can panic half-way.
    found.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers every key, with one fetch for each question. What goes wrong with one question is not told of another.
async fn run<L: Load>(reader: Arc<Reader>, keys: Vec<Key<L>>, found: Arc<Found<L>>) {
    let mut questions: HashMap<L::Asked, Vec<L::Of>> = HashMap::new();
    for (asked, of) in keys {
        questions.entry(asked).or_default().push(of);
    }
    let answers = questions.into_iter().map(|(asked, all)| {
        let span = span_of(std::any::type_name::<L>(), all.len());
        answer::<L>(&reader, asked, all, &found).boxed().instrument(span)
    });
    futures_util::future::join_all(answers).await;
}

async fn answer<L: Load>(reader: &Reader, asked: L::Asked, all: Vec<L::Of>, answers: &Found<L>) {
    let (began, keys) = (Instant::now(), all.len());
    let mut found = match L::fetch(reader, &asked, all.clone()).await {
        Ok(found) => found,
        Err(fault) => {
            return lock(answers).extend(all.into_iter().map(|of| ((asked.clone(), of), Err(fault.clone()))));
        }
    };
    let found: Vec<(L::Of, L::Value)> =
        all.into_iter().map(|of| found.remove_entry(&of).unwrap_or_else(|| (of, L::Value::default()))).collect();
    let rows = found.iter().map(|(_, value)| L::rows(value)).sum();
    note(reader, tally::Batch { what: std::any::type_name::<L>(), keys, rows, took: began.elapsed() });
    if let Some(shelf) = &reader.shelf {
        L::lay(shelf, &asked, &found);
    }
    lock(answers).extend(found.into_iter().map(|(of, value)| ((asked.clone(), of), Ok(value))));
}

/// The span of a question.
fn span_of(what: &str, keys: usize) -> Span {
    tracing::info_span!(target: TRACE, "load", otel.name = tally::short_name(what), keys, rows = field::Empty)
}

/// Notes a batch for the operation that it was loaded for.
fn note(reader: &Reader, batch: tally::Batch) {
    Span::current().record("rows", batch.rows);
    if let Some(tally) = reader.db.tally() {
        tally.note_batch(batch);
    }
}

/// How much of a question each of its answers is charged with: a small one is shared, while of a large one as much stays
/// when one answer is left.
fn share_bytes(asked_bytes: usize, answers: usize) -> usize {
    match asked_bytes {
        ..=MAX_SHARED_BYTES => asked_bytes.checked_div(answers).unwrap_or_default(),
        _ => asked_bytes,
    }
}
