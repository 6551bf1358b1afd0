//! Applications for memberships in the contract.

use std::sync::Arc;

use async_graphql::connection::EmptyFields;
use async_graphql::{ID, InputObject, Object, SimpleObject};
use chrono::TimeDelta;
use uuid::Uuid;

use crate::db::page::Direction;
use crate::domain::community::graph::joining::{Choice, Question};
use crate::domain::membership::graph::Membership;
use crate::domain::membership::record::{self, MembershipTier};
use crate::domain::membership::store::applications::{
    ApplicationFilter, ApplicationOrder, ApplicationRow, ApplicationStatus, Applications, RefusalReason,
};
use crate::domain::organization::graph::Organization;
use crate::domain::person::graph::{Person, note_reading_of};
use crate::error::Fault;
use crate::graph::id::Thing;
use crate::graph::page::{self, Listable, OrderDirection, Selection};
use crate::graph::scope::Scope;
use crate::graph::text::{self, DateTime};
use crate::graph::word::{self, Word};
use crate::loaders::Loaders;
use crate::loaders::lists::Lists;
use crate::text::messages::Message;

/// The longest time that a queue can be asked for, in days: ten years.
const MAX_WAITING_DAYS: i32 = 3_653;

/// What somebody sent who wants to join a community, and what came of it.
pub struct Application {
    row: Arc<ApplicationRow>,
    scope: Scope,
}

/// An answer to a question of a community.
#[derive(SimpleObject)]
pub struct Answer {
    /// What was asked, as it was then.
    question: Question,
    /// The answer in words; null: it is answered otherwise.
    text: Option<String>,
    /// The choices; empty: it is answered otherwise.
    choices: Vec<Choice>,
    /// Yes or no; null: it is answered otherwise.
    yes: Option<bool>,
}

/// What somebody sent who wants to join a community, and what came of it. Who applies sees it, the coordinators do, and the
/// administrators of the organization that is asked to endorse it.
#[Object]
impl Application {
    /// The id of the application.
    async fn id(&self) -> ID {
        Thing::Application.encode(self.row.id)
    }

    /// The membership that it is for; null: hidden.
    async fn membership(&self) -> Option<Result<Membership, Fault>> {
        page::by_id(&self.scope, self.row.membership_id).await.transpose()
    }

    /// Who applies; null: hidden. It is known to the coordinators, and to whoever is asked to endorse it until it is decided.
    async fn person(&self) -> Option<Result<Person, Fault>> {
        page::by_id(&self.scope, self.row.person_id).await.transpose()
    }

    /// Where it stands.
    async fn status(&self) -> Word<ApplicationStatus> {
        Word(self.row.status.0)
    }

    /// Where it stands, as a sentence in the reader's language.
    async fn status_text(&self) -> String {
        self.scope.sentence(&match self.row.status.0 {
            ApplicationStatus::Pending => Message::new("application-pending"),
            ApplicationStatus::Waiting => Message::new("application-waiting"),
            ApplicationStatus::Accepted => Message::new("application-accepted"),
            ApplicationStatus::Refused => Message::new("application-refused"),
            ApplicationStatus::Withdrawn => Message::new("application-withdrawn"),
        })
    }

    /// The tier that it is for, or that was given.
    async fn tier(&self) -> Word<MembershipTier> {
        Word(self.row.tier.0)
    }

    /// When it was sent.
    async fn applied_at(&self) -> DateTime {
        DateTime(self.row.applied_at)
    }

    /// The answers, in the order in which they were sent.
    async fn answers(&self) -> Vec<Answer> {
        self.row.answers.iter().map(|answer| self.served(answer)).collect()
    }

    /// The version of the charter that was accepted; null: there was none.
    async fn charter_version(&self) -> Option<i32> {
        self.row.charter_version
    }

    /// The organization that is asked to endorse it; null: none.
    async fn endorser(&self) -> Option<Result<Organization, Fault>> {
        page::by_id(&self.scope, self.row.endorser_id?).await.transpose()
    }

    /// When the organization endorsed it; null: not yet.
    async fn endorsed_at(&self) -> Option<DateTime> {
        self.row.endorsed_at.map(DateTime)
    }

