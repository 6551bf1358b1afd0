//! How communities are written, in the contract.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use uuid::Uuid;

use crate::domain::community::graph::Community;
use crate::domain::community::record::{
    ActivityKind, Benefit, Charter, CommunityRecord, CommunityStatus, JoinPolicy, Question, QuestionKind, TierRule,
};
use crate::domain::community::store::Communities;
use crate::domain::editing::{Name, Named};
use crate::domain::membership::record::MembershipTier;
use crate::domain::node::Line;
use crate::domain::person::record::Profession;
use crate::domain::record::Header;
use crate::error::Fault;
use crate::graph::edit::{self, Edit, Fields, New};
use crate::graph::id;
use crate::graph::input::{
    self, ApproximateCountInput, Ids, ImpreciseDateInput, SourceInput, StatementInput, TextInput,
};
use crate::graph::mutation::{Call, Outcome, UserError};
use crate::graph::page;
use crate::graph::scope::Scope;
use crate::graph::text::LanguageTag;
use crate::graph::word::Word;
use crate::policy::NodeKind;
use crate::text::messages::Message;

/// What membership is good for: a cause and its effect.
#[derive(Clone, Debug, InputObject)]
pub struct BenefitInput {
    /// Which one of the list it is, to keep its other languages; null: a new one.
    id: Option<String>,
    /// What members do or have.
    cause: Vec<TextInput>,
    /// What comes of it.
    effect: Vec<TextInput>,
}

/// What a community asks of those who want to join.
#[derive(Clone, Debug, InputObject)]
pub struct QuestionInput {
    /// Which one of the list it is, to keep its other languages; null: a new one.
    id: Option<String>,
    /// How it is answered.
    kind: Word<QuestionKind>,
    /// What is asked, at most 1,000 characters.
    text: Vec<TextInput>,
    /// What there is to choose from, for ONE_OF and SEVERAL_OF.
    choices: Option<Vec<StatementInput>>,
    /// Whether it has to be answered.
    #[graphql(default = false)]
    is_required: bool,
}

/// What holds for memberships of a tier.
#[derive(Clone, Debug, InputObject)]
pub struct TierRuleInput {
    /// The tier.
    tier: Word<MembershipTier>,
    /// How many active members there may be from a region, 1 to 1,000,000; null: any number.
    max_per_region: Option<u32>,
}

/// The fields of a community. What is left out stays as it is; null takes away what a field held
/// that may hold nothing, and empties a list; a list takes the place of the one that was there.
#[derive(Clone, Debug, InputObject)]
pub struct CommunityFieldsInput {
    /// What it is called, at most 300 characters.
    name: MaybeUndefined<Vec<TextInput>>,
    /// The field of interest that members share.
    domain: MaybeUndefined<Vec<TextInput>>,
    /// Who the members are and what they do together.
    community: MaybeUndefined<Vec<TextInput>>,
    /// The resources that members share: experiences, stories, tools.
    practice: MaybeUndefined<Vec<TextInput>>,
    /// What it is for.
    purpose: MaybeUndefined<Vec<TextInput>>,
    /// Its objectives, in its own order.
    objectives: MaybeUndefined<Vec<StatementInput>>,
    /// What members do together.
    activities: MaybeUndefined<Vec<Word<ActivityKind>>>,
    /// What membership is good for.
    benefits: MaybeUndefined<Vec<BenefitInput>>,
    /// Who can take part.
    eligibility: MaybeUndefined<Vec<TextInput>>,
    /// The professions that can take part; nobody else can join through the hub. None: everybody.
    professions: MaybeUndefined<Vec<Word<Profession>>>,
    /// How one joins.
    join_policy: MaybeUndefined<Word<JoinPolicy>>,
    /// Where one joins.
    join_url: MaybeUndefined<String>,
    /// When it was launched.
    launched: MaybeUndefined<ImpreciseDateInput>,
    /// How many members a source states.
    member_count: MaybeUndefined<ApproximateCountInput>,
    /// How many centres a source states.
    centre_count: MaybeUndefined<ApproximateCountInput>,
    /// The regions where it is at work, ISO 3166-2, such as CA-QC.
    regions: MaybeUndefined<Vec<String>>,
    /// How and how often it meets.
    meetings: MaybeUndefined<Vec<TextInput>>,
    /// The e-mail address of a role, never of a person.
    contact_email: MaybeUndefined<String>,
    /// Its topics.
    topics: MaybeUndefined<Vec<ID>>,
    /// The languages it works in.
    languages: MaybeUndefined<Vec<LanguageTag>>,
    /// Where it stands in its life; null: as it is.
    status: Option<Word<CommunityStatus>>,
    /// The organization whose administrators may edit it. You have to run it, and the one that did so before; where none did,
    /// administrators of the hub say so.
    managed_by: MaybeUndefined<ID>,
    /// What it asks of those who want to join.
    questions: MaybeUndefined<Vec<QuestionInput>>,
    /// What those who join accept; null: as it is. Another text in the original language is another version, with no other
    /// languages yet, which members have not accepted; a text in another language translates the one in force.
    charter: Option<Vec<TextInput>>,
    /// How far its memberships go, the usual one first; none: OPEN alone.
    tiers: MaybeUndefined<Vec<TierRuleInput>>,
}

