//! Who makes an item: its authors, and the communities whose coordinators may write it.

use diesel::sql_types::Uuid as SqlUuid;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::db::statement::Sql;
use crate::db::write::Tx;
use crate::domain::item::record::ItemRecord;
use crate::domain::item::rules::Makers;
use crate::domain::record::Keys;
use crate::domain::{node, owners};
use crate::error::{Code, Fault};
use crate::policy::{NodeKind, On, Owners};
use crate::text::messages::Message;

/// Who makes an item as it stands in the database; nobody where it does not.
pub async fn of(conn: &mut AsyncPgConnection, id: Uuid) -> Result<Makers, Fault> {
    let owners = owners::of(conn, NodeKind::Item, id).await?;
    Ok(from(&owners))
}

/// Keeps the communities of an item as they are until the transaction ends, for whoever writes through the API: who manages
/// them decides who sees a draft. A file is read for minutes, and would hold up everybody.
pub async fn hold_communities(tx: &mut Tx, record: &ItemRecord, keys: &Keys) -> Result<(), Fault> {
    if tx.viewer().identity().is_none() {
        return Ok(());
    }
    // SQL: by primary key.
    Sql::new("SELECT id FROM communities WHERE id = ANY (")
        .uuids(node::ids_of(keys, NodeKind::Community, &record.communities)?)
        .push(") ORDER BY id FOR SHARE")
        .returning::<SqlUuid>()
        .load::<Uuid>(tx.conn())
        .await
        .map(|_| ())
        .map_err(|error| Fault::database("looking at the communities of an item", error))
}

/// Who may write an item as a record states it.
pub async fn owners_of_record(conn: &mut AsyncPgConnection, record: &ItemRecord, keys: &Keys) -> Result<Owners, Fault> {
    let people = record.authors.iter().filter_map(|author| author.person.clone()).collect::<Vec<_>>();
    let communities = node::ids_of(keys, NodeKind::Community, &record.communities)?;
    let owners = owners::of_any(conn, communities).await?;
    Ok(Owners { authors: node::ids_of(keys, NodeKind::Person, &people)?, ..owners })
}

/// Who makes what these may write.
pub fn from(owners: &Owners) -> Makers {
    let mut makers = Makers { authors: owners.authors.clone(), ..Makers::default() };
    for on in &owners.places {
        match on {
            On::Community(id) => makers.communities.push(*id),
            On::Organization(id) => makers.managers.push(*id),
            On::Hub => {}
        }
    }
    makers
}

/// Refuses an item of no community, one that is put before a community to which whoever writes neither belongs nor runs, and
/// whoever made an item and belongs to none of its communities any more.
pub async fn require_membership(tx: &mut Tx, before: &Makers, after: &Makers) -> Result<(), Fault> {
    let viewer = tx.viewer();
    let Some(identity) = viewer.identity().filter(|it| !it.runs_the_hub()) else { return Ok(()) };
    if after.communities.is_empty() {
        return Err(Fault::bad_input(Message::new("item-without-community")).of_field("communities"));
    }
    let mut belongs = false;
    for id in &after.communities {
        let owners = owners::of_any(tx.conn(), vec![*id]).await?;
        let is_own = identity.writes_for(*id) || owners.places.iter().any(|on| identity.runs(*on));
        if !is_own && !before.communities.contains(id) {
            return Err(Fault::new(Code::Forbidden, Message::new("item-foreign-community")).of_field("communities"));
        }
        belongs |= is_own;
    }
    if belongs { Ok(()) } else { Err(Fault::new(Code::Forbidden, Message::new("write-forbidden"))) }
}
