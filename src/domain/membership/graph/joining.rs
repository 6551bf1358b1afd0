//! How people join communities and leave them, in the contract.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use futures_util::FutureExt;
use strum::{AsRefStr, EnumMessage, EnumString, VariantArray};
use uuid::Uuid;

use crate::domain::membership::graph::Membership;
use crate::domain::membership::graph::application::Application;
use crate::domain::membership::record::MembershipTier;
use crate::domain::membership::rules::Step;
use crate::domain::membership::store::applications::RefusalReason;
use crate::domain::membership::store::joining::{self, Decision, NewAnswer, NewApplication};
use crate::error::Fault;
use crate::graph::edit;
use crate::graph::id::Thing;
use crate::graph::input::{self, TextInput};
use crate::graph::mutation::{self, Call, Outcome, UserError};
use crate::graph::page;
use crate::graph::scope::Scope;
use crate::graph::word::Word;
use crate::policy::NodeKind;
use crate::text::messages;
use crate::text::vocabulary::Vocabulary;

/// What is decided of an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, AsRefStr, EnumString, EnumMessage, VariantArray)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum MembershipDecision {
    /// The person is a member from now on.
    Accept,
    /// The person waits until there is room.
    Wait,
    /// The person is refused, with a reason.
    Refuse,
}

impl Vocabulary for MembershipDecision {
    const NAME: &'static str = "MembershipDecision";
    const ABOUT: &'static str = "What is decided of an application.";
}

/// An answer to a question of a community: in words, by choices, or yes or no, as the question asks.
#[derive(Clone, Debug, InputObject)]
pub struct AnswerInput {
    /// The id of the question.
    question: String,
    /// In words: a line of 200 characters or a text of 2,000 at the most. Nothing about patients, please.
    text: Option<String>,
    /// The ids of the choices.
    choices: Option<Vec<String>>,
    /// Yes or no.
    yes: Option<bool>,
}

/// Applies for a membership in your own name, or takes up an invitation.
#[derive(Clone, Debug, InputObject)]
pub struct MembershipApplyInput {
    /// The community.
    community: ID,
    /// How far the membership is to go; null: the first of the community's tiers, or as you were invited.
    tier: Option<Word<MembershipTier>>,
    /// The answers to its questions.
    #[graphql(default)]
    answers: Vec<AnswerInput>,
    /// The version of the charter that you accept: the one in force. Null: it has none.
    charter_version: Option<i32>,
    /// The organization that is to endorse it, for the tier ENDORSED.
    endorser: Option<ID>,
    /// A key of your choice, at most 100 characters: sent again within a day with the same input, it is answered again and not
    /// done again. Null: it is done each time it is sent.
    idempotency_key: Option<String>,
}

/// Invites somebody to join.
#[derive(Clone, Debug, InputObject)]
pub struct MembershipInviteInput {
    /// The community.
    community: ID,
    /// The person.
    person: ID,
    /// How far the membership is to go; null: the first of the community's tiers.
    tier: Option<Word<MembershipTier>>,
    /// Why, for the audit; at most 300 characters.
    reason: Option<String>,
    /// A key of your choice, at most 100 characters: sent again within a day with the same input, it is answered again and not
    /// done again. Null: it is done each time it is sent.
    idempotency_key: Option<String>,
}

/// Decides an application.
#[derive(Clone, Debug, InputObject)]
pub struct MembershipDecideInput {
    /// The membership.
    membership: ID,
    /// The version that you have seen; if it is another one by now, nothing is done (`CONFLICT`). Null: whichever there is.
    expected_version: Option<i32>,
    /// What is decided.
    decision: Word<MembershipDecision>,
    /// How far the membership is to go; null: as far as was applied for.
    tier: Option<Word<MembershipTier>>,
    /// Why it is refused; null: it is not.
    reason: Option<Word<RefusalReason>>,
    /// What you say to it, for the applicant; at most 2,000 characters. Due for the reason OTHER.
    note: Option<Vec<TextInput>>,
    /// Why, for the audit; at most 300 characters.
    audit_reason: Option<String>,
    /// A key of your choice, at most 100 characters: sent again within a day with the same input, it is answered again and not
    /// done again. Null: it is done each time it is sent.
    idempotency_key: Option<String>,
}

/// Takes an application back, or declines an invitation.
#[derive(Clone, Debug, InputObject)]
pub struct MembershipWithdrawInput {
    /// The membership.
    membership: ID,
    /// The version that you have seen; if it is another one by now, nothing is done (`CONFLICT`). Null: whichever there is.
    expected_version: Option<i32>,
    /// A key of your choice, at most 100 characters: sent again within a day with the same input, it is answered again and not
    /// done again. Null: it is done each time it is sent.
    idempotency_key: Option<String>,
}

