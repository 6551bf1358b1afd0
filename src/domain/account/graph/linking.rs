//! How an account becomes somebody's, in the contract.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use futures_util::FutureExt;
use uuid::Uuid;

use crate::auth::secret::{Purpose, Secret};
use crate::domain::account::graph::Account;
use crate::domain::account::store::linking;
use crate::error::Fault;
use crate::graph::id::{self, Thing};
use crate::graph::mutation::{self, Call, Made, Outcome, UserError};
use crate::graph::page;
use crate::graph::scope::Scope;
use crate::policy::NodeKind;

/// Asks to be linked to a person.
#[derive(Debug, InputObject)]
pub struct AccountAskInput {
    /// Who you are, for the administrators who decide; at most 500 characters.
    note: String,
    /// A key of your choice, at most 100 characters: sent again within a day with the same input, it is answered again and not
    /// done again. Null: it is done each time it is sent.
    idempotency_key: Option<String>,
}

/// Says whose data an account's own are.
#[derive(Debug, InputObject)]
pub struct AccountLinkInput {
    /// The account.
    account: ID,
    /// The person; null: nobody any more.
    person: Option<ID>,
    /// Why, for the audit; at most 300 characters.
    reason: Option<String>,
    /// A key of your choice, at most 100 characters: sent again within a day with the same input, it is answered again and not
    /// done again. Null: it is done each time it is sent.
    idempotency_key: Option<String>,
}

/// Invites a person to make their account known.
#[derive(Debug, InputObject)]
pub struct InvitationCreateInput {
    /// The person.
    person: ID,
    /// Why, for the audit; at most 300 characters.
    reason: Option<String>,
    /// A key of your choice, at most 100 characters: sent again within a day with the same input, it is answered again and not
    /// done again. Null: it is done each time it is sent.
    idempotency_key: Option<String>,
}

/// Takes up an invitation.
#[derive(Debug, InputObject)]
pub struct InvitationAcceptInput {
    /// The invitation, as it was handed to you.
    invitation: String,
    /// A key of your choice, at most 100 characters: sent again within a day with the same input, it is answered again and not
    /// done again. Null: it is done each time it is sent.
    idempotency_key: Option<String>,
}

/// What came of linking an account.
#[derive(SimpleObject)]
pub struct AccountPayload {
    /// The account as it is now; null: nothing was done, or you cannot see it.
    account: Option<Account>,
    /// What is to be mended; empty: it was done.
    user_errors: Vec<UserError>,
}

/// What came of inviting.
#[derive(SimpleObject)]
pub struct InvitationCreatePayload {
    /// The invitation, to be handed to the person; good for 14 days and once, told this once. Null: nothing was done, or it was told before.
    invitation: Option<String>,
    /// What is to be mended; empty: it was done.
    user_errors: Vec<UserError>,
}

/// An invitation that was made; null: it was told before.
struct Told(Option<Secret>);

impl Made for Told {
    fn id(&self) -> Option<Uuid> {
        None
    }

    fn again(_id: Option<Uuid>) -> Option<Self> {
        Some(Self(None))
    }
}

/// Accounts at the root.
#[derive(Default)]
pub struct AccountMutation;

/// Accounts at the root.
#[Object]
impl AccountMutation {
    /// Asks the administrators of the hub to link your account to the person you are.
    async fn account_ask(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: AccountAskInput,
    ) -> Result<AccountPayload, Fault> {
        let scope = Scope::of_root(ctx, None)?.anew();
        let call = Call::of(ctx, input.idempotency_key.clone(), None)?;
        let note = input.note;
        let outcome =
            mutation::run(&scope, call, move |tx| async move { linking::ask(tx, &note).await }.boxed()).await?;
        payload(&scope, outcome).await
    }

    /// Says whose data an account's own are, by administrators of the hub. The rights that follow from the person's
    /// memberships come and go with it.
    async fn account_link(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: AccountLinkInput,
    ) -> Result<AccountPayload, Fault> {
        let scope = Scope::of_root(ctx, None)?.anew();
        let call = Call::of(ctx, input.idempotency_key.clone(), input.reason.clone())?;
        let asked = || -> Result<_, Fault> {
            let person = input.person.as_ref().map(|person| id::decode_as(NodeKind::Person, person)).transpose()?;
            Ok((Thing::Account.decode(&input.account)?, person))
        };
        let outcome = match asked() {
            Ok((account, person)) => {
                mutation::run(&scope, call, move |tx| {
                    async move { linking::link(tx, account, person).await.map(|()| account) }.boxed()
                })
                .await?
            }
            Err(fault) => mutation::mended(&scope, Err(fault))?,
        };
        payload(&scope, outcome).await
    }

    /// Invites a person to make their account known, by administrators of the hub.
    async fn invitation_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: InvitationCreateInput,
    ) -> Result<InvitationCreatePayload, Fault> {
        let scope = Scope::of_root(ctx, None)?.anew();
        let call = Call::of(ctx, input.idempotency_key.clone(), input.reason.clone())?;
        let secret = Secret::fresh(Purpose::Invitation)?;
        let outcome = match id::decode_as(NodeKind::Person, &input.person) {
            Ok(person) => {
                mutation::run(&scope, call, move |tx| {
                    async move { linking::invite(tx, person, &secret).await.map(|()| Told(Some(secret))) }.boxed()
                })
                .await?
            }
            Err(fault) => mutation::mended(&scope, Err(fault))?,
        };
        Ok(match outcome {
            Ok(Told(secret)) => InvitationCreatePayload {
                invitation: secret.map(|secret| secret.reveal().to_owned()),
                user_errors: Vec::new(),
            },
            Err(user_errors) => InvitationCreatePayload { invitation: None, user_errors },
        })
    }

    /// Takes up an invitation: your account becomes that person's.
    async fn invitation_accept(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: InvitationAcceptInput,
    ) -> Result<AccountPayload, Fault> {
        let scope = Scope::of_root(ctx, None)?.anew();
        let call = Call::of(ctx, input.idempotency_key.clone(), None)?;
        let secret = Secret::read(Purpose::Invitation, input.invitation.trim());
        let outcome =
            mutation::run(&scope, call, move |tx| async move { linking::accept(tx, secret.as_ref()).await }.boxed())
                .await?;
        payload(&scope, outcome).await
    }
}

async fn payload(scope: &Scope, outcome: Outcome<Uuid>) -> Result<AccountPayload, Fault> {
    Ok(match outcome {
        Ok(account) => {
            AccountPayload { account: page::by_id(&scope.renewed().await?, account).await?, user_errors: Vec::new() }
        }
        Err(user_errors) => AccountPayload { account: None, user_errors },
    })
}
