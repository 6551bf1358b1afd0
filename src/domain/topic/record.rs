//! A topic as a line of the transfer format.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::record::{self, LINE, Problems, Record, Reference, TEXT};
use crate::policy::NodeKind;
use crate::text::language::LanguageTag;
use crate::text::texts::{self, Texts};

/// Other words for a topic, by language.
pub type Synonyms = BTreeMap<LanguageTag, Vec<String>>;

/// The fields of a topic.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TopicRecord {
    /// What it is called.
    pub name: Texts,
    /// What it covers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Texts>,
    /// Other words for it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub synonyms: Synonyms,
    /// The keys of the wider topics.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<String>,
}

impl Record for TopicRecord {
    const KIND: NodeKind = NodeKind::Topic;

    fn check(&mut self, problems: &mut Problems) {
        problems.texts("name", &self.name, LINE);
        problems.texts("description", self.description.as_ref(), TEXT);
        record::in_order(&mut self.parents);
        problems.list("parents", &self.parents);
        for words in self.synonyms.values() {
            problems.list("synonyms", words);
            for word in words {
                problems.check("synonyms", texts::check_plain(word, LINE, false));
            }
        }
    }

    fn references(&self) -> Vec<Reference> {
        self.parents.iter().map(|key| Reference::new("parents", NodeKind::Topic, key)).collect()
    }
}
