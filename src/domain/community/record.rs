//! A community of practice as a line of the transfer format.

use serde::{Deserialize, Serialize};
use strum::{AsRefStr, EnumMessage, EnumString, VariantArray};

use crate::domain::person::record::Profession;
use crate::domain::record::{self, LINE, Problems, Record, Reference, TEXT};
use crate::policy::NodeKind;
use crate::text::approximate_count::ApproximateCount;
use crate::text::identifier;
use crate::text::imprecise_date::ImpreciseDate;
use crate::text::language::LanguageTag;
use crate::text::statement::Statement;
use crate::text::texts::Texts;
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
    }

    fn references(&self) -> Vec<Reference> {
        self.topics.iter().map(|key| Reference::new("topics", NodeKind::Topic, key)).collect()
    }
}
