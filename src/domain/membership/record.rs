//! A membership as a line of the transfer format.

use serde::{Deserialize, Serialize};
use strum::{AsRefStr, EnumMessage, EnumString, VariantArray};

use crate::domain::community::record::Question;
use crate::domain::record::{Problems, Record, Reference};
use crate::policy::NodeKind;
use crate::text::imprecise_date::ImpreciseDate;
use crate::text::vocabulary::Vocabulary;

/// Where a membership stands.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, AsRefStr, EnumString, EnumMessage, VariantArray,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum MembershipStatus {
    /// Applied for and not decided yet.
    Applied,
    /// Offered by the coordinators and not taken up yet.
    Invited,
    /// On the waiting list.
    Waiting,
    /// In force.
    Active,
    /// Refused.
    Refused,
    /// The person took the application back, or declined the invitation.
    Withdrawn,
    /// Over.
    Ended,
}

impl Vocabulary for MembershipStatus {
    const NAME: &'static str = "MembershipStatus";
    const ABOUT: &'static str = "Where a membership stands.";
}

/// How far a membership goes.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, AsRefStr, EnumString, EnumMessage, VariantArray,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum MembershipTier {
    /// Open to whoever is eligible.
    Open,
    /// By appointment.
    Appointed,
    /// With the endorsement of an organization.
    Endorsed,
}

impl Vocabulary for MembershipTier {
    const NAME: &'static str = "MembershipTier";
    const ABOUT: &'static str = "How far a membership goes.";
}

/// An answer to a question of a community, with the question as it was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// What was asked.
    pub question: Question,
    /// The answer in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The choices, by their ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// Yes or no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yes: Option<bool>,
}

/// The fields of a membership.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MembershipRecord {
    /// The key of the person.
    pub person: String,
    /// The key of the community.
    pub community: String,
    /// Where it stands.
    pub status: MembershipStatus,
    /// How far it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<MembershipTier>,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<ImpreciseDate>,
}

impl MembershipRecord {
    /// A membership that is begun.
    pub fn new(person: String, community: String) -> Self {
        Self { person, community, status: MembershipStatus::Applied, tier: None, since: None }
    }
}

impl Record for MembershipRecord {
    const KIND: NodeKind = NodeKind::Membership;

    fn check(&mut self, problems: &mut Problems) {
        problems.date("since", self.since.as_ref());
    }

    fn references(&self) -> Vec<Reference> {
        vec![
            Reference::new("person", NodeKind::Person, &self.person),
            Reference::new("community", NodeKind::Community, &self.community),
        ]
    }
}
