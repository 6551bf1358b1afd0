//! A community of practice as a line of the transfer format.

use serde::{Deserialize, Serialize};
use strum::{AsRefStr, EnumMessage, EnumString, VariantArray};

use crate::domain::membership::record::MembershipTier;
use crate::domain::person::record::Profession;
use crate::domain::record::{self, LINE, Problems, Record, Reference, TEXT};
use crate::policy::NodeKind;
use crate::text::approximate_count::ApproximateCount;
use crate::text::identifier;
use crate::text::imprecise_date::ImpreciseDate;
use crate::text::language::LanguageTag;
use crate::text::messages::Message;
use crate::text::statement::Statement;
use crate::text::texts::{Fields, Texts};
use crate::text::vocabulary::Vocabulary;

/// What members of a community do together.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, AsRefStr, EnumString, EnumMessage, VariantArray,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum ActivityKind {
    /// Solving problems together.
    ProblemSolving,
    /// Asking where something is known.
    RequestsForInformation,
    /// Asking who has done something before.
    SeekingExperience,
    /// Using again what another member made.
    ReusingAssets,
    /// Coordinating work and finding synergy.
    CoordinationAndSynergy,
    /// Discussing developments.
    DiscussingDevelopments,
    /// Writing down what is known.
    Documentation,
    /// Creating materials and resources.
    CreatingMaterials,
    /// Mapping knowledge and identifying gaps.
    MappingKnowledge,
    /// Visiting each other's sites.
    SiteVisits,
}

impl Vocabulary for ActivityKind {
    const NAME: &'static str = "ActivityKind";
    const ABOUT: &'static str = "What members of a community do together.";
}

/// How one becomes a member.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, AsRefStr, EnumString, EnumMessage, VariantArray,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum JoinPolicy {
    /// Whoever wants to, at once.
    Open,
    /// By an application that somebody decides on.
    ByApplication,
    /// By invitation only.
    ByInvitation,
}

impl Vocabulary for JoinPolicy {
    const NAME: &'static str = "JoinPolicy";
    const ABOUT: &'static str = "How one becomes a member of a community.";
}

/// Where a community stands in its life, as the hub's editors see it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, AsRefStr, EnumString, EnumMessage, VariantArray,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum CommunityStatus {
    /// Coming together.
    Forming,
    /// At work.
    Active,
    /// Not meeting at present.
    Dormant,
    /// Ended.
    Closed,
}

impl Vocabulary for CommunityStatus {
    const NAME: &'static str = "CommunityStatus";
    const ABOUT: &'static str = "Where a community stands in its life, as the hub's editors see it.";
}

/// What membership is good for: a cause and its effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Benefit {
    /// Unique within the list; never shown.
    pub id: String,
    /// What members do or have.
    pub cause: Texts,
    /// What comes of it.
    pub effect: Texts,
}

/// How a question is answered.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, AsRefStr, EnumString, EnumMessage, VariantArray,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum QuestionKind {
    /// With a line.
    ShortText,
    /// With a few paragraphs.
    LongText,
    /// With one of the choices.
    OneOf,
    /// With any number of the choices.
    SeveralOf,
    /// With yes or no.
    YesOrNo,
}

impl Vocabulary for QuestionKind {
    const NAME: &'static str = "QuestionKind";
    const ABOUT: &'static str = "How a question of a community is answered.";
}

/// What a community asks of those who want to join.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Question {
    /// Unique within the list; answers name it.
    pub id: String,
    /// How it is answered.
    pub question_kind: QuestionKind,
    /// What is asked.
    pub text: Texts,
    /// What there is to choose from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Statement>,
    /// Whether it has to be answered.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
}

/// What those who join accept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Charter {
    /// The version, from 1; it is also its name in the paths of texts.
    pub id: String,
    /// What it says.
    pub text: Texts,
}

impl Charter {
    /// The version.
    pub fn version(&self) -> i32 {
        // Checked where it is written.
        self.id.parse().unwrap_or_default()
    }
}

/// What holds for memberships of a tier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TierRule {
    /// The tier.
    pub tier: MembershipTier,
    /// How many active members there may be from a region; null: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_per_region: Option<u32>,
}

/// The longest text of a question: at most 1,000 characters.
const QUESTION: usize = 1_000;

/// The largest quota of a region.
const MOST_PER_REGION: u32 = 1_000_000;

/// The most versions of a charter.
const CHARTERS: usize = 100;

/// The fields of a community.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CommunityRecord {
    /// What it is called; null when no source states a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Texts>,
    /// The field of interest that members share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<Texts>,
    /// Who the members are and what they do together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub community: Option<Texts>,
    /// The resources that members share: experiences, stories, tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub practice: Option<Texts>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Texts>,
    /// Its objectives, in its own order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objectives: Vec<Statement>,
    /// What members do together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub activities: Vec<ActivityKind>,
    /// What membership is good for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub benefits: Vec<Benefit>,
    /// Who can take part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eligibility: Option<Texts>,
    /// The professions that can take part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub professions: Vec<Profession>,
    /// How one joins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join_policy: Option<JoinPolicy>,
    /// Where one joins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join_url: Option<String>,
    /// When it was launched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launched: Option<ImpreciseDate>,
    /// How many members a source states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member_count: Option<ApproximateCount>,
    /// How many centres a source states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub centre_count: Option<ApproximateCount>,
    /// The regions where it is at work, ISO 3166-2.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<String>,
    /// How and how often it meets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meetings: Option<Texts>,
    /// The address of a role, never of a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact_email: Option<String>,
    /// The keys of its topics.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<String>,
    /// The languages it works in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<LanguageTag>,
    /// Where it stands in its life.
    pub status: CommunityStatus,
    /// The key of the organization whose administrators may edit it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed_by: Option<String>,
    /// What it asks of those who want to join, in its own order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub questions: Vec<Question>,
    /// What those who join accept, every version; the last is in force.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub charters: Vec<Charter>,
    /// How far its memberships go, the usual one first; empty: OPEN alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<TierRule>,
}

