//! A KT item as a line of the transfer format.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{AsRefStr, EnumMessage, EnumString, VariantArray};

use crate::domain::item::rules;
use crate::domain::record::{self, LINE, Problems, Record, Reference, TEXT};
use crate::policy::NodeKind;
use crate::text::identifier;
use crate::text::imprecise_date::ImpreciseDate;
use crate::text::language::LanguageTag;
use crate::text::messages::Message;
use crate::text::texts::Texts;
use crate::text::vocabulary::Vocabulary;

/// The longest body: at most 50,000 characters of Markdown, some twenty printed pages.
const BODY: usize = 50_000;

/// What sort of thing an item is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, AsRefStr, EnumString, EnumMessage, VariantArray,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum ItemKind {
    /// Says how something is done well.
    Guide,
    /// Tells what was found or decided.
    Report,
    /// A talk given on line, or its recording.
    Webinar,
    /// An ordered course of learning.
    Curriculum,
    /// What an organization stands for.
    Statement,
    /// Something to work with: a form, a checklist, a calculator.
    Tool,
    /// What somebody lived through, told by them.
    Story,
    /// An article in a journal or newsletter.
    Article,
    /// Slides or a poster.
    Presentation,
    /// A workshop that took or takes place.
    Workshop,
    /// A meeting that took or takes place.
    Meeting,
    /// None of these.
    Other,
}

impl Vocabulary for ItemKind {
    const NAME: &'static str = "ItemKind";
    const ABOUT: &'static str = "What sort of thing a KT item is.";
}

/// Whom an item is written for.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, AsRefStr, EnumString, EnumMessage, VariantArray,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Readership {
    /// Practitioners of health care.
    Practitioners,
    /// Those who run services.
    Administrators,
    /// Community-based organizations.
    CommunityBasedOrganizations,
    /// Researchers.
    Researchers,
    /// Volunteers.
    Volunteers,
    /// People with an illness.
    Patients,
    /// Those who care for somebody.
    Caregivers,
    /// Everybody.
    GeneralPublic,
}

impl Vocabulary for Readership {
    const NAME: &'static str = "Readership";
    const ABOUT: &'static str = "Whom a KT item is written for.";
}

/// What an item's findings rest on, the strongest first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, AsRefStr, EnumString, EnumMessage, VariantArray,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum EvidenceLevel {
    /// A systematic review of studies.
    SystematicReview,
    /// A randomized controlled trial.
    RandomizedTrial,
    /// A study without random allocation.
    ObservationalStudy,
    /// A qualitative study.
    QualitativeStudy,
    /// An evaluation of practice.
    PracticeEvaluation,
    /// The consensus of experts.
    ExpertConsensus,
    /// What somebody lived through.
    LivedExperience,
}

impl Vocabulary for EvidenceLevel {
    const NAME: &'static str = "EvidenceLevel";
    const ABOUT: &'static str = "What the findings of a KT item rest on.";
}

/// Where an item stands in its workflow.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, AsRefStr, EnumString, EnumMessage, VariantArray,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum ItemStatus {
    /// Being written; readers do not see it.
    Draft,
    /// There for its readers.
    Published,
}

impl Vocabulary for ItemStatus {
    const NAME: &'static str = "ItemStatus";
    const ABOUT: &'static str = "Where a KT item stands in its workflow.";
}

/// An author of an item, as printed on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuthorRecord {
    /// The name as printed; it is shown whoever may see the person.
    pub byline: String,
    /// The key of the person, if the hub knows them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
}

