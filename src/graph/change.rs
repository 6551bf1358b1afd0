//! The change log in the contract: its entries, its cursor, its pages and its stream.

use std::sync::Arc;

use async_graphql::connection::PageInfo;
use async_graphql::{Context, ID, InputObject, Object, Subscription};
use futures_util::Stream;

use crate::changes::cursor::Cursor;
use crate::changes::routes::Filter;
use crate::changes::{Told, follow};
use crate::db::log::ChangeAction;
use crate::error::Fault;
use crate::graph::id;
use crate::graph::live::{self, Delivery, Opening, What};
use crate::graph::node::{self, Node};
use crate::graph::page::{DEFAULT_SIZE, MAX_SIZE};
use crate::graph::scope::Scope;
use crate::graph::text::{self, DateTime, LanguageTag};
use crate::graph::word::{self, Word};
use crate::policy::NodeKind;
use crate::text::language;
use crate::text::messages::Message;

/// How many entries one page looks at before it ends, found or not: a filter may pass over nearly all.
const ENTRIES_PER_PAGE: usize = 5_000;

/// How many entries are read at once.
const CHUNK: usize = 500;

/// A change of a node.
pub struct Change {
    told: Told,
    scope: Scope,
}

/// What happened to a node, as far as you can see it.
#[Object]
impl Change {
    /// What happened.
    async fn action(&self) -> Word<ChangeAction> {
        Word(self.told.action)
    }

    /// When.
    async fn changed_at(&self) -> DateTime {
        DateTime(self.told.entry.created_at)
    }

    /// The kind of the node.
    async fn kind(&self) -> Word<NodeKind> {
        Word(self.told.kind)
    }

    /// The global id of the node.
    async fn node_id(&self) -> ID {
        id::encode(self.told.kind, self.told.entry.node_id)
    }

    /// The node as it is now; null: it was removed, or you cannot see it any more.
    async fn node(&self) -> Option<Result<Node, Fault>> {
        if self.told.action == ChangeAction::Removed {
            return None;
        }
        node::by_id(&self.scope, self.told.kind, self.told.entry.node_id).await.transpose()
    }

    /// The fields that changed, by their names in the contract, in alphabetical order; `audience`: who sees it.
    async fn fields(&self) -> Vec<&str> {
        let mut fields: Vec<&str> = self.told.entry.fields.iter().map(String::as_str).collect();
        fields.sort_unstable();
        fields.dedup();
        fields
    }

    /// The languages that the node has texts in.
    async fn languages(&self) -> Result<Vec<LanguageTag>, Fault> {
        let parse = |tag: &String| Ok(LanguageTag::from(&language::LanguageTag::parse(tag)?));
        self.told.entry.languages.iter().map(parse).collect()
    }
}

/// Narrows changes: each field that is given has to fit.
#[derive(InputObject, Default)]
pub struct ChangeFilterInput {
    /// Changes of these kinds of node.
    pub kinds: Option<Vec<Word<NodeKind>>>,
    /// Changes of these sorts.
    pub actions: Option<Vec<Word<ChangeAction>>>,
    /// Changes of one of these communities, or of what belongs to one.
    pub communities: Option<Vec<ID>>,
    /// Changes of one of these organizations, of a community that is linked to one, or of what belongs to that.
    pub organizations: Option<Vec<ID>>,
    /// Changes of one of these topics or a narrower one, or of what is about one.
    pub topics: Option<Vec<ID>>,
    /// Changes of what has texts in one of these languages; fr-CA and fr find each other.
    pub languages: Option<Vec<LanguageTag>>,
}

impl ChangeFilterInput {
    /// The filter. A value that cannot be used is `BAD_USER_INPUT`.
    pub fn check(self) -> Result<Filter, Fault> {
        let ids = |kind, ids: Option<Vec<ID>>| ids.map(|ids| id::decode_all(kind, ids)).transpose();
        let tags = |tags: Vec<LanguageTag>| -> Result<Vec<language::LanguageTag>, Fault> {
            text::filter_values(tags)?.iter().map(LanguageTag::check).collect()
        };
        Ok(Filter {
            kinds: self.kinds.map(word::words),
            actions: self.actions.map(word::words),
            communities: ids(NodeKind::Community, self.communities)?,
            organizations: ids(NodeKind::Organization, self.organizations)?,
            topics: ids(NodeKind::Topic, self.topics)?,
            languages: self.languages.map(tags).transpose()?,
        })
    }
}

/// A page of the change log.
pub struct ChangeConnection {
    edges: Vec<(Cursor, Told)>,
    /// The whole log was looked at up to here.
    through: Cursor,
    has_more: bool,
    is_start: bool,
    scope: Scope,
}

/// A page of the change log, in the order of the log.
#[Object]
impl ChangeConnection {
    /// The changes with their cursors.
    async fn edges(&self) -> Vec<ChangeEdge> {
        let edge = |(cursor, told): &(Cursor, Told)| ChangeEdge { cursor: *cursor, node: self.change(told) };
        self.edges.iter().map(edge).collect()
    }

    /// The changes alone.
    async fn nodes(&self) -> Vec<Change> {
        self.edges.iter().map(|(_, told)| self.change(told)).collect()
    }

    /// Where the page begins and ends, and whether the log goes on. `endCursor` is never null: whoever asks again from
    /// there, or subscribes from there, misses nothing and meets nothing twice. A page can be short, or empty, and still
    /// not be the last.
    async fn page_info(&self) -> PageInfo {
        PageInfo {
            has_previous_page: !self.is_start,
            has_next_page: self.has_more,
            start_cursor: self.edges.first().map(|(cursor, _)| cursor.write()),
            end_cursor: Some(self.through.write()),
        }
    }
}

