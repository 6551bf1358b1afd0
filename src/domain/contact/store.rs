//! The rows of messages.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::{Insertable, Queryable, Selectable};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt;
use uuid::Uuid;

use crate::db::audit::{Act, Deed};
use crate::db::coverage::TextColumn;
use crate::db::facets::{Dimension, Values};
use crate::db::listing::{self, Listed, Loaded, Selection};
use crate::db::page::{SortColumn, SortKey};
use crate::db::per_parent::PerParent;
use crate::db::schema::messages;
use crate::db::statement::{Rows, Sql};
use crate::db::write::Tx;
use crate::domain::community::store::Communities;
use crate::domain::contact::rules;
use crate::domain::permission;
use crate::error::Fault;
use crate::policy::{Action, Identity, Subject, Viewer};
use crate::text::language::{LanguageTag, Languages};

/// A message to the coordinators of a community.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = messages, check_for_backend(Pg))]
pub struct MessageRow {
    /// The row.
    pub id: Uuid,
    /// The community.
    pub community_id: Uuid,
    /// Who sent it; null: somebody who was not signed in, or who is gone.
    pub account_id: Option<Uuid>,
    /// Where an answer reaches them; null: they want none.
    pub reply_to: Option<String>,
    /// What they wrote.
    pub body: String,
    /// The language in which they read the hub.
    pub language: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// Messages, listed by community.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Messages;

/// What a list of messages hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessagesOf {
    /// The community.
    Community,
}

/// What messages are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::AsRefStr)]
pub enum MessageOrder {
    /// When it was sent.
    SentAt,
}

/// Nothing narrows a list of messages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, serde::Serialize)]
pub struct MessageFilter;

impl Listed for Messages {
    type Row = MessageRow;
    type Filter = MessageFilter;
    type Order = MessageOrder;
    type Of = MessagesOf;

    const TABLE: &'static str = "messages";
    const ID: &'static str = "messages.id";
    const TEXTS: &'static [TextColumn] = &[];

    fn condition(MessageFilter: &MessageFilter, _viewer: &Viewer) -> Sql {
        Sql::new("TRUE")
    }

    fn hangs_on(of: MessagesOf, _viewer: &Viewer) -> Sql {
        match of {
            MessagesOf::Community => Sql::new("messages.community_id = parent.id"),
        }
    }

    fn columns(order: MessageOrder, _languages: &Languages) -> Vec<SortColumn> {
        match order {
            MessageOrder::SentAt => vec![SortColumn::time(Sql::new("messages.created_at"))],
        }
    }

    fn keys(row: &MessageRow, order: MessageOrder, _languages: &Languages) -> Vec<SortKey> {
        match order {
            MessageOrder::SentAt => vec![SortKey::Time(row.created_at)],
        }
    }

    fn id(row: &MessageRow) -> Uuid {
        row.id
    }

    fn values(_by: Dimension, _viewer: &Viewer) -> Option<Values> {
        None
    }

    /// Twin of `policy::can` for reading messages.
    fn visible(viewer: &Viewer) -> Sql {
        match viewer {
            Viewer::System(_) => Sql::new("TRUE"),
            Viewer::Known(identity) if identity.runs_the_hub() => Sql::new("TRUE"),
            Viewer::Known(identity) => {
                Sql::new("messages.community_id = ANY (").uuids(identity.coordinates().collect()).push(")")
            }
            Viewer::Anonymous => Sql::new("FALSE"),
        }
    }

    fn load<'a>(rows: Rows<Selection<Self>>, conn: &'a mut AsyncPgConnection) -> Loaded<'a, MessageRow> {
        rows.load(conn).boxed()
    }

    fn load_per_parent<'a>(
        rows: PerParent<Rows<Selection<Self>>>,
        conn: &'a mut AsyncPgConnection,
    ) -> Loaded<'a, (Uuid, MessageRow)> {
        rows.load(conn).boxed()
    }
}

/// A message that is to be sent.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// To the coordinators of which community.
    pub community: Uuid,
    /// What somebody wrote.
    pub body: String,
    /// Where an answer reaches them.
    pub reply_to: Option<String>,
    /// The language in which they read the hub.
    pub language: LanguageTag,
}

/// Stores a message for the coordinators of a community, from whoever sees the community.
pub async fn send(tx: &mut Tx, new: NewMessage) -> Result<(), Fault> {
    permission::renew(tx).await?;
    let viewer = tx.viewer();
    let found = listing::by_ids::<Communities>(tx.conn(), &viewer, vec![new.community]).await?;
    let community = found.get(&new.community).ok_or_else(|| permission::absent().of_field("community"))?;
    let subject = Subject::Messages { community: community.id, audience: &community.audience };
    permission::allow(&viewer, Action::Write, subject)?;
    rules::check(&new.body, new.reply_to.as_deref())?;
    let row = MessageRow {
        id: tx.new_id(),
        community_id: new.community,
        account_id: viewer.identity().map(Identity::account),
        reply_to: new.reply_to,
        body: new.body,
        language: new.language.to_string(),
        created_at: tx.now(),
    };
    let doing = |error: diesel::result::Error| Fault::database("sending a message", error);
    diesel::insert_into(messages::table).values(&row).execute(tx.conn()).await.map_err(doing)?;
    let person = viewer.identity().and_then(Identity::person);
    tx.note(Act { deed: Deed::Created, kind: "MESSAGE", subject: Some(row.id), fields: Vec::new(), person });
    Ok(())
}
