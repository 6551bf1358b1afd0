//! Synthetic data for a hub that is empty: as much as wanted, always the same for the same scale and seed.
//!
//! What is made is made as records, so that the hash of each line is the one that an import of the exported line would
//! compute; the rows that the stores and triggers would have written beside them are written along (a test compares the
//! two). They are copied into tables without indexes, foreign keys and triggers, which are put back afterwards as the
//! database's catalogue described them.
//!
//! **Invariant:** all of it is one transaction. Whoever looks sees an empty hub or the whole of the data, also when the
//! process or the server dies half-way. What is slow besides (the words by which items are found) is worked out
//! meanwhile on two connections of their own, which write to temporary tables alone.

mod chance;
mod communities;
mod edges;
mod items;
mod loading;
mod made;
mod organizations;
mod people;
mod projects;
mod rows;
mod search;
mod sentences;
mod texts;
mod topics;
mod words;
mod world;

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::db::Db;
use crate::error::Fault;
use crate::text::messages::Message;
use crate::transfer::generate::loading::Loader;
use crate::transfer::generate::rows::Batch;
use crate::transfer::generate::search::Indexer;
use crate::transfer::generate::texts::Tags;
use crate::transfer::generate::world::World;

/// The largest scale: two million items.
pub const MAX_SCALE: f64 = 10.0;

/// How many threads make rows, and how many connections work out what items are found by, beside the one that loads. It
/// says nothing about which rows are made.
const LANES: usize = 2;

/// How many chunks of a lane wait for the database at most; each is a megabyte or two.
const WAITING: usize = 3;

/// What is told of the progress: the stage, how much of it is done, and how much there is. Stages are words for programs:
/// `items`, `topics`, `organizations`, `communities`, `people`, `roles`, `projects` and `links` count nodes (people come
/// with their memberships, links are counted by community), then come `indexes`, `documents` and `statistics`.
pub type Progress = Arc<dyn Fn(&'static str, u64, u64) + Send + Sync>;

/// What to make.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// How much, more than 0 and at most [`MAX_SCALE`]: at 1 there are 200,000 items and 100,000 people.
    pub scale: f64,
    /// What chance begins with. Another seed makes other data of the same size.
    pub seed: u64,
}

/// How many nodes were made of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Topics.
    pub topics: u64,
    /// Organizations.
    pub organizations: u64,
    /// Communities.
    pub communities: u64,
    /// People.
    pub people: u64,
    /// Roles.
    pub roles: u64,
    /// Memberships.
    pub memberships: u64,
    /// Projects.
    pub projects: u64,
    /// Items.
    pub items: u64,
    /// Links.
    pub links: u64,
}

impl Report {
    /// How many nodes were made in all.
    pub fn nodes(&self) -> u64 {
        self.topics
            + self.organizations
            + self.communities
            + self.people
            + self.roles
            + self.memberships
            + self.projects
            + self.items
            + self.links
    }
}

/// What rows are made from.
struct Maker {
    world: World,
    tags: Tags,
}

