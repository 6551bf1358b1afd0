//! What the clock does to items.

use std::collections::HashMap;

use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::db::due::Due;
use crate::db::listing;
use crate::db::log::{Change, ChangeAction};
use crate::db::schema::items;
use crate::db::write::Tx;
use crate::domain::item::record::ItemRecord;
use crate::domain::item::store::{self, ItemRow, Items};
use crate::domain::node::{self, Line, Stored};
use crate::error::Fault;
use crate::policy::NodeKind;

/// Brings items before their readers whose time has come.
pub async fn apply(tx: &mut Tx, due: Vec<Due>) -> Result<(), Fault> {
    let doing = |error: diesel::result::Error| Fault::database("publishing an item", error);
    let viewer = tx.viewer();
    let ids = due.iter().map(|due| due.node_id).collect();
    let rows = listing::by_ids::<Items>(tx.conn(), &viewer, ids).await?;
    let mut lines: HashMap<Uuid, Line<ItemRecord>> = HashMap::new();
    let (ids, rows): (Vec<Uuid>, Vec<ItemRow>) = rows.into_iter().unzip();
    lines.extend(ids.iter().copied().zip(Items::lines(tx.conn(), &viewer, rows.clone()).await?));
    let (mut communities, mut topics) = relations_of(tx.conn(), ids).await?;
    for row in rows {
        let audience = due.iter().find(|due| due.node_id == row.id).and_then(|due| due.audience.clone());
        let Some(audience) = audience else { continue };
        node::require_write(tx, NodeKind::Item, row.id, &row.audience, None).await?;
        diesel::update(items::table.find(row.id))
            .set(items::audience.eq(audience))
            .execute(tx.conn())
            .await
            .map_err(doing)?;
        let texts = store::with_body(row.texts(), lines.get(&row.id).map(|line| &line.record));
        tx.record(Change {
            action: ChangeAction::Published,
            kind: NodeKind::Item,
            node_id: row.id,
            fields: vec!["audience".to_owned()],
            communities: communities.remove(&row.id).unwrap_or_default(),
            topics: topics.remove(&row.id).unwrap_or_default(),
            languages: node::languages_of(&texts),
            audiences: None,
        });
    }
    Ok(())
}

/// The communities and the topics of items.
async fn relations_of(
    conn: &mut AsyncPgConnection,
    items: Vec<Uuid>,
) -> Result<(HashMap<Uuid, Vec<Uuid>>, HashMap<Uuid, Vec<Uuid>>), Fault> {
    let communities = node::others_of(conn, "item_communities", "item_id", "community_id", items.clone()).await?;
    Ok((communities, node::others_of(conn, "item_topics", "item_id", "topic_id", items).await?))
}