/// Writes a new community.
#[derive(Clone, Debug, InputObject)]
pub struct CommunityCreateInput {
    /// Its name in addresses; null: made by the hub.
    slug: Option<String>,
    /// The language that it is written in.
    original_language: LanguageTag,
    /// Its fields. `status` is FORMING unless they say otherwise.
    fields: CommunityFieldsInput,
    /// Where the facts come from.
    sources: Option<Vec<SourceInput>>,
    /// Why, for the audit; at most 300 characters.
    reason: Option<String>,
    /// A key of your choice, at most 100 characters: sent again within a day with the same input, it is answered again and not
    /// done again. Null: it is done each time it is sent.
    idempotency_key: Option<String>,
}

/// Changes a community.
#[derive(Clone, Debug, InputObject)]
pub struct CommunityEditInput {
    /// The community.
    community: ID,
    /// The version that you have seen; if it is another one by now, nothing is done (`CONFLICT`). Null: whichever there is.
    expected_version: Option<i32>,
    /// Its new name in addresses; the old one keeps leading to it. Null: as it is.
    slug: Option<String>,
    /// What is to change.
    fields: CommunityFieldsInput,
    /// Where what you write comes from; added to the sources that are there.
    sources: Option<Vec<SourceInput>>,
    /// Why, for the audit; at most 300 characters.
    reason: Option<String>,
    /// A key of your choice, at most 100 characters: sent again within a day with the same input, it is answered again and not
    /// done again. Null: it is done each time it is sent.
    idempotency_key: Option<String>,
}

/// What came of writing a community.
#[derive(SimpleObject)]
pub struct CommunityPayload {
    /// The community as it is now; null: nothing was done.
    community: Option<Community>,
    /// What is to be mended; empty: it was done.
    user_errors: Vec<UserError>,
}

impl Fields<Communities> for CommunityFieldsInput {
    fn names(&self) -> Result<Vec<Name>, Fault> {
        let mut names = input::all_named("topics", NodeKind::Topic, &self.topics)?;
        if let MaybeUndefined::Value(organization) = &self.managed_by {
            names.push(input::named("managedBy", NodeKind::Organization, organization)?);
        }
        Ok(names)
    }

    fn write(self, line: &mut Line<CommunityRecord>, named: &Named) -> Result<(), Fault> {
        let record = &mut line.record;
        input::change_text(&mut record.name, self.name, "name")?;
        input::change_text(&mut record.domain, self.domain, "domain")?;
        input::change_text(&mut record.community, self.community, "community")?;
        input::change_text(&mut record.practice, self.practice, "practice")?;
        input::change_text(&mut record.purpose, self.purpose, "purpose")?;
        input::change_statements(&mut record.objectives, self.objectives, "objectives")?;
        input::change_words(&mut record.activities, self.activities, "activities")?;
        change_benefits(&mut record.benefits, self.benefits)?;
        input::change_text(&mut record.eligibility, self.eligibility, "eligibility")?;
        input::change_words(&mut record.professions, self.professions, "professions")?;
        input::change_word(&mut record.join_policy, self.join_policy);
        input::change(&mut record.join_url, self.join_url);
        input::change_date(&mut record.launched, self.launched, "launched")?;
        input::change_count(&mut record.member_count, self.member_count, "memberCount")?;
        input::change_count(&mut record.centre_count, self.centre_count, "centreCount")?;
        if let Some(regions) = input::list(self.regions, "regions")? {
            record.regions = regions;
        }
        input::change_text(&mut record.meetings, self.meetings, "meetings")?;
        input::change(&mut record.contact_email, self.contact_email);
        input::change_keys(&mut record.topics, self.topics, ("topics", NodeKind::Topic), named)?;
        input::change_languages(&mut record.languages, self.languages, "languages")?;
        record.status = self.status.map_or(record.status, |status| status.0);
        let managed_by = self.managed_by.map_value(|id| named.key(id::decode_as(NodeKind::Organization, &id)?));
        input::change(&mut record.managed_by, managed_by.transpose()?);
        change_questions(&mut record.questions, self.questions)?;
        change_charter(&mut record.charters, self.charter, &line.header)?;
        if let Some(tiers) = input::list(self.tiers, "tiers")? {
            let rule = |rule: TierRuleInput| TierRule { tier: rule.tier.0, max_per_region: rule.max_per_region };
            record.tiers = tiers.into_iter().map(rule).collect();
        }
        Ok(())
    }
}

