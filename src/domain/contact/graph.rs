//! Messages to coordinators, in the contract.

use std::sync::Arc;

use async_graphql::connection::EmptyFields;
use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use futures_util::FutureExt;
use uuid::Uuid;

use crate::db::page::Direction;
use crate::domain::account::graph::person_of;
use crate::domain::contact::store::{self, MessageFilter, MessageOrder, MessageRow, Messages, NewMessage};
use crate::domain::person::graph::Person;
use crate::error::{Code, Fault};
use crate::graph::id::{self, Thing};
use crate::graph::mutation::{self, Call, UserError};
use crate::graph::pace::Pace;
use crate::graph::page::{Listable, Selection};
use crate::graph::scope::Scope;
use crate::graph::text::{DateTime, LanguageTag};
use crate::loaders::Loaders;
use crate::loaders::lists::Lists;
use crate::policy::NodeKind;
use crate::text::messages::{self, Message};

/// A message to the coordinators of a community.
pub struct ContactMessage {
    row: Arc<MessageRow>,
    scope: Scope,
}

/// A message to the coordinators of a community, who alone see it. Whoever sent it learns no address of theirs.
#[Object]
impl ContactMessage {
    /// The id of the message.
    async fn id(&self) -> ID {
        Thing::Message.encode(self.row.id)
    }

    /// When it was sent.
    async fn sent_at(&self) -> DateTime {
        DateTime(self.row.created_at)
    }

    /// What somebody wrote.
    async fn body(&self) -> &str {
        &self.row.body
    }

    /// Where an answer reaches them, as they wrote it; null: they want none.
    async fn reply_to(&self) -> Option<&str> {
        self.row.reply_to.as_deref()
    }

    /// The language in which they read the hub.
    async fn language(&self) -> LanguageTag {
        LanguageTag(self.row.language.clone())
    }

    /// Who sent it; null: somebody who was not signed in, an account without a person, or somebody whom you cannot see.
    async fn sender(&self) -> Option<Result<Person, Fault>> {
        person_of(&self.scope, self.row.account_id?).await
    }
}

impl Listable for ContactMessage {
    type Kind = Messages;
    type EdgeFields = EmptyFields;
    const NAME: &'static str = "ContactMessage";

    fn new(row: Arc<MessageRow>, scope: &Scope) -> Self {
        Self { row, scope: scope.clone() }
    }

    fn lists(loaders: &Loaders) -> &Lists<Messages> {
        &loaders.messages
    }

    fn edge_fields(_row: &Arc<MessageRow>, _scope: &Scope, _parent: Option<Uuid>) -> EmptyFields {
        EmptyFields
    }
}

/// All messages, the last first.
pub fn message_selection() -> Selection<Messages> {
    Selection { filter: MessageFilter, order: MessageOrder::SentAt, direction: Direction::Descending }
}

/// Writes to the coordinators of a community.
#[derive(Debug, InputObject)]
pub struct ContactSendInput {
    /// The community.
    community: ID,
    /// What you want to say, at most 2,000 characters. Nothing about patients, please.
    body: String,
    /// Where an answer reaches you, if you want one; at most 200 characters.
    reply_to: Option<String>,
    /// A key of your choice, at most 100 characters: sent again within a day with the same input, it is answered again and not
    /// done again. Null: it is done each time it is sent.
    idempotency_key: Option<String>,
}

/// What came of writing to coordinators.
#[derive(SimpleObject)]
pub struct ContactSendPayload {
    /// Whether it was stored for them.
    is_sent: bool,
    /// What is to be mended; empty: it was sent.
    user_errors: Vec<UserError>,
}

/// Messages at the root.
#[derive(Default)]
pub struct ContactMutation;

/// Messages at the root.
#[Object]
impl ContactMutation {
    /// Writes to the coordinators of a community, whose addresses stay theirs. A few an hour from one sender; then
    /// `RATE_LIMITED`.
    async fn contact_send(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ContactSendInput,
    ) -> Result<ContactSendPayload, Fault> {
        let scope = Scope::of_root(ctx, None)?.anew();
        let call = Call::of(ctx, input.idempotency_key.clone(), None)?;
        let asked = || -> Result<NewMessage, Fault> {
            let community = id::decode_as(NodeKind::Community, &input.community)?;
            if !Pace::of(ctx)?.allows() {
                return Err(Fault::new(Code::RateLimited, Message::new("contact-too-often")));
            }
            let language = messages::language_for(scope.languages());
            Ok(NewMessage { community, body: input.body, reply_to: input.reply_to, language })
        };
        let outcome = match asked() {
            Ok(new) => mutation::run(&scope, call, move |tx| store::send(tx, new).boxed()).await?,
            Err(fault) => mutation::mended(&scope, Err(fault))?,
        };
        Ok(match outcome {
            Ok(()) => ContactSendPayload { is_sent: true, user_errors: Vec::new() },
            Err(user_errors) => ContactSendPayload { is_sent: false, user_errors },
        })
    }
}
