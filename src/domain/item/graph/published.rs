//! Items that are published, as a stream.

use async_graphql::{Context, Object, Subscription};
use futures_util::Stream;

use crate::domain::item::graph::{Item, ItemFilterInput, item_selection};
use crate::error::Fault;
use crate::graph::live::{self, Delivery, Opening, What};
use crate::graph::page;
use crate::graph::scope::Scope;
use crate::graph::text::LanguageTag;

/// A message of a stream of items.
pub struct ItemPublication {
    delivery: Delivery,
    scope: Scope,
}

/// A message of a stream of items: an item that has come before you, or a bookmark without one.
#[Object]
impl ItemPublication {
    /// The place in the change log; keep it, and after a cut follow from here.
    async fn cursor(&self) -> &str {
        self.delivery.cursor()
    }

    /// The item; null: a bookmark, which moves the cursor while nothing is published.
    async fn item(&self) -> Option<Result<Item, Fault>> {
        let told = self.delivery.told()?;
        page::by_id(&self.scope, told.entry.node_id).await.transpose()
    }
}

/// Items that are published, as a stream.
#[derive(Default)]
pub struct ItemSubscription;

/// Items that are published, as a stream.
#[Subscription]
impl ItemSubscription {
    /// Each item that is published, or that you can see for the first time, once and in the order of the change log; never
    /// an edit. A cursor that is none is `CURSOR_MALFORMED`, one of another log or too old `CURSOR_EXPIRED`, one of the
    /// future `CURSOR_AHEAD`.
    async fn item_published(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Begins after this cursor; null: from now on.")] after: Option<String>,
        #[graphql(desc = "Narrows the stream.")] filter: Option<ItemFilterInput>,
        #[graphql(desc = "Whether to move the cursor at least every 30 seconds; null: no.")] bookmarks: Option<bool>,
        #[graphql(desc = "The languages to serve texts in, best first; null: those of the request.")] languages: Option<
            Vec<LanguageTag>,
        >,
    ) -> Result<impl Stream<Item = ItemPublication>, Fault> {
        let opening = move || {
            let what = What::Items(item_selection(filter, None)?.filter);
            Ok(Opening { after, bookmarks: bookmarks.unwrap_or(false), what })
        };
        live::stream(ctx, languages, opening, |delivery, scope| ItemPublication { delivery, scope })
    }
}
