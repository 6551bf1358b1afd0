//! An organization as a line of the transfer format.

use serde::{Deserialize, Serialize};
use strum::{AsRefStr, EnumMessage, EnumString, VariantArray};

use crate::domain::record::{LINE, Problems, Record, Reference, TEXT};
use crate::policy::NodeKind;
use crate::text::identifier;
use crate::text::imprecise_date::ImpreciseDate;
use crate::text::language::LanguageTag;
use crate::text::messages::Message;
use crate::text::statement::Statement;
use crate::text::texts::Texts;
use crate::text::vocabulary::Vocabulary;

/// What sort of organization it is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, AsRefStr, EnumString, EnumMessage, VariantArray,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum OrganizationKind {
    /// People of a profession or a cause who joined.
    Association,
    /// Organizations that work together.
    Partnership,
    /// A learned society.
    Society,
    /// A community-based organization (CBO).
    CommunityBasedOrganization,
    /// Several organizations that a source names only together.
    Group,
    /// A hospital or hospital centre.
    Hospital,
    /// A university or college.
    University,
    /// A public agency.
    Agency,
    /// A sponsor of trials, or "promoter".
    Sponsor,
    /// An organization of patients and those close to them.
    PatientOrganization,
    /// A network.
    Network,
    /// A company.
    Company,
    /// None of these, or not stated.
    Other,
}

impl Vocabulary for OrganizationKind {
    const NAME: &'static str = "OrganizationKind";
    const ABOUT: &'static str = "What sort of organization it is.";
}

/// Whether the organization is at work, as the hub's editors see it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, AsRefStr, EnumString, EnumMessage, VariantArray,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum OrganizationStatus {
    /// At work.
    Active,
    /// Not at work at present.
    Inactive,
    /// No longer there.
    Dissolved,
}

impl Vocabulary for OrganizationStatus {
    const NAME: &'static str = "OrganizationStatus";
    const ABOUT: &'static str = "Whether an organization is at work, as the hub's editors see it.";
}

/// Whose numbering an identifier belongs to.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, AsRefStr, EnumString, EnumMessage, VariantArray,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum IdentifierScheme {
    /// The Research Organization Registry, ror.org.
    Ror,
    /// The International Standard Name Identifier, ISO 27729.
    Isni,
    /// Wikidata, wikidata.org.
    Wikidata,
}

impl Vocabulary for IdentifierScheme {
    const NAME: &'static str = "IdentifierScheme";
    const ABOUT: &'static str = "Whose numbering an external identifier belongs to.";
}

/// An identifier that others gave the organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExternalIdentifier {
    /// Whose numbering it is.
    pub scheme: IdentifierScheme,
    /// The bare identifier, without an address around it.
    pub value: String,
}

/// A postal address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Address {
    /// Unique within the list; never shown.
    pub id: String,
    /// Street lines, as written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
    /// The city, town or village.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locality: Option<String>,
    /// ISO 3166-2, for example CA-ON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// As written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// ISO 3166-1 alpha-2, for example CA.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

/// The fields of an organization.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OrganizationRecord {
    /// What sort of organization it is.
    pub organization_kind: OrganizationKind,
    /// What it is called.
    pub name: Texts,
    /// Other names and acronyms.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<Statement>,
    /// What it is, in a few sentences.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<Texts>,
    /// The state of the world it works for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vision: Option<Texts>,
    /// What it does towards its vision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mission: Option<Texts>,
    /// Its aims, in its own order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aims: Vec<Statement>,
    /// When it was founded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub founded: Option<ImpreciseDate>,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<Address>,
    /// Telephone, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Fax, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fax: Option<String>,
    /// The address of a role, never of a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Its own site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub website: Option<String>,
    /// Identifiers that others gave it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identifiers: Vec<ExternalIdentifier>,
    /// The key of the organization it is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// The languages it works in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<LanguageTag>,
    /// Whether it is at work.
    pub status: OrganizationStatus,
}

impl OrganizationRecord {
    /// An organization of which nothing is stated yet; it needs a name.
    pub fn blank() -> Self {
        Self {
            organization_kind: OrganizationKind::Other,
            name: Texts::default(),
            aliases: Vec::new(),
            summary: None,
            vision: None,
            mission: None,
            aims: Vec::new(),
            founded: None,
            addresses: Vec::new(),
            phone: None,
            fax: None,
            email: None,
            website: None,
            identifiers: Vec::new(),
            parent: None,
            languages: Vec::new(),
            status: OrganizationStatus::Active,
        }
    }

    /// The regions of its addresses and their countries, each once, sorted.
    pub fn regions(&self) -> Vec<String> {
        let mut regions: Vec<String> = Vec::new();
        for address in &self.addresses {
            regions.extend(address.region.clone());
            regions.extend(address.country.clone());
            regions.extend(address.region.as_ref().and_then(|region| Some(region.split_once('-')?.0.to_owned())));
        }
        regions.sort();
        regions.dedup();
        regions
    }
}

impl Record for OrganizationRecord {
    const KIND: NodeKind = NodeKind::Organization;

    fn check(&mut self, problems: &mut Problems) {
        problems.texts("name", &self.name, LINE);
        problems.statements("aliases", &self.aliases);
        problems.texts("summary", self.summary.as_ref(), TEXT);
        problems.texts("vision", self.vision.as_ref(), TEXT);
        problems.texts("mission", self.mission.as_ref(), TEXT);
        problems.statements("aims", &self.aims);
        problems.date("founded", self.founded.as_ref());
        problems.list("addresses", &self.addresses);
        problems.ids("addresses", self.addresses.iter().map(|address| address.id.as_str()));
        for address in &mut self.addresses {
            let field = |name: &str| format!("addresses/{}/{name}", address.id);
            let (region, country, lines) = (field("region"), field("country"), field("lines"));
            problems.list(&lines, &address.lines);
            for line in &address.lines {
                problems.plain(&lines, Some(line), LINE);
            }
            problems.plain(&field("locality"), address.locality.as_ref(), LINE);
            problems.plain(&field("postalCode"), address.postal_code.as_ref(), 20);
            problems.canonical(&region, &mut address.region, identifier::region);
            problems.canonical(&country, &mut address.country, identifier::country);
        }
        problems.canonical("phone", &mut self.phone, identifier::phone);
        problems.canonical("fax", &mut self.fax, identifier::phone);
        problems.canonical("email", &mut self.email, identifier::email);
        problems.canonical("website", &mut self.website, identifier::web_address);
        problems.list("identifiers", &self.identifiers);
        for identifier in &mut self.identifiers {
            match check_identifier(identifier) {
                Ok(value) => identifier.value = value,
                Err(message) => problems.add("identifiers", message),
            }
        }
        problems.list("languages", &self.languages);
    }

    fn name_in_contract(field: &str) -> &str {
        match field {
            "organizationKind" => "kind",
            other => other,
        }
    }

    fn references(&self) -> Vec<Reference> {
        self.parent.iter().map(|key| Reference::new("parent", NodeKind::Organization, key)).collect()
    }
}

fn check_identifier(identifier: &ExternalIdentifier) -> Result<String, Message> {
    match identifier.scheme {
        IdentifierScheme::Ror => identifier::ror(&identifier.value),
        IdentifierScheme::Isni => identifier::isni(&identifier.value),
        IdentifierScheme::Wikidata => identifier::wikidata(&identifier.value),
    }
}
