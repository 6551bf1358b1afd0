//! What the clock does to items.

use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::db::due::Due;
use crate::db::listing;
use crate::db::log::{Change, ChangeAction};
use crate::db::schema::items;
use crate::db::write::Tx;
use crate::domain::item::store::{self, Items};
use crate::domain::node;
use crate::domain::record;
use crate::error::Fault;
use crate::policy::NodeKind;

/// Brings items before their readers whose time has come.
pub async fn apply(tx: &mut Tx, due: Vec<Due>) -> Result<(), Fault> {
    let doing = |error: diesel::result::Error| Fault::database("publishing an item", error);
    let viewer = tx.viewer();
    let ids = due.iter().map(|due| due.of).collect();
    let mut rows = listing::by_ids::<Items>(tx.conn(), &viewer, ids).await?;
    let ids: Vec<Uuid> = rows.keys().copied().collect();
    let bodies = store::bodies(tx.conn(), &viewer, ids.clone()).await?;
    let conn = tx.conn();
    let mut communities = node::others_of(conn, "item_communities", "item_id", "community_id", ids.clone()).await?;
    let mut topics = node::others_of(conn, "item_topics", "item_id", "topic_id", ids).await?;
    for due in due {
        let (Some(row), Some(audience)) = (rows.remove(&due.of), due.audience) else { continue };
        node::require_write(tx, NodeKind::Item, row.id, &row.audience, None).await?;
        diesel::update(items::table.find(row.id))
            .set(items::audience.eq(audience))
            .execute(tx.conn())
            .await
            .map_err(doing)?;
        let mut texts = row.texts();
        record::put(&mut texts, "body", bodies.get(&row.id));
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
