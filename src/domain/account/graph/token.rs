//! Tokens and sessions in the contract.

use std::sync::Arc;

use async_graphql::connection::EmptyFields;
use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use futures_util::FutureExt;
use uuid::Uuid;

use crate::auth::secret::{Purpose, Secret};
use crate::db::page::Direction;
use crate::domain::account::graph::grant::place;
use crate::domain::account::store::sessions::{self, SessionFilter, SessionOrder, SessionRow, Sessions};
use crate::domain::account::store::tokens::{self, NewToken, TokenFilter, TokenOrder, TokenRow, Tokens};
use crate::domain::community::graph::Community;
use crate::domain::organization::graph::Organization;
use crate::domain::permission;
use crate::error::Fault;
use crate::graph::id::Thing;
use crate::graph::mutation::{self, Call, Made, UserError};
use crate::graph::page::{self, Listable, Selection};
use crate::graph::scope::Scope;
use crate::graph::text::{Date, DateTime};
use crate::graph::word::Word;
use crate::loaders::Loaders;
use crate::loaders::lists::Lists;
use crate::policy::On;
use crate::policy::token_scope::{TokenScope as Scoped, TokenScopeKind};
use crate::text::messages::Message;

/// What a program shows to be known.
pub struct Token {
    row: Arc<TokenRow>,
    scope: Scope,
}

/// What a program shows to be known, as `Authorization: Bearer …`. Its secret was told once, when it was made.
#[Object]
impl Token {
    /// The id of the token.
    async fn id(&self) -> ID {
        Thing::Token.encode(self.row.id)
    }

    /// What it is called.
    async fn name(&self) -> &str {
        &self.row.name
    }

    /// What it may be used for.
    async fn scopes(&self) -> Vec<TokenScope> {
        let scopes = self.row.scopes.iter().filter_map(|text| Scoped::read(text));
        scopes.map(|scoped| TokenScope { scoped, scope: self.scope.clone() }).collect()
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.row.created_at)
    }

    /// Until when it is good.
    async fn expires_at(&self) -> DateTime {
        DateTime(self.row.expires_at)
    }

    /// When it was revoked; null: it was not.
    async fn revoked_at(&self) -> Option<DateTime> {
        self.row.revoked_at.map(DateTime)
    }

    /// The last day on which it was used, in UTC; null: never.
    async fn last_used_on(&self) -> Option<Date> {
        self.row.last_used_on.map(Date::from)
    }
}

/// What a token may be used for.
pub struct TokenScope {
    scoped: Scoped,
    scope: Scope,
}

/// What a token may be used for. It never gives what its account has not.
#[Object]
impl TokenScope {
    /// What for.
    async fn kind(&self) -> Word<TokenScopeKind> {
        Word(self.scoped.parts().0)
    }

    /// The organization that it is for; null: none, or you cannot see it.
    async fn organization(&self) -> Option<Result<Organization, Fault>> {
        match self.scoped.parts().1 {
            On::Organization(id) => page::by_id(&self.scope, id).await.transpose(),
            On::Hub | On::Community(_) => None,
        }
    }

    /// The community that it is for; null: none, or you cannot see it.
    async fn community(&self) -> Option<Result<Community, Fault>> {
        match self.scoped.parts().1 {
            On::Community(id) => page::by_id(&self.scope, id).await.transpose(),
            On::Hub | On::Organization(_) => None,
        }
    }
}

impl Listable for Token {
    type Kind = Tokens;
    type EdgeFields = EmptyFields;
    const NAME: &'static str = "Token";

    fn new(row: Arc<TokenRow>, scope: &Scope) -> Self {
        Self { row, scope: scope.clone() }
    }

    fn lists(loaders: &Loaders) -> &Lists<Tokens> {
        &loaders.tokens
    }

    fn edge_fields(_row: &Arc<TokenRow>, _scope: &Scope, _parent: Option<Uuid>) -> EmptyFields {
        EmptyFields
    }
}

/// All tokens of an account.
pub fn token_selection() -> Selection<Tokens> {
    Selection { filter: TokenFilter, order: TokenOrder::Made, direction: Direction::Ascending }
}

/// A browser that is or was signed in.
pub struct Session {
    row: Arc<SessionRow>,
}

/// A browser that is or was signed in.
#[Object]
impl Session {
    /// The id of the session.
    async fn id(&self) -> ID {
        Thing::Session.encode(self.row.id)
    }

