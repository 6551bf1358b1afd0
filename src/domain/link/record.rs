//! A link as a line of the transfer format.

use serde::{Deserialize, Serialize};

use crate::domain::link::rules::{self, LinkKind};
use crate::domain::record::{LINE, NodeReference, Problems, Record, Reference};
use crate::policy::NodeKind;
use crate::text::imprecise_date::ImpreciseDate;
use crate::text::messages::Message;
use crate::text::texts::Texts;

/// The fields of a link.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LinkRecord {
    /// What the link says.
    pub link_kind: LinkKind,
    /// Where it starts.
    pub from: NodeReference,
    /// Where it leads.
    pub to: NodeReference,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<ImpreciseDate>,
    /// Until when; null: not stated, or it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<ImpreciseDate>,
    /// What else the source says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Texts>,
}

impl LinkRecord {
    /// A link of which nothing more is stated yet.
    pub fn new(link_kind: LinkKind, from: NodeReference, to: NodeReference) -> Self {
        Self { link_kind, from, to, since: None, until: None, note: None }
    }
}

impl Record for LinkRecord {
    const KIND: NodeKind = NodeKind::Link;

    fn check(&mut self, problems: &mut Problems) {
        if !rules::may_join(self.link_kind, self.from.kind, self.to.kind) {
            let message = Message::new("link-ends-wrong")
                .with("kind", self.link_kind.as_ref())
                .with("from", self.from.kind.as_ref().to_lowercase())
                .with("to", self.to.kind.as_ref().to_lowercase());
            problems.add("linkKind", message);
        }
        if self.from == self.to {
            problems.add("to", Message::new("link-to-itself"));
        }
        problems.date("since", self.since.as_ref());
        problems.date("until", self.until.as_ref());
        problems.period("until", self.since.as_ref(), self.until.as_ref());
        problems.texts("note", self.note.as_ref(), LINE);
    }

    fn name_in_contract(field: &str) -> &str {
        match field {
            "linkKind" => "kind",
            other => other,
        }
    }

    fn references(&self) -> Vec<Reference> {
        vec![Reference::new("from", self.from.kind, &self.from.key), Reference::new("to", self.to.kind, &self.to.key)]
    }
}
