//! A role as a line of the transfer format.

use serde::{Deserialize, Serialize};
use strum::{AsRefStr, EnumMessage, EnumString, VariantArray};

use crate::domain::record::{LINE, NodeReference, Problems, Record, Reference};
use crate::policy::NodeKind;
use crate::text::imprecise_date::ImpreciseDate;
use crate::text::messages::Message;
use crate::text::texts::Texts;
use crate::text::vocabulary::Vocabulary;

/// What somebody is to a community or an organization.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, AsRefStr, EnumString, EnumMessage, VariantArray,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum RoleKind {
    /// Leads it.
    Leader,
    /// Coordinates it.
    Coordinator,
    /// Speaks for it in a region.
    Champion,
    /// Represents an organization in it.
    Representative,
    /// Chairs it.
    Chair,
    /// Advises it.
    Advisor,
}

impl Vocabulary for RoleKind {
    const NAME: &'static str = "RoleKind";
    const ABOUT: &'static str = "What somebody is to a community or an organization. A role gives no right.";
}

/// The fields of a role.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoleRecord {
    /// The key of the person.
    pub person: String,
    /// The community or organization.
    pub of: NodeReference,
    /// What the person is to it.
    pub role_kind: RoleKind,
    /// What the source calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Texts>,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<ImpreciseDate>,
    /// Until when; null: not stated, or it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<ImpreciseDate>,
}

impl RoleRecord {
    /// A role in something of which nothing more is stated yet; it needs a person.
    pub fn new(of: NodeReference, role_kind: RoleKind) -> Self {
        Self { person: String::new(), of, role_kind, title: None, from: None, until: None }
    }
}

impl Record for RoleRecord {
    const KIND: NodeKind = NodeKind::Role;

    fn check(&mut self, problems: &mut Problems) {
        if !matches!(self.of.kind, NodeKind::Community | NodeKind::Organization) {
            problems.add("of", Message::new("role-of-wrong-kind"));
        }
        problems.texts("title", self.title.as_ref(), LINE);
        problems.date("from", self.from.as_ref());
        problems.date("until", self.until.as_ref());
        problems.period("until", self.from.as_ref(), self.until.as_ref());
    }

    fn name_in_contract(field: &str) -> &str {
        match field {
            "roleKind" => "kind",
            "from" => "since",
            other => other,
        }
    }

    fn name_in_line(field: &str) -> &str {
        match field {
            "since" => "from",
            other => other,
        }
    }

    fn references(&self) -> Vec<Reference> {
        vec![Reference::new("person", NodeKind::Person, &self.person), Reference::new("of", self.of.kind, &self.of.key)]
    }
}