    /// When it began.
    async fn created_at(&self) -> DateTime {
        DateTime(self.row.created_at)
    }

    /// Until when it lasts at the most.
    async fn expires_at(&self) -> DateTime {
        DateTime(self.row.expires_at)
    }

    /// When it was ended; null: it was not.
    async fn ended_at(&self) -> Option<DateTime> {
        self.row.ended_at.map(DateTime)
    }

    /// The last day on which it was used, in UTC; null: never.
    async fn last_used_on(&self) -> Option<Date> {
        self.row.last_used_on.map(Date::from)
    }
}

impl Listable for Session {
    type Kind = Sessions;
    type EdgeFields = EmptyFields;
    const NAME: &'static str = "Session";

    fn new(row: Arc<SessionRow>, _scope: &Scope) -> Self {
        Self { row }
    }

    fn lists(loaders: &Loaders) -> &Lists<Sessions> {
        &loaders.sessions
    }

    fn edge_fields(_row: &Arc<SessionRow>, _scope: &Scope, _parent: Option<Uuid>) -> EmptyFields {
        EmptyFields
    }
}

/// All sessions of an account.
pub fn session_selection() -> Selection<Sessions> {
    Selection { filter: SessionFilter, order: SessionOrder::Made, direction: Direction::Ascending }
}

/// What a token is to be good for.
#[derive(Debug, InputObject)]
pub struct TokenScopeInput {
    /// What for.
    kind: Word<TokenScopeKind>,
    /// The community or organization that it is for; null: none.
    on: Option<ID>,
}

/// Makes a token of your own account.
#[derive(Debug, InputObject)]
pub struct TokenCreateInput {
    /// What it is called, at most 100 characters.
    name: String,
    /// What it may be used for: one at least, 20 at the most.
    scopes: Vec<TokenScopeInput>,
    /// Until when it is good, 366 days ahead at the most; null: 90 days.
    expires_at: Option<DateTime>,
    /// Why, for the audit; at most 300 characters.
    reason: Option<String>,
    /// A key of your choice, at most 100 characters: sent again within a day with the same input, it is answered again and not
    /// done again. Null: it is done each time it is sent.
    idempotency_key: Option<String>,
}

/// What came of making a token.
#[derive(SimpleObject)]
pub struct TokenCreatePayload {
    /// The token; null: nothing was done.
    token: Option<Token>,
    /// Its secret, which is told this once and kept nowhere; null: nothing was done, or it was told before.
    secret: Option<String>,
    /// What is to be mended; empty: it was done.
    user_errors: Vec<UserError>,
}

/// Ends a token.
#[derive(Debug, InputObject)]
pub struct TokenRevokeInput {
    /// The token.
    token: ID,
    /// Why, for the audit; at most 300 characters.
    reason: Option<String>,
    /// A key of your choice, at most 100 characters: sent again within a day with the same input, it is answered again and not
    /// done again. Null: it is done each time it is sent.
    idempotency_key: Option<String>,
}

/// What came of ending a token.
#[derive(SimpleObject)]
pub struct TokenRevokePayload {
    /// The token as it is now; null: nothing was done.
    token: Option<Token>,
    /// What is to be mended; empty: it was done.
    user_errors: Vec<UserError>,
}

/// Signs out.
#[derive(Debug, InputObject)]
pub struct SessionEndInput {
    /// The session to end; null: all of your account, everywhere.
    session: Option<ID>,
    /// Why, for the audit; at most 300 characters.
    reason: Option<String>,
    /// A key of your choice, at most 100 characters: sent again within a day with the same input, it is answered again and not
    /// done again. Null: it is done each time it is sent.
    idempotency_key: Option<String>,
}

/// What came of signing out.
#[derive(SimpleObject)]
pub struct SessionEndPayload {
    /// How many sessions ended; 0: none, or they had ended when it was sent before.
    ended_count: i32,
    /// What is to be mended; empty: it was done.
    user_errors: Vec<UserError>,
}

/// A token that was made, with its secret; null: it was told before.
struct NewSecret {
    token: Uuid,
    secret: Option<String>,
}

impl Made for NewSecret {
    fn id(&self) -> Option<Uuid> {
        Some(self.token)
    }

    fn again(id: Option<Uuid>) -> Option<Self> {
        Some(Self { token: id?, secret: None })
    }
}

/// How many sessions ended.
struct Ended(usize);

impl Made for Ended {
    fn id(&self) -> Option<Uuid> {
        None
    }