/// The fields of a KT item.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ItemRecord {
    /// What sort of thing it is.
    pub item_kind: ItemKind,
    /// What it is called.
    pub title: Texts,
    /// What it says, in a paragraph.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Texts>,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The thing itself, in Markdown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Texts>,
    /// Whom it is written for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub intended_for: Vec<Readership>,
    /// The licence it is under, best as an SPDX identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// The languages that the thing itself is in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub content_languages: Vec<LanguageTag>,
    /// Who made it, in the order of the byline.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<AuthorRecord>,
    /// The keys of the communities that it belongs to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub communities: Vec<String>,
    /// The key of the project that it came out of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The keys of its topics.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<String>,
    /// The bare DOI, in lower case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doi: Option<String>,
    /// What its findings rest on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence_level: Option<EvidenceLevel>,
    /// Where it stands in its workflow.
    pub status: ItemStatus,
    /// When it was issued or took place, in the source's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued: Option<ImpreciseDate>,
    /// When it was published on the hub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_at: Option<DateTime<Utc>>,
    /// From when the members of its communities see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members_at: Option<DateTime<Utc>>,
    /// From when everybody whom it is for sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_at: Option<DateTime<Utc>>,
}

impl ItemRecord {
    /// A draft of which nothing is stated yet; it needs a title.
    pub fn blank() -> Self {
        Self {
            item_kind: ItemKind::Other,
            title: Texts::default(),
            summary: None,
            url: None,
            body: None,
            intended_for: Vec::new(),
            licence: None,
            content_languages: Vec::new(),
            authors: Vec::new(),
            communities: Vec::new(),
            project: None,
            topics: Vec::new(),
            doi: None,
            evidence_level: None,
            status: ItemStatus::Draft,
            issued: None,
            published_at: None,
            members_at: None,
            public_at: None,
        }
    }
}

impl Record for ItemRecord {
    const KIND: NodeKind = NodeKind::Item;

    fn check(&mut self, problems: &mut Problems) {
        problems.texts("title", &self.title, LINE);
        problems.texts("summary", self.summary.as_ref(), TEXT);
        problems.canonical("url", &mut self.url, identifier::web_address);
        problems.texts("body", self.body.as_ref(), BODY);
        problems.list("intendedFor", &self.intended_for);
        problems.plain("licence", self.licence.as_ref(), 100);
        problems.list("contentLanguages", &self.content_languages);
        problems.list("authors", &self.authors);
        for author in &self.authors {
            problems.plain("authors", Some(&author.byline), LINE);
        }
        record::in_order(&mut self.communities);
        record::in_order(&mut self.topics);
        problems.list("communities", &self.communities);
        problems.list("topics", &self.topics);
        problems.canonical("doi", &mut self.doi, identifier::doi);
        problems.date("issued", self.issued.as_ref());
        match (self.status, self.published_at) {
            (ItemStatus::Published, None) => problems.add("publishedAt", Message::new("item-published-when")),
            (ItemStatus::Draft, Some(_)) => problems.add("publishedAt", Message::new("item-draft-published")),
            (ItemStatus::Published, Some(_)) | (ItemStatus::Draft, None) => {}
        }
        problems.check("publicAt", rules::check_order(self.members_at, self.public_at));
        if self.members_at.is_some() && self.communities.is_empty() {
            problems.add("membersAt", Message::new("item-without-community"));
        }
        let first = [self.members_at, self.public_at].into_iter().flatten().min();
        match (self.status, first) {
            (ItemStatus::Draft, Some(_)) => problems.add("publicAt", Message::new("item-draft-published")),
            (ItemStatus::Published, Some(_)) if first != self.published_at => {
                problems.add("publishedAt", Message::new("item-published-first"));
            }
            (ItemStatus::Published | ItemStatus::Draft, Some(_) | None) => {}
        }
    }

    fn name_in_contract(field: &str) -> &str {
        match field {
            "itemKind" => "kind",
            other => other,
        }
    }

    fn references(&self) -> Vec<Reference> {
        let people = self.authors.iter().filter_map(|author| author.person.as_ref());
        let mut references: Vec<Reference> =
            people.map(|key| Reference::new("authors", NodeKind::Person, key)).collect();
        references.extend(self.communities.iter().map(|key| Reference::new("communities", NodeKind::Community, key)));
        references.extend(self.project.iter().map(|key| Reference::new("project", NodeKind::Project, key)));
        references.extend(self.topics.iter().map(|key| Reference::new("topics", NodeKind::Topic, key)));
        references
    }
}
