//! Accounts in the contract: who asks, what they may do, and by what they are known.

pub mod grant;
pub mod linking;
pub mod token;

use std::sync::Arc;

use async_graphql::connection::EmptyFields;
use async_graphql::{Context, ID, InputObject, Object};
use uuid::Uuid;

use crate::db::page::Direction;
use crate::domain::account::graph::grant::{Grant, grant_selection};
use crate::domain::account::graph::token::{Session, Token, session_selection, token_selection};
use crate::domain::account::store::grants::GrantsOf;
use crate::domain::account::store::rows::{AccountFilter, AccountOrder, AccountRow, Accounts};
use crate::domain::account::store::sessions::SessionsOf;
use crate::domain::account::store::tokens::TokensOf;
use crate::domain::person::graph::Person;
use crate::error::Fault;
use crate::graph::id::Thing;
use crate::graph::page::{self, Connection, Listable, PageArguments, Selection};
use crate::graph::scope::Scope;
use crate::graph::text::{DateTime, LanguageTag};
use crate::loaders::Loaders;
use crate::loaders::lists::Lists;
use crate::policy::{Credential, Identity};

/// Who acts on the hub.
pub struct Account {
    row: Arc<AccountRow>,
    scope: Scope,
}

/// Who acts on the hub: somebody who signs in elsewhere, or a service. You see your own; administrators of the hub see all.
#[Object]
impl Account {
    /// The id of the account.
    async fn id(&self) -> ID {
        Thing::Account.encode(self.row.id)
    }

    /// Who vouches for whoever signs in, as an address; null: it is a service.
    async fn issuer(&self) -> Option<&str> {
        self.row.issuer.as_deref()
    }

    /// What the issuer calls them; null: it is a service.
    async fn subject(&self) -> Option<&str> {
        self.row.subject.as_deref()
    }

    /// The name of the service; null: it is somebody who signs in.
    async fn service_name(&self) -> Option<&str> {
        self.row.service_name.as_deref()
    }

    /// The person whose data are the account's own; null: it is linked to nobody, or you cannot see them.
    async fn person(&self) -> Option<Result<Person, Fault>> {
        page::by_id(&self.scope, self.row.person_id?).await.transpose()
    }

    /// What it told the administrators of who it is; null: it does not ask to be linked.
    async fn link_note(&self) -> Option<&str> {
        self.row.link_note.as_deref()
    }

    /// When it asked to be linked to a person; null: it does not ask.
    async fn link_asked_at(&self) -> Option<DateTime> {
        self.row.link_asked_at.map(DateTime)
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.row.created_at)
    }

    /// The rights that it has, had or is to have, in the order in which they were given.
    async fn grants(
        &self,
        #[graphql(desc = "How many from the start, 1 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those that hold now, or only those that do not; null: all.")] holds: Option<bool>,
    ) -> Result<Connection<Grant>, Fault> {
        let arguments = PageArguments { first, after, last, before };
        page::of(&self.scope, (GrantsOf::Account, self.row.id), arguments, grant_selection(holds)).await
    }

    /// Its tokens, in the order in which they were made, those that are over too.
    async fn tokens(
        &self,
        #[graphql(desc = "How many from the start, 1 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
    ) -> Result<Connection<Token>, Fault> {
        let arguments = PageArguments { first, after, last, before };
        page::of(&self.scope, (TokensOf::Account, self.row.id), arguments, token_selection()).await
    }

    /// Where it is or was signed in, in the order in which that began.
    async fn sessions(
        &self,
        #[graphql(desc = "How many from the start, 1 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
    ) -> Result<Connection<Session>, Fault> {
        let arguments = PageArguments { first, after, last, before };
        page::of(&self.scope, (SessionsOf::Account, self.row.id), arguments, session_selection()).await
    }
}

impl Listable for Account {
    type Kind = Accounts;
    type EdgeFields = EmptyFields;
    const NAME: &'static str = "Account";

