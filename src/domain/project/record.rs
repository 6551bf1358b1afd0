//! A research project as a line of the transfer format.

use serde::{Deserialize, Serialize};
use strum::{AsRefStr, EnumMessage, EnumString, VariantArray};

use crate::domain::record::{self, LINE, Problems, Record, Reference, TEXT};
use crate::policy::NodeKind;
use crate::text::imprecise_date::ImpreciseDate;
use crate::text::messages::Message;
use crate::text::statement::Statement;
use crate::text::texts::Texts;
use crate::text::vocabulary::Vocabulary;

/// Where a project stands.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, AsRefStr, EnumString, EnumMessage, VariantArray,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum ProjectStatus {
    /// Not begun yet.
    Planned,
    /// At work.
    Active,
    /// Paused.
    Suspended,
    /// Done.
    Completed,
    /// Given up.
    Stopped,
}

impl Vocabulary for ProjectStatus {
    const NAME: &'static str = "ProjectStatus";
    const ABOUT: &'static str = "Where a project stands.";
}

/// What somebody does in a project.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, AsRefStr, EnumString, EnumMessage, VariantArray,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum ProjectRole {
    /// Answers for the research.
    PrincipalInvestigator,
    /// Answers for a part of it.
    CoInvestigator,
    /// Knows from the practice that the results are for.
    KnowledgeUser,
    /// Lives or lived with what it is about.
    PatientPartner,
    /// Runs it from day to day.
    Coordinator,
    /// Works together with the team.
    Collaborator,
    /// Learns by it.
    Trainee,
}

impl Vocabulary for ProjectRole {
    const NAME: &'static str = "ProjectRole";
    const ABOUT: &'static str = "What somebody does in a project.";
}

/// Somebody who works in a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProjectPersonRecord {
    /// The key of the person.
    pub person: String,
    /// What the person does in it.
    pub role: ProjectRole,
}

/// The fields of a project.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProjectRecord {
    /// What it is called.
    pub title: Texts,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Texts>,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<ProjectStatus>,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<ImpreciseDate>,
    /// When it ended, or is to end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<ImpreciseDate>,
    /// What came of it, besides its KT items.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<Statement>,
    /// The key of the organization that leads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead: Option<String>,
    /// The keys of the organizations that work in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partners: Vec<String>,
    /// The keys of the organizations that pay for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub funders: Vec<String>,
    /// Who works in it, in its own order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<ProjectPersonRecord>,
    /// The keys of the communities that it belongs to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub communities: Vec<String>,
    /// The key of the organization whose administrators may edit it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed_by: Option<String>,
}

impl ProjectRecord {
    /// A project of which nothing is stated yet; it needs a title.
    pub fn blank() -> Self {
        Self {
            title: Texts::default(),
            summary: None,
            status: None,
            started: None,
            ended: None,
            outputs: Vec::new(),
            lead: None,
            partners: Vec::new(),
            funders: Vec::new(),
            people: Vec::new(),
            communities: Vec::new(),
            managed_by: None,
        }
    }
}

impl Record for ProjectRecord {
    const KIND: NodeKind = NodeKind::Project;

    fn check(&mut self, problems: &mut Problems) {
        problems.texts("title", &self.title, LINE);
        problems.texts("summary", self.summary.as_ref(), TEXT);
        problems.date("started", self.started.as_ref());
        problems.date("ended", self.ended.as_ref());
        problems.period("ended", self.started.as_ref(), self.ended.as_ref());
        problems.statements("outputs", &self.outputs);
        record::in_order(&mut self.partners);
        record::in_order(&mut self.funders);
        record::in_order(&mut self.communities);
        problems.list("partners", &self.partners);
        problems.list("funders", &self.funders);
        problems.list("communities", &self.communities);
        problems.list("people", &self.people);
        for (index, one) in self.people.iter().enumerate() {
            if self.people.iter().take(index).any(|other| other == one) {
                problems.add("people", Message::new("id-twice").with("id", one.person.as_str()));
            }
        }
    }

    fn references(&self) -> Vec<Reference> {
        let organizations = [("partners", &self.partners), ("funders", &self.funders)];
        let mut references: Vec<Reference> = self
            .lead
            .iter()
            .map(|key| ("lead", key))
            .chain(self.managed_by.iter().map(|key| ("managedBy", key)))
            .chain(organizations.iter().flat_map(|(field, keys)| keys.iter().map(|key| (*field, key))))
            .map(|(field, key)| Reference::new(field, NodeKind::Organization, key))
            .collect();
        references.extend(self.people.iter().map(|one| Reference::new("people", NodeKind::Person, &one.person)));
        references.extend(self.communities.iter().map(|key| Reference::new("communities", NodeKind::Community, key)));
        references
    }
}