    /// When it was decided, or put on the waiting list; null: not yet.
    async fn decided_at(&self) -> Option<DateTime> {
        self.row.decided_at.map(DateTime)
    }

    /// Why it was refused; null: it was not.
    async fn reason(&self) -> Option<Word<RefusalReason>> {
        self.row.reason.map(|word| Word(word.0))
    }

    /// Why it was refused, as a sentence in the reader's language; null: it was not.
    async fn reason_text(&self) -> Option<String> {
        let reason = self.row.reason?;
        Some(self.scope.sentence(&match reason.0 {
            RefusalReason::NotEligible => Message::new("refusal-not-eligible"),
            RefusalReason::Full => Message::new("refusal-full"),
            RefusalReason::Incomplete => Message::new("refusal-incomplete"),
            RefusalReason::NotEndorsed => Message::new("refusal-not-endorsed"),
            RefusalReason::Other => Message::new("refusal-other"),
        }))
    }

    /// What the coordinators say to it; null: nothing.
    async fn note(&self) -> Option<&str> {
        self.scope.serve(self.row.note.as_deref()?, &self.row.original_language.0)
    }
}

impl Application {
    fn served(&self, answer: &record::Answer) -> Answer {
        let original = &self.row.original_language.0;
        let chosen = answer.question.choices.iter().filter(|choice| answer.choices.contains(&choice.id));
        Answer {
            question: Question::new(&answer.question, original, &self.scope),
            text: answer.text.clone(),
            choices: chosen.map(|choice| Choice::new(choice, original, &self.scope)).collect(),
            yes: answer.yes,
        }
    }
}

impl Listable for Application {
    type Kind = Applications;
    type EdgeFields = EmptyFields;
    const NAME: &'static str = "Application";

    fn new(row: Arc<ApplicationRow>, scope: &Scope) -> Self {
        note_reading_of(scope, row.person_id, "applications", &row.audience);
        Self { row, scope: scope.clone() }
    }

    fn lists(loaders: &Loaders) -> &Lists<Applications> {
        &loaders.applications
    }

    fn edge_fields(_row: &Arc<ApplicationRow>, _scope: &Scope, _parent: Option<Uuid>) -> EmptyFields {
        EmptyFields
    }
}

/// Narrows a list of applications; everything that is given must hold, any value of a list will do.
#[derive(Clone, Debug, Default, InputObject)]
#[graphql(name = "ApplicationFilter")]
pub struct ApplicationFilterInput {
    /// With one of these statuses.
    statuses: Option<Vec<Word<ApplicationStatus>>>,
    /// For one of these tiers.
    tiers: Option<Vec<Word<MembershipTier>>>,
    /// Sent more than so many days ago, 0 to 3,653.
    waiting_longer_than_days: Option<i32>,
    /// By people from one of these regions (ISO 3166-2) or countries (ISO 3166-1 alpha-2), as far as you see where they are
    /// from.
    regions: Option<Vec<String>>,
    /// By people of one of these professions, as far as you see what they do.
    professions: Option<Vec<Word<crate::domain::person::record::Profession>>>,
}

/// The list that the arguments ask for, the longest waiting first unless it says otherwise.
pub fn application_selection(
    filter: Option<ApplicationFilterInput>,
    direction: Option<Word<OrderDirection>>,
    scope: &Scope,
) -> Result<Selection<Applications>, Fault> {
    let filter = filter.unwrap_or_default();
    let applied_before = match filter.waiting_longer_than_days {
        None => None,
        Some(days @ 0..=MAX_WAITING_DAYS) => scope.now().checked_sub_signed(TimeDelta::days(i64::from(days))),
        Some(days) => {
            let message = Message::new("days-out-of-range").with("max", i64::from(MAX_WAITING_DAYS));
            return Err(message.with("days", i64::from(days)).into());
        }
    };
    let filter = ApplicationFilter {
        statuses: filter.statuses.map(word::words),
        tiers: filter.tiers.map(word::words),
        applied_before,
        regions: filter.regions.map(text::filter_regions).transpose()?,
        professions: filter.professions.map(word::words),
    };
    let direction = direction.map_or(Direction::Ascending, |word| word.0.into());
    Ok(Selection { filter, order: ApplicationOrder::AppliedAt, direction })
}