/// Leaves a community.
#[derive(Clone, Debug, InputObject)]
pub struct MembershipLeaveInput {
    /// The membership.
    membership: ID,
    /// The version that you have seen; if it is another one by now, nothing is done (`CONFLICT`). Null: whichever there is.
    expected_version: Option<i32>,
    /// A key of your choice, at most 100 characters: sent again within a day with the same input, it is answered again and not
    /// done again. Null: it is done each time it is sent.
    idempotency_key: Option<String>,
}

/// Ends the membership of somebody.
#[derive(Clone, Debug, InputObject)]
pub struct MembershipEndInput {
    /// The membership.
    membership: ID,
    /// The version that you have seen; if it is another one by now, nothing is done (`CONFLICT`). Null: whichever there is.
    expected_version: Option<i32>,
    /// Why, for the audit; at most 300 characters.
    reason: Option<String>,
    /// A key of your choice, at most 100 characters: sent again within a day with the same input, it is answered again and not
    /// done again. Null: it is done each time it is sent.
    idempotency_key: Option<String>,
}

/// Endorses an application.
#[derive(Clone, Debug, InputObject)]
pub struct MembershipEndorseInput {
    /// The application.
    application: ID,
    /// Why, for the audit; at most 300 characters.
    reason: Option<String>,
    /// A key of your choice, at most 100 characters: sent again within a day with the same input, it is answered again and not
    /// done again. Null: it is done each time it is sent.
    idempotency_key: Option<String>,
}

/// What came of joining, deciding or leaving.
#[derive(SimpleObject)]
pub struct MembershipPayload {
    /// The membership as it is now; null: nothing was done, or you cannot see it any more.
    membership: Option<Membership>,
    /// What is to be mended; empty: it was done.
    user_errors: Vec<UserError>,
}

/// What came of an endorsement.
#[derive(SimpleObject)]
pub struct MembershipEndorsePayload {
    /// The application as it is now; null: nothing was done.
    application: Option<Application>,
    /// What is to be mended; empty: it was done.
    user_errors: Vec<UserError>,
}

/// Memberships at the root.
#[derive(Default)]
pub struct MembershipMutation;

/// Memberships at the root.
#[Object]
impl MembershipMutation {
    /// Applies for a membership in your own name, or takes up an invitation. Where joining is open you are a member at once.
    /// You let the coordinators see your name, honorific, profession and region until it is decided and while you are a
    /// member, and the organization that is to endorse it until it is decided. What the rules of the community do not allow
    /// is `NOT_ELIGIBLE`.
    async fn membership_apply(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: MembershipApplyInput,
    ) -> Result<MembershipPayload, Fault> {
        let scope = Scope::of_root(ctx, None)?.anew();
        let call = Call::of(ctx, input.idempotency_key, None)?;
        let language = messages::language_for(scope.languages());
        let asked = || -> Result<_, Fault> {
            let (_, _, community) = input::named("community", NodeKind::Community, &input.community)?;
            let endorser = input.endorser.as_ref().map(|id| input::named("endorser", NodeKind::Organization, id));
            input::bounded(&input.answers, "answers")?;
            for answer in &input.answers {
                input::bounded(answer.choices.as_deref().unwrap_or_default(), "answers")?;
            }
            let answer = |answer: AnswerInput| NewAnswer {
                question: answer.question,
                text: answer.text,
                choices: answer.choices.unwrap_or_default(),
                yes: answer.yes,
            };
            Ok(NewApplication {
                community,
                tier: input.tier.map(|tier| tier.0),
                answers: input.answers.into_iter().map(answer).collect(),
                charter_version: input.charter_version,
                endorser: endorser.transpose()?.map(|(_, _, id)| id),
                language,
            })
        };
        let outcome = match asked() {
            Ok(new) => mutation::run(&scope, call, move |tx| joining::apply(tx, new).boxed()).await?,
            Err(fault) => mutation::mended(&scope, Err(fault))?,
        };
        payload(&scope, outcome).await
    }

    /// Invites somebody whom you see to join, by the coordinators. They join by `membershipApply`, whatever the community's rules
    /// of profession and joining, or decline by `membershipWithdraw`.
    async fn membership_invite(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: MembershipInviteInput,
    ) -> Result<MembershipPayload, Fault> {
        let scope = Scope::of_root(ctx, None)?.anew();
        let call = Call::of(ctx, input.idempotency_key, input.reason)?;
        let asked = || -> Result<_, Fault> {
            let (_, _, community) = input::named("community", NodeKind::Community, &input.community)?;
            let (_, _, person) = input::named("person", NodeKind::Person, &input.person)?;
            Ok((community, person, input.tier.map(|tier| tier.0)))
        };
        let outcome = match asked() {
            Ok((community, person, tier)) => {
                mutation::run(&scope, call, move |tx| joining::invite(tx, community, person, tier).boxed()).await?
            }
            Err(fault) => mutation::mended(&scope, Err(fault))?,
        };
        payload(&scope, outcome).await
    }