    fn new(row: Arc<AccountRow>, scope: &Scope) -> Self {
        Self { row, scope: scope.clone() }
    }

    fn lists(loaders: &Loaders) -> &Lists<Accounts> {
        &loaders.accounts
    }

    fn edge_fields(_row: &Arc<AccountRow>, _scope: &Scope, _parent: Option<Uuid>) -> EmptyFields {
        EmptyFields
    }
}

/// Narrows a list of accounts.
#[derive(Clone, Debug, Default, InputObject)]
#[graphql(name = "AccountFilter")]
pub struct AccountFilterInput {
    /// Only those that ask to be linked to a person, or only those that do not.
    asks_to_be_linked: Option<bool>,
}

/// Who asks.
pub struct Viewer {
    identity: Identity,
    scope: Scope,
}

/// Who asks, by what they show. A token that reaches less than its account shows less here too.
#[Object]
impl Viewer {
    /// The id of the account.
    async fn account_id(&self) -> ID {
        Thing::Account.encode(self.identity.account())
    }

    /// The account; null: the token does not reach it.
    async fn account(&self) -> Option<Result<Account, Fault>> {
        page::by_id(&self.scope, self.identity.account()).await.transpose()
    }

    /// The person whose data are your own; null: the account is linked to nobody, or the token does not reach them.
    async fn person(&self) -> Option<Result<Person, Fault>> {
        page::by_id(&self.scope, self.identity.person()?).await.transpose()
    }

    /// Whether you run the hub.
    async fn is_hub_administrator(&self) -> bool {
        self.identity.runs_the_hub()
    }

    /// The id of the token that you show; null: you are signed in.
    async fn token_id(&self) -> Option<ID> {
        match self.identity.credential() {
            Credential::Token(id) => Some(Thing::Token.encode(id)),
            Credential::Session(_) => None,
        }
    }

    /// The id of the session that you are signed in by; null: you show a token.
    async fn session_id(&self) -> Option<ID> {
        match self.identity.credential() {
            Credential::Session(id) => Some(Thing::Session.encode(id)),
            Credential::Token(_) => None,
        }
    }
}

/// The person of an account; null: it is linked to nobody, or to somebody whom the reader cannot see.
pub async fn person_of(scope: &Scope, account: Uuid) -> Option<Result<Person, Fault>> {
    match scope.loaders().persons_of_accounts.load(account).await {
        Ok(person) => page::by_id(scope, person?).await.transpose(),
        Err(fault) => Some(Err(fault)),
    }
}

/// Accounts at the root.
#[derive(Default)]
pub struct AccountQuery;

/// Accounts at the root.
#[Object]
impl AccountQuery {
    /// Who asks; null: nobody knows.
    async fn viewer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The languages to serve texts in, best first; null: those of the request.")] languages: Option<
            Vec<LanguageTag>,
        >,
    ) -> Option<Result<Viewer, Fault>> {
        let scope = match Scope::of_root(ctx, languages) {
            Ok(scope) => scope,
            Err(fault) => return Some(Err(fault)),
        };
        let identity = scope.viewer().identity()?.clone();
        Some(Ok(Viewer { identity, scope }))
    }

    /// The accounts that you see, in the order in which they were made: your own; for administrators of the hub, all.
    async fn accounts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<AccountFilterInput>,
        #[graphql(desc = "The languages to serve texts in, best first; null: those of the request.")] languages: Option<
            Vec<LanguageTag>,
        >,
    ) -> Result<Connection<Account>, Fault> {
        let scope = Scope::of_root(ctx, languages)?;
        let filter = AccountFilter { asks: filter.and_then(|filter| filter.asks_to_be_linked) };
        let selection = Selection { filter, order: AccountOrder::Made, direction: Direction::Ascending };
        page::all(&scope, PageArguments { first, after, last, before }, selection).await
    }
}
