//! What the clock does to items.

use chrono::{DateTime, Utc};
use diesel::sql_types::Uuid as SqlUuid;
use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::db::due::{self, Due, DueAction};
use crate::db::listing;
use crate::db::log::{Change, ChangeAction};
use crate::db::schema::items;
use crate::db::statement::Sql;
use crate::db::write::Tx;
use crate::domain::item::rules;
use crate::domain::item::store::{self, ItemRow, Items, makers};
use crate::domain::node;
use crate::domain::record;
use crate::error::Fault;
use crate::policy::{NodeKind, Viewer};

/// Notes when an item comes before readers next.
pub async fn plan(tx: &mut Tx, row: &ItemRow) -> Result<(), Fault> {
    let next: Option<DateTime<Utc>> = rules::next_turn(&row.release(), tx.now());
    let due_id = tx.new_id();
    due::keep(tx.conn(), row.id, DueAction::Publish, next, due_id).await
}

/// Brings items before those whose time has come: the members of their communities, or those whom they are for.
pub async fn apply(tx: &mut Tx, due: Vec<Due>) -> Result<(), Fault> {
    settle(tx, due.into_iter().map(|due| due.of).collect()).await
}

/// Decides anew who sees the items of a community that are not public. Owed after it is managed by another organization.
pub async fn follow_community(tx: &mut Tx, community: Uuid) -> Result<(), Fault> {
    // SQL: by item_communities_community.
    let items: Vec<Uuid> = Sql::new("SELECT item_id FROM item_communities WHERE NOT is_public AND community_id = ")
        .uuid(community)
        .push(" ORDER BY item_id")
        .returning::<SqlUuid>()
        .load(tx.conn())
        .await
        .map_err(|error| Fault::database("looking for items", error))?;
    settle(tx, items).await
}

/// Writes who sees these items by now, which follows from their own rows and from what they belong to.
async fn settle(tx: &mut Tx, ids: Vec<Uuid>) -> Result<(), Fault> {
    let doing = |error: diesel::result::Error| Fault::database("publishing an item", error);
    // SQL: by primary key. Whoever writes one of them meanwhile is waited for, and not written over.
    Sql::new("SELECT id FROM items WHERE id = ANY (")
        .uuids(ids.clone())
        .push(") ORDER BY id FOR NO KEY UPDATE")
        .returning::<SqlUuid>()
        .load::<Uuid>(tx.conn())
        .await
        .map_err(doing)?;
    // Whoever writes need not see all that follows.
    let viewer = Viewer::system("items");
    let mut rows = listing::by_ids::<Items>(tx.conn(), &viewer, ids.clone()).await?;
    let bodies = store::bodies(tx.conn(), &viewer, ids.clone()).await?;
    let mut topics = node::others_of(tx.conn(), "item_topics", "item_id", "topic_id", ids.clone()).await?;
    for id in ids {
        let Some(row) = rows.remove(&id) else { continue };
        let makers = makers::of(tx.conn(), row.id).await?;
        let audience = rules::audience(&row.release(), &makers, tx.now());
        plan(tx, &row).await?;
        if audience == row.audience {
            continue;
        }
        let (was_out, is_out) = (rules::is_out(&row.audience, &makers), rules::is_out(&audience, &makers));
        diesel::update(items::table.find(row.id))
            .set(items::audience.eq(audience))
            .execute(tx.conn())
            .await
            .map_err(doing)?;
        let mut texts = row.texts();
        record::put(&mut texts, "body", bodies.get(&row.id));
        tx.record(Change {
            action: match (was_out, is_out) {
                (_, false) => ChangeAction::Updated,
                (false, true) => ChangeAction::Published,
                (true, true) => ChangeAction::Released,
            },
            kind: NodeKind::Item,
            node_id: row.id,
            fields: vec!["audience".to_owned()],
            communities: makers.communities,
            topics: topics.remove(&row.id).unwrap_or_default(),
            languages: node::languages_of(&texts),
            audiences: None,
        });
    }
    Ok(())
}