fn change_benefits(field: &mut Vec<Benefit>, benefits: MaybeUndefined<Vec<BenefitInput>>) -> Result<(), Fault> {
    let Some(benefits) = input::list(benefits, "benefits")? else { return Ok(()) };
    let before = field.iter().map(|benefit| benefit.id.as_str());
    let mut ids = Ids::of(before, benefits.iter().map(|benefit| benefit.id.as_deref()));
    let mut changed = Vec::new();
    for benefit in benefits {
        let id = ids.id(benefit.id);
        let before = field.iter().find(|before| before.id == id).cloned();
        let (mut cause, mut effect) = before.map(|before| (before.cause, before.effect)).unwrap_or_default();
        input::change_required_text(&mut cause, Some(benefit.cause), "benefits")?;
        input::change_required_text(&mut effect, Some(benefit.effect), "benefits")?;
        changed.push(Benefit { id, cause, effect });
    }
    *field = changed;
    Ok(())
}

fn change_questions(field: &mut Vec<Question>, questions: MaybeUndefined<Vec<QuestionInput>>) -> Result<(), Fault> {
    let Some(questions) = input::list(questions, "questions")? else { return Ok(()) };
    let before = field.iter().map(|question| question.id.as_str());
    let mut ids = Ids::of(before, questions.iter().map(|question| question.id.as_deref()));
    let mut changed = Vec::new();
    for question in questions {
        let id = ids.id(question.id);
        let before = field.iter().find(|before| before.id == id).cloned();
        let (mut text, mut choices) = before.map(|before| (before.text, before.choices)).unwrap_or_default();
        input::change_required_text(&mut text, Some(question.text), "questions")?;
        let choices_now = MaybeUndefined::Value(question.choices.unwrap_or_default());
        input::change_statements(&mut choices, choices_now, "questions")?;
        changed.push(Question { id, question_kind: question.kind.0, text, choices, required: question.is_required });
    }
    *field = changed;
    Ok(())
}

/// A charter that says something else in its own language is a new version, of which nobody has made a translation yet; a
/// translation changes the one in force.
fn change_charter(charters: &mut Vec<Charter>, charter: Option<Vec<TextInput>>, header: &Header) -> Result<(), Fault> {
    let Some(changes) = charter else { return Ok(()) };
    let original = &header.original_language;
    if let Some(last) = charters.last_mut() {
        let text = input::merged(Some(&last.text), changes.clone(), "charter")?;
        if text.exact(original).is_some() && text.exact(original) == last.text.exact(original) {
            last.text = text;
            return Ok(());
        }
    }
    let text = input::merged(None, changes, "charter")?;
    if text.exact(original).is_none() {
        let message = Message::new("charter-original").with("tag", original.as_str());
        return Err(Fault::bad_input(message).of_field("charter"));
    }
    let version = charters.len().saturating_add(1);
    charters.push(Charter { id: version.to_string(), text });
    Ok(())
}

/// Communities at the root.
#[derive(Default)]
pub struct CommunityMutation;

/// Communities at the root.
#[Object]
impl CommunityMutation {
    /// Writes a new community, by administrators of the organization that manages it, or of the hub.
    async fn community_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: CommunityCreateInput,
    ) -> Result<CommunityPayload, Fault> {
        let scope = Scope::of_root(ctx, None)?.anew();
        let call = Call::of(ctx, input.idempotency_key, input.reason)?;
        let new = New { original_language: input.original_language, slug: input.slug, sources: input.sources };
        let record = Ok(CommunityRecord::blank());
        let outcome = edit::create::<Communities>(&scope, call, new, record, input.fields).await?;
        payload(&scope, outcome).await
    }

    /// Changes a community, by its coordinators or the administrators of the organization that manages it.
    async fn community_edit(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: CommunityEditInput,
    ) -> Result<CommunityPayload, Fault> {
        let scope = Scope::of_root(ctx, None)?.anew();
        let call = Call::of(ctx, input.idempotency_key, input.reason)?;
        let edit = Edit {
            node: ("community", &input.community),
            expected_version: input.expected_version,
            slug: input.slug,
            sources: input.sources,
        };
        let outcome = edit::edit::<Communities>(&scope, call, edit, input.fields).await?;
        payload(&scope, outcome).await
    }
}

async fn payload(scope: &Scope, outcome: Outcome<Uuid>) -> Result<CommunityPayload, Fault> {
    Ok(match outcome {
        Ok(id) => CommunityPayload { community: page::by_id(scope, id).await?, user_errors: Vec::new() },
        Err(user_errors) => CommunityPayload { community: None, user_errors },
    })
}