    /// Decides an application, by the coordinators: accepts it, puts it on the waiting list, or refuses it with a reason that the
    /// applicant is told in their language.
    async fn membership_decide(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: MembershipDecideInput,
    ) -> Result<MembershipPayload, Fault> {
        let scope = Scope::of_root(ctx, None)?.anew();
        let call = Call::of(ctx, input.idempotency_key, input.audit_reason)?;
        let decision = input::text_or_none(input.note, "note").map(|note| Decision {
            step: match input.decision.0 {
                MembershipDecision::Accept => Step::Accept,
                MembershipDecision::Wait => Step::Wait,
                MembershipDecision::Refuse => Step::Refuse,
            },
            tier: input.tier.map(|tier| tier.0),
            reason: input.reason.map(|reason| reason.0),
            note,
        });
        let node = ("membership", NodeKind::Membership, &input.membership);
        let outcome = edit::act(&scope, call, node, input.expected_version, |tx, target| {
            async move { joining::decide(tx, target, decision?).await }.boxed()
        })
        .await?;
        payload(&scope, outcome).await
    }

    /// Takes an application of your own back, or declines an invitation. The coordinators see it no longer.
    async fn membership_withdraw(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: MembershipWithdrawInput,
    ) -> Result<MembershipPayload, Fault> {
        let scope = Scope::of_root(ctx, None)?.anew();
        let call = Call::of(ctx, input.idempotency_key, None)?;
        let node = ("membership", NodeKind::Membership, &input.membership);
        let outcome =
            edit::act(&scope, call, node, input.expected_version, |tx, target| joining::withdraw(tx, target).boxed())
                .await?;
        payload(&scope, outcome).await
    }

    /// Leaves a community: your membership ends today, and what you saw as a member you see no longer.
    async fn membership_leave(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: MembershipLeaveInput,
    ) -> Result<MembershipPayload, Fault> {
        let scope = Scope::of_root(ctx, None)?.anew();
        let call = Call::of(ctx, input.idempotency_key, None)?;
        let node = ("membership", NodeKind::Membership, &input.membership);
        let outcome =
            edit::act(&scope, call, node, input.expected_version, |tx, target| joining::leave(tx, target).boxed())
                .await?;
        payload(&scope, outcome).await
    }

    /// Ends the membership of somebody, by the coordinators.
    async fn membership_end(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: MembershipEndInput,
    ) -> Result<MembershipPayload, Fault> {
        let scope = Scope::of_root(ctx, None)?.anew();
        let call = Call::of(ctx, input.idempotency_key, input.reason)?;
        let node = ("membership", NodeKind::Membership, &input.membership);
        let outcome =
            edit::act(&scope, call, node, input.expected_version, |tx, target| joining::end(tx, target).boxed())
                .await?;
        payload(&scope, outcome).await
    }

    /// Endorses an application, by the administrators of the organization that it asks. The coordinators decide it then.
    async fn membership_endorse(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: MembershipEndorseInput,
    ) -> Result<MembershipEndorsePayload, Fault> {
        let scope = Scope::of_root(ctx, None)?.anew();
        let call = Call::of(ctx, input.idempotency_key, input.reason)?;
        let outcome = match Thing::Application.decode(&input.application) {
            Ok(id) => mutation::run(&scope, call, move |tx| joining::endorse(tx, id).boxed()).await?,
            Err(fault) => mutation::mended(&scope, Err(fault.of_field("application")))?,
        };
        Ok(match outcome {
            Ok(id) => MembershipEndorsePayload { application: page::by_id(&scope, id).await?, user_errors: Vec::new() },
            Err(user_errors) => MembershipEndorsePayload { application: None, user_errors },
        })
    }
}

async fn payload(scope: &Scope, outcome: Outcome<Uuid>) -> Result<MembershipPayload, Fault> {
    // Whoever joins or leaves sees by the rights that they have by now.
    Ok(match outcome {
        Ok(id) => {
            MembershipPayload { membership: page::by_id(&scope.renewed().await?, id).await?, user_errors: Vec::new() }
        }
        Err(user_errors) => MembershipPayload { membership: None, user_errors },
    })
}
