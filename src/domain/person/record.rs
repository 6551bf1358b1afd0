//! A person as a line of the transfer format.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{AsRefStr, EnumMessage, EnumString, VariantArray};

use crate::domain::record::{self, LINE, Problems, Record, Reference};
use crate::policy::NodeKind;
use crate::text::identifier;
use crate::text::imprecise_date::ImpreciseDate;
use crate::text::language::LanguageTag;
use crate::text::messages::Message;
use crate::text::texts::{Fields, Texts};
use crate::text::vocabulary::Vocabulary;

/// The most consents of one person, those that were taken back among them.
pub const CONSENTS: usize = 300;

/// What somebody does for a living, or as a volunteer.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, AsRefStr, EnumString, EnumMessage, VariantArray,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Profession {
    /// A physician.
    Physician,
    /// A nurse in clinical research.
    ResearchNurse,
    /// A nurse.
    Nurse,
    /// A manager.
    Manager,
    /// A research coordinator.
    ResearchCoordinator,
    /// A psychologist.
    Psychologist,
    /// A social worker.
    SocialWorker,
    /// A provider of spiritual care.
    SpiritualCareProvider,
    /// A researcher.
    Researcher,
    /// A volunteer.
    Volunteer,
    /// Any practitioner of health care, where a source says no more.
    HealthcarePractitioner,
    /// An administrator.
    Administrator,
    /// An educator.
    Educator,
    /// None of these.
    Other,
}

impl Vocabulary for Profession {
    const NAME: &'static str = "Profession";
    const ABOUT: &'static str = "What somebody does for a living, or as a volunteer.";
}

impl Profession {
    /// Whether whoever is of this profession is of another one too: a nurse is a practitioner of health care.
    pub fn is(self, other: Self) -> bool {
        let practises = match self {
            Self::Physician
            | Self::ResearchNurse
            | Self::Nurse
            | Self::Psychologist
            | Self::SocialWorker
            | Self::SpiritualCareProvider
            | Self::HealthcarePractitioner => true,
            Self::Manager
            | Self::ResearchCoordinator
            | Self::Researcher
            | Self::Volunteer
            | Self::Administrator
            | Self::Educator
            | Self::Other => false,
        };
        self == other || (practises && other == Self::HealthcarePractitioner)
    }
}

/// The three groups that the partners bring together.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, AsRefStr, EnumString, EnumMessage, VariantArray,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum StakeholderGroup {
    /// Practitioners and administrators of health care.
    PractitionerOrAdministrator,
    /// Community-based organizations.
    CommunityBasedOrganization,
    /// Researchers.
    Researcher,
}

impl Vocabulary for StakeholderGroup {
    const NAME: &'static str = "StakeholderGroup";
    const ABOUT: &'static str = "Which of the three groups that the partners bring together somebody belongs to.";
}

/// A field of a person that has an audience of its own.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    AsRefStr,
    EnumString,
    EnumMessage,
    VariantArray,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum PersonField {
    /// The name; whoever may not see it does not see the person.
    Name,
    /// The honorific.
    Honorific,
    /// The profession.
    Profession,
    /// The home organization.
    HomeOrganization,
    /// The stakeholder group.
    StakeholderGroup,
    /// The region.
    Region,
    /// The languages.
    Languages,
    /// The topics of expertise.
    Expertise,
    /// The ORCID iD.
    Orcid,
    /// All affiliations with their dates.
    Affiliations,
    /// The memberships.
    Memberships,
    /// The projects that the person works in.
    Projects,
    /// The printed names on publications, which are shown with them whoever may see the person: a consent for everybody
    /// lets them stay when the person is erased, and that is all that it does.
    Bylines,
}

impl Vocabulary for PersonField {
    const NAME: &'static str = "PersonField";
    const ABOUT: &'static str = "What somebody consents to for itself.";
}

impl PersonField {
    /// Those that have an audience.
    pub const SHOWN: [Self; 12] = [
        Self::Name,
        Self::Honorific,
        Self::Profession,
        Self::HomeOrganization,
        Self::StakeholderGroup,
        Self::Region,
        Self::Languages,
        Self::Expertise,
        Self::Orcid,
        Self::Affiliations,
        Self::Memberships,
        Self::Projects,
    ];

    /// The field's name in the contract and in the transfer format.
    pub fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Honorific => "honorific",
            Self::Profession => "profession",
            Self::HomeOrganization => "homeOrganization",
            Self::StakeholderGroup => "stakeholderGroup",
            Self::Region => "region",
            Self::Languages => "languages",
            Self::Expertise => "expertise",
            Self::Orcid => "orcid",
            Self::Affiliations => "affiliations",
            Self::Memberships => "memberships",
            Self::Projects => "projects",
            Self::Bylines => "bylines",
        }
    }
}