/// Fills an empty hub with synthetic data. Other writers and readers wait until it is done.
///
/// Refused with `generate-scale` for a scale out of bounds and with `generate-not-empty` when the hub has nodes.
pub async fn generate(db: &Db, plan: Plan, progress: Progress) -> Result<Report, Fault> {
    if !(plan.scale > 0.0 && plan.scale <= MAX_SCALE) {
        return Err(Message::new("generate-scale").with("max", MAX_SCALE as i64).into());
    }
    let maker = Arc::new(Maker { world: World::new(plan), tags: Tags::new()? });
    let mut loader = Loader::begin(db.raw().await?, progress.clone()).await?;
    let mut indexers = Vec::new();
    for _ in 0..LANES {
        indexers.push(Indexer::prepare(db.raw().await?).await?);
    }
    loader.strip().await?;
    let (mut making, mut indexing, mut made) = (Vec::new(), Vec::new(), Vec::new());
    for (lane, indexer) in indexers.into_iter().enumerate() {
        let (to_load, chunks) = mpsc::channel(WAITING);
        made.push(chunks);
        let (to_index, chunks) = mpsc::channel(WAITING);
        indexing.push(tokio::spawn(indexer.run(chunks)));
        let maker = maker.clone();
        making.push(tokio::task::spawn_blocking(move || make(&maker, lane, &to_load, to_index)));
    }
    let report = loader.load(made).await?;
    for task in making {
        task.await.map_err(|panic| Fault::internal("making rows", panic))??;
    }
    loader.derive().await?;
    loader.restore_all_but_search().await?;
    let mut indexers = Vec::new();
    for task in indexing {
        indexers.push(task.await.map_err(|panic| Fault::internal("indexing", panic))??);
    }
    for (nth, indexer) in (1..).zip(&indexers) {
        loader.load_documents(indexer).await?;
        progress("documents", nth, LANES as u64);
    }
    loader.restore_search().await?;
    loader.commit().await?;
    if let Err(fault) = search::analyze(&indexers).await {
        // The data are there all the same, and the server will do it by itself some time.
        tracing::warn!(%fault, "the planner does not know the new rows yet");
    }
    progress("statistics", 1, 1);
    Ok(report)
}

/// Rows of nodes that were made together.
pub struct Chunk {
    /// What they are, for the progress.
    pub stage: &'static str,
    /// How many of the stage have been made with this chunk.
    pub done: u64,
    /// How many there are in the stage.
    pub total: u64,
    /// The rows.
    pub batch: Batch,
}

/// One kind of things to make.
struct Stage {
    name: &'static str,
    total: usize,
    /// How many are made at a time, so that the rows come to a megabyte or two.
    chunk: usize,
    write: fn(&Maker, usize, &mut Batch) -> Result<(), Fault>,
    is_searched: bool,
}

/// Makes every chunk of one lane; items first, because what they are found by takes longest.
fn make(
    maker: &Maker,
    lane: usize,
    to_load: &mpsc::Sender<Arc<Chunk>>,
    to_index: mpsc::Sender<Arc<Chunk>>,
) -> Result<(), Fault> {
    // The indexer begins when it has all there is.
    let mut to_index = Some(to_index);
    let mut nth = 0;
    for stage in stages(maker) {
        let indexer = if stage.is_searched { to_index.as_ref() } else { to_index.take().and(None) };
        for start in (0..stage.total).step_by(stage.chunk) {
            nth += 1;
            if nth % LANES != lane {
                continue;
            }
            let end = stage.total.min(start + stage.chunk);
            let mut batch = Batch::empty();
            for row in start..end {
                (stage.write)(maker, row, &mut batch)?;
            }
            let chunk = Arc::new(Chunk { stage: stage.name, done: end as u64, total: stage.total as u64, batch });
            // Whoever does not listen any more has an error to tell.
            if let Some(indexer) = indexer
                && indexer.blocking_send(chunk.clone()).is_err()
            {
                return Ok(());
            }
            if to_load.blocking_send(chunk).is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn stages(maker: &Maker) -> [Stage; 8] {
    let (counts, posts) = (maker.world.counts, maker.world.posts.len());
    let stage = |name, total, chunk, write| Stage { name, total, chunk, write, is_searched: false };
    [
        Stage { is_searched: true, ..stage("items", counts.items, 500, items::write) },
        stage("topics", counts.topics, 500, topics::write),
        stage("organizations", counts.organizations, 500, organizations::write),
        stage("communities", counts.communities, 500, communities::write),
        stage("people", counts.people, 500, people::write),
        stage("roles", posts, 2_000, edges::write_role),
        stage("projects", counts.projects, 1_000, projects::write),
        stage("links", counts.communities, 2_000, edges::write_links),
    ]
}