impl CommunityRecord {
    /// A community of which nothing is stated yet.
    pub fn blank() -> Self {
        Self {
            name: None,
            domain: None,
            community: None,
            practice: None,
            purpose: None,
            objectives: Vec::new(),
            activities: Vec::new(),
            benefits: Vec::new(),
            eligibility: None,
            professions: Vec::new(),
            join_policy: None,
            join_url: None,
            launched: None,
            member_count: None,
            centre_count: None,
            regions: Vec::new(),
            meetings: None,
            contact_email: None,
            topics: Vec::new(),
            languages: Vec::new(),
            status: CommunityStatus::Forming,
            managed_by: None,
            questions: Vec::new(),
            charters: Vec::new(),
            tiers: Vec::new(),
        }
    }

    /// The charter in force; null: there is none.
    pub fn charter(&self) -> Option<&Charter> {
        self.charters.last()
    }

    /// Checks what is asked of those who want to join.
    fn check_joining(&self, problems: &mut Problems) {
        problems.list("questions", &self.questions);
        problems.ids("questions", self.questions.iter().map(|question| question.id.as_str()));
        for question in &self.questions {
            let field = |name: &str| format!("questions/{}/{name}", question.id);
            problems.texts(&field("text"), &question.text, QUESTION);
            problems.list(&field("choices"), &question.choices);
            problems.ids(&field("choices"), question.choices.iter().map(|choice| choice.id.as_str()));
            for choice in &question.choices {
                problems.texts(&field(&format!("choices/{}/text", choice.id)), &choice.text, LINE);
            }
            let chooses = matches!(question.question_kind, QuestionKind::OneOf | QuestionKind::SeveralOf);
            if chooses == question.choices.is_empty() {
                problems.add(field("choices"), Message::new("question-choices"));
            }
        }
        problems.list_of("charters", &self.charters, CHARTERS);
        for (version, charter) in (1..).zip(&self.charters) {
            problems.texts(&format!("charters/{}/text", charter.id), &charter.text, TEXT);
            if charter.id != format!("{version}") {
                problems.add("charters", Message::new("charter-versions"));
            }
        }
        for (index, rule) in self.tiers.iter().enumerate() {
            if rule.max_per_region.is_some_and(|max| max == 0 || max > MOST_PER_REGION) {
                problems.add("tiers", Message::new("quota-out-of-range").with("max", i64::from(MOST_PER_REGION)));
            }
            if self.tiers.iter().take(index).any(|other| other.tier == rule.tier) {
                problems.add("tiers", Message::new("id-twice").with("id", rule.tier.as_ref()));
            }
        }
    }
}

/// Puts what is asked of those who want to join into a list of fields.
pub fn put_joining<'a>(fields: &mut Fields<'a>, questions: &'a [Question], charters: &'a [Charter]) {
    for question in questions {
        record::put(fields, &format!("questions/{}/text", question.id), &question.text);
        record::put_statements(fields, &format!("questions/{}/choices", question.id), &question.choices);
    }
    for charter in charters {
        record::put(fields, &format!("charters/{}/text", charter.id), &charter.text);
    }
}

impl Record for CommunityRecord {
    const KIND: NodeKind = NodeKind::Community;

    fn check(&mut self, problems: &mut Problems) {
        problems.texts("name", self.name.as_ref(), LINE);
        problems.texts("domain", self.domain.as_ref(), TEXT);
        problems.texts("community", self.community.as_ref(), TEXT);
        problems.texts("practice", self.practice.as_ref(), TEXT);
        problems.texts("purpose", self.purpose.as_ref(), TEXT);
        problems.statements("objectives", &self.objectives);
        problems.list("activities", &self.activities);
        problems.list("benefits", &self.benefits);
        problems.ids("benefits", self.benefits.iter().map(|benefit| benefit.id.as_str()));
        for benefit in &self.benefits {
            problems.texts(&format!("benefits/{}/cause", benefit.id), &benefit.cause, TEXT);
            problems.texts(&format!("benefits/{}/effect", benefit.id), &benefit.effect, TEXT);
        }
        problems.texts("eligibility", self.eligibility.as_ref(), TEXT);
        problems.list("professions", &self.professions);
        problems.canonical("joinUrl", &mut self.join_url, identifier::web_address);
        problems.date("launched", self.launched.as_ref());
        problems.count("memberCount", self.member_count.as_ref());
        problems.count("centreCount", self.centre_count.as_ref());
        problems.list("regions", &self.regions);
        for region in &mut self.regions {
            match identifier::region(region) {
                Ok(canonical) => *region = canonical,
                Err(message) => problems.add("regions", message),
            }
        }
        problems.texts("meetings", self.meetings.as_ref(), TEXT);
        problems.canonical("contactEmail", &mut self.contact_email, identifier::email);
        record::in_order(&mut self.topics);
        problems.list("topics", &self.topics);
        problems.list("languages", &self.languages);
        self.check_joining(problems);
    }

    fn name_in_contract(field: &str) -> &str {
        match field {
            "charters" => "charter",
            other => other,
        }
    }

    fn references(&self) -> Vec<Reference> {
        let managed_by = self.managed_by.iter().map(|key| Reference::new("managedBy", NodeKind::Organization, key));
        let topics = self.topics.iter().map(|key| Reference::new("topics", NodeKind::Topic, key));
        topics.chain(managed_by).collect()
    }
}