    fn again(_id: Option<Uuid>) -> Option<Self> {
        // Those that have begun since are other ones.
        Some(Self(0))
    }
}

/// Tokens and sessions at the root.
#[derive(Default)]
pub struct TokenMutation;

/// Tokens and sessions at the root.
#[Object]
impl TokenMutation {
    /// Makes a token of your own account. It never gives more than the account has, and loses what the account loses.
    async fn token_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: TokenCreateInput,
    ) -> Result<TokenCreatePayload, Fault> {
        let scope = Scope::of_root(ctx, None)?.anew();
        let call = Call::of(ctx, input.idempotency_key.clone(), input.reason.clone())?;
        let secret = Secret::fresh(Purpose::Token)?;
        let secret_hash = secret.hash();
        let TokenCreateInput { name, scopes, expires_at, .. } = input;
        let account = scope.viewer().identity().map(crate::policy::Identity::account);
        let asked = || -> Result<NewToken, Fault> {
            Ok(NewToken {
                account: account.ok_or_else(permission::unknown)?,
                name,
                scopes: scopes.iter().map(scoped).collect::<Result<_, _>>()?,
                expires_at: expires_at.map(|at| at.0),
                secret_hash,
            })
        };
        let outcome = match asked() {
            Ok(new) => {
                let secret = secret.reveal().to_owned();
                mutation::run(&scope, call, move |tx| {
                    async move { Ok(NewSecret { token: tokens::create(tx, new).await?.id, secret: Some(secret) }) }
                        .boxed()
                })
                .await?
            }
            Err(fault) => mutation::mended(&scope, Err(fault))?,
        };
        Ok(match outcome {
            Ok(NewSecret { token, secret }) => {
                TokenCreatePayload { token: page::by_id(&scope, token).await?, secret, user_errors: Vec::new() }
            }
            Err(user_errors) => TokenCreatePayload { token: None, secret: None, user_errors },
        })
    }

    /// Ends a token at once.
    async fn token_revoke(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: TokenRevokeInput,
    ) -> Result<TokenRevokePayload, Fault> {
        let scope = Scope::of_root(ctx, None)?.anew();
        let call = Call::of(ctx, input.idempotency_key.clone(), input.reason.clone())?;
        let outcome = match Thing::Token.decode(&input.token) {
            Ok(id) => {
                mutation::run(&scope, call, move |tx| {
                    async move { tokens::revoke(tx, id).await.map(|row| row.id) }.boxed()
                })
                .await?
            }
            Err(fault) => mutation::mended(&scope, Err(fault))?,
        };
        Ok(match outcome {
            Ok(id) => TokenRevokePayload { token: page::by_id(&scope, id).await?, user_errors: Vec::new() },
            Err(user_errors) => TokenRevokePayload { token: None, user_errors },
        })
    }

    /// Signs out: of one session, or everywhere. Tokens stay good.
    async fn session_end(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: SessionEndInput,
    ) -> Result<SessionEndPayload, Fault> {
        let scope = Scope::of_root(ctx, None)?.anew();
        let call = Call::of(ctx, input.idempotency_key.clone(), input.reason.clone())?;
        let account = scope.viewer().identity().map(crate::policy::Identity::account);
        let asked = || -> Result<(Uuid, Option<Uuid>), Fault> {
            let only = input.session.map(|id| Thing::Session.decode(&id)).transpose()?;
            Ok((account.ok_or_else(permission::unknown)?, only))
        };
        let outcome = match asked() {
            Ok((account, only)) => {
                mutation::run(&scope, call, move |tx| {
                    async move { sessions::end(tx, account, only).await.map(Ended) }.boxed()
                })
                .await?
            }
            Err(fault) => mutation::mended(&scope, Err(fault))?,
        };
        Ok(match outcome {
            Ok(Ended(ended)) => {
                SessionEndPayload { ended_count: i32::try_from(ended).unwrap_or(i32::MAX), user_errors: Vec::new() }
            }
            Err(user_errors) => SessionEndPayload { ended_count: 0, user_errors },
        })
    }
}

fn scoped(input: &TokenScopeInput) -> Result<Scoped, Fault> {
    let unfit =
        || Fault::bad_input(Message::new("token-scope-unfit").with("kind", input.kind.0.as_ref())).of_field("scopes");
    Scoped::of(input.kind.0, place(input.on.as_ref())?).ok_or_else(unfit)
}