impl ChangeConnection {
    fn change(&self, told: &Told) -> Change {
        Change { told: told.clone(), scope: self.scope.clone() }
    }
}

/// A change with its place in the log.
pub struct ChangeEdge {
    cursor: Cursor,
    node: Change,
}

/// A change with its place in the log.
#[Object]
impl ChangeEdge {
    /// The place in the log; following from here begins with the next change.
    async fn cursor(&self) -> String {
        self.cursor.write()
    }

    /// The change.
    async fn node(&self) -> &Change {
        &self.node
    }
}

/// The change log at the root.
#[derive(Default)]
pub struct ChangeQuery;

/// The change log at the root.
#[Object]
impl ChangeQuery {
    /// A cursor of the change log that is not later than anything else this operation reads: list first, then follow from
    /// here, and there is no gap.
    async fn change_cursor(&self, ctx: &Context<'_>) -> Result<String, Fault> {
        Ok(Scope::of_root(ctx, None)?.applied().write())
    }

    /// What happened after a cursor, oldest first, for those who ask from time to time instead of subscribing. A cursor
    /// that is none is `CURSOR_MALFORMED`, one of another log or too old `CURSOR_EXPIRED`, one of the future
    /// `CURSOR_AHEAD`.
    async fn changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 when it is not given.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor; null: from the oldest that is kept.")] after: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<ChangeFilterInput>,
        #[graphql(desc = "The languages to serve texts in, best first; null: those of the request.")] languages: Option<
            Vec<LanguageTag>,
        >,
    ) -> Result<ChangeConnection, Fault> {
        // What an entry tells of is to be read after the entry.
        let scope = Scope::of_root(ctx, languages)?.anew();
        let size = match first.unwrap_or(DEFAULT_SIZE) {
            size @ 1..=MAX_SIZE => usize::try_from(size).unwrap_or(1),
            size => return Err(Message::new("page-size-out-of-range").with("max", MAX_SIZE).with("size", size).into()),
        };
        let filter = filter.unwrap_or_default().check()?;
        let after = after.as_deref().map(Cursor::read).transpose()?;
        page(scope, size, after, filter).await
    }
}

async fn page(scope: Scope, size: usize, after: Option<Cursor>, filter: Filter) -> Result<ChangeConnection, Fault> {
    let start = match after {
        Some(cursor) => cursor,
        None => follow::start(scope.db()).await?,
    };
    let viewer = Arc::new(scope.viewer().clone());
    let mut reader = follow::Reader::open(scope.db(), viewer, start, filter).await?;
    let (mut edges, mut looked_at) = (Vec::new(), 0);
    let (through, has_more) = loop {
        let stretch = follow::read(scope.db(), reader.cursor(), CHUNK).await?;
        let epoch = stretch.epoch;
        let entries: Vec<Arc<_>> = stretch.entries.into_iter().map(Arc::new).collect();
        // Where an entry stands for many nodes, each round looks at a chunk of them.
        looked_at += entries.len().max(if reader.cursor().within == uuid::Uuid::max() { 0 } else { CHUNK });
        let told = reader.take(scope.db(), &entries).await?;
        let found = told.len();
        let room = size.saturating_sub(edges.len());
        edges.extend(told.into_iter().take(room).map(|told| (told.cursor(epoch), told)));
        if found > room {
            // The page ends with its last change, not with what was looked at.
            break (edges.last().map_or(start, |(cursor, _)| *cursor), true);
        }
        let is_read = entries.last().is_none_or(|entry| reader.cursor() == Cursor::at(epoch, entry.position));
        let has_more = stretch.has_more || !is_read;
        if !has_more || looked_at >= ENTRIES_PER_PAGE {
            break (reader.cursor(), has_more);
        }
    };
    Ok(ChangeConnection { edges, through, has_more, is_start: after.is_none(), scope })
}

/// A message of a stream of changes.
pub struct ChangeDelivery {
    delivery: Delivery,
    scope: Scope,
}

/// A message of a stream of changes: a change, or a bookmark without one.
#[Object]
impl ChangeDelivery {
    /// The place in the log; keep it, and after a cut follow from here.
    async fn cursor(&self) -> &str {
        self.delivery.cursor()
    }

    /// The change; null: a bookmark, which moves the cursor while nothing happens that you follow.
    async fn change(&self) -> Option<Change> {
        let told = self.delivery.told()?.clone();
        Some(Change { told, scope: self.scope.clone() })
    }
}

/// The change log as a stream.
#[derive(Default)]
pub struct ChangeSubscription;

/// The change log as a stream.
#[Subscription]
impl ChangeSubscription {
    /// Every change that you can see, once and in the order of the log. What you can no longer see is told as REMOVED.
    /// Errors as with the query of this name.
    async fn changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Begins after this cursor; null: from now on.")] after: Option<String>,
        #[graphql(desc = "Narrows the stream.")] filter: Option<ChangeFilterInput>,
        #[graphql(desc = "Whether to move the cursor at least every 30 seconds; null: no.")] bookmarks: Option<bool>,
        #[graphql(desc = "The languages to serve texts in, best first; null: those of the request.")] languages: Option<
            Vec<LanguageTag>,
        >,
    ) -> Result<impl Stream<Item = ChangeDelivery>, Fault> {
        let opening = move || {
            let what = What::Changes(filter.unwrap_or_default().check()?);
            Ok(Opening { after, bookmarks: bookmarks.unwrap_or(false), what })
        };
        live::stream(ctx, languages, opening, |delivery, scope| ChangeDelivery { delivery, scope })
    }
}