/// How far a consent goes.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, AsRefStr, EnumString, EnumMessage, VariantArray,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum ConsentAudience {
    /// Everybody.
    Public,
    /// Members of the person's communities.
    Members,
    /// Coordinators of the person's communities.
    Coordinators,
    /// The person alone.
    #[serde(rename = "SELF")]
    #[strum(serialize = "SELF")]
    Oneself,
}

impl Vocabulary for ConsentAudience {
    const NAME: &'static str = "ConsentAudience";
    const ABOUT: &'static str = "How far a consent goes.";
}

/// What somebody agreed to, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Consent {
    /// The field that may be shown.
    pub field: PersonField,
    /// To whom.
    pub audience: ConsentAudience,
    /// When it was given.
    pub given_at: DateTime<Utc>,
    /// Which wording was agreed to.
    pub text_version: String,
    /// In which language; null: not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_language: Option<LanguageTag>,
    /// When it was taken back; null: it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn_at: Option<DateTime<Utc>>,
}

/// Where somebody works or worked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AffiliationRecord {
    /// Unique within the list; never shown.
    pub id: String,
    /// The key of the organization.
    pub organization: String,
    /// The position held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Texts>,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<ImpreciseDate>,
    /// Until when; null: not stated, or it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<ImpreciseDate>,
    /// Whether it is the home organization; one at the most.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub home: bool,
}

/// The fields of a person.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PersonRecord {
    /// The name, as the person writes it.
    pub name: String,
    /// Dr., Prof. and the like, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub honorific: Option<String>,
    /// What the person does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profession: Option<Profession>,
    /// Which of the three groups the person belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stakeholder_group: Option<StakeholderGroup>,
    /// ISO 3166-2, for example CA-QC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The languages that the person works in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<LanguageTag>,
    /// The keys of the topics that the person knows about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expertise: Vec<String>,
    /// The bare ORCID iD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orcid: Option<String>,
    /// Where the person works or worked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub affiliations: Vec<AffiliationRecord>,
    /// What the person agreed to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consents: Vec<Consent>,
}

impl PersonRecord {
    /// Every text in several languages, by the path of its field.
    pub fn texts(&self) -> Fields<'_> {
        let mut fields = Fields::new();
        for affiliation in &self.affiliations {
            record::put(&mut fields, &format!("affiliations/{}/title", affiliation.id), affiliation.title.as_ref());
        }
        fields
    }
}

impl Record for PersonRecord {
    const KIND: NodeKind = NodeKind::Person;

    fn check(&mut self, problems: &mut Problems) {
        problems.plain("name", Some(&self.name), LINE);
        problems.plain("honorific", self.honorific.as_ref(), 40);
        problems.canonical("region", &mut self.region, identifier::region);
        problems.canonical("orcid", &mut self.orcid, identifier::orcid);
        problems.list("languages", &self.languages);
        record::in_order(&mut self.expertise);
        problems.list("expertise", &self.expertise);
        problems.list("affiliations", &self.affiliations);
        problems.list_of("consents", &self.consents, CONSENTS);
        problems.ids("affiliations", self.affiliations.iter().map(|affiliation| affiliation.id.as_str()));
        for affiliation in &self.affiliations {
            let field = format!("affiliations/{}", affiliation.id);
            problems.texts(&format!("{field}/title"), affiliation.title.as_ref(), LINE);
            problems.date(&format!("{field}/from"), affiliation.from.as_ref());
            problems.date(&format!("{field}/until"), affiliation.until.as_ref());
            problems.period(&field, affiliation.from.as_ref(), affiliation.until.as_ref());
        }
        if self.affiliations.iter().filter(|affiliation| affiliation.home).count() > 1 {
            problems.add("affiliations", Message::new("home-twice"));
        }
        self.consents.sort_by(|a, b| (a.given_at, a.field.as_ref()).cmp(&(b.given_at, b.field.as_ref())));
        for pair in self.consents.windows(2) {
            if let [one, other] = pair
                && (one.given_at, one.field) == (other.given_at, other.field)
            {
                problems.add("consents", Message::new("id-twice").with("id", one.field.as_ref()));
            }
        }
        for consent in &self.consents {
            problems.plain("consents", Some(&consent.text_version), LINE);
            if consent.withdrawn_at.is_some_and(|withdrawn_at| withdrawn_at < consent.given_at) {
                problems.add("consents", Message::new("period-backwards"));
            }
        }
    }

    fn references(&self) -> Vec<Reference> {
        let topics = self.expertise.iter().map(|key| Reference::new("expertise", NodeKind::Topic, key));
        let homes = self
            .affiliations
            .iter()
            .map(|affiliation| Reference::new("affiliations", NodeKind::Organization, &affiliation.organization));
        topics.chain(homes).collect()
    }
}
