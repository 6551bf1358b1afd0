//! Synthetic organizations.

use crate::domain::organization::record::{Address, OrganizationKind, OrganizationRecord, OrganizationStatus};
use crate::domain::record;
use crate::error::Fault;
use crate::policy::PUBLIC;
use crate::text::imprecise_date::ImpreciseDate;
use crate::text::statement::Statement;
use crate::text::texts::Fields;
use crate::transfer::generate::Maker;
use crate::transfer::generate::chance::{Chance, Stream};
use crate::transfer::generate::made::{self, Made};
use crate::transfer::generate::rows::{Batch, Stamp, Table};
use crate::transfer::generate::sentences::PURPOSES;
use crate::transfer::generate::texts::{self, Gaps, Tongues};
use crate::transfer::generate::words::Pair;

/// The regions of the data with a town each, the frequent ones first.
pub const REGIONS: [(&str, &str); 10] = [
    ("CA-ON", "Sampleton"),
    ("CA-QC", "Exempleville"),
    ("CA-BC", "Port Sample"),
    ("CA-AB", "Sample Plains"),
    ("CA-MB", "Sample Portage"),
    ("CA-NS", "Sample Harbour"),
    ("CA-NB", "Baie-Exemple"),
    ("CA-SK", "Sample Butte"),
    ("CA-NL", "Sample Cove"),
    ("CA-YT", "Sample Lake"),
];

const KINDS: [(OrganizationKind, Pair); 12] = [
    (OrganizationKind::Hospital, ("hospital network", "réseau hospitalier")),
    (OrganizationKind::CommunityBasedOrganization, ("community organization", "organisme communautaire")),
    (OrganizationKind::University, ("university institute", "institut universitaire")),
    (OrganizationKind::Association, ("association", "association")),
    (OrganizationKind::Network, ("research network", "réseau de recherche")),
    (OrganizationKind::Society, ("learned society", "société savante")),
    (OrganizationKind::PatientOrganization, ("patient organization", "organisme de patients")),
    (OrganizationKind::Agency, ("agency", "agence")),
    (OrganizationKind::Partnership, ("partnership", "partenariat")),
    (OrganizationKind::Sponsor, ("sponsor", "promoteur")),
    (OrganizationKind::Company, ("company", "entreprise")),
    (OrganizationKind::Other, ("group", "groupe")),
];

/// The key of an organization.
pub fn key(row: usize) -> String {
    format!("synthetic-organization-{}", row + 1)
}

/// Writes one organization.
pub fn write(maker: &Maker, row: usize, batch: &mut Batch) -> Result<(), Fault> {
    let world = &maker.world;
    let mut chance = world.chance(Stream::Organization, row);
    let tongues = Tongues::both(&maker.tags, chance.percent(30));
    let (record, parent) = record(maker, row, &tongues, &mut chance)?;
    let made = Made {
        id: world.organization(row),
        stamp: Stamp::of(world.made_at(row, world.counts.organizations)),
        header: made::header(key(row), tongues.original()),
        record: &record,
        audience: &[PUBLIC.to_owned()],
        communities: Vec::new(),
        topics: Vec::new(),
    };
    let mut texts = Fields::new();
    record::put(&mut texts, "name", &record.name);
    record::put(&mut texts, "summary", record.summary.as_ref());
    record::put_statements(&mut texts, "aims", &record.aims);
    let hash = made.write(batch, &texts, Some(&made.header.key))?;
    made.head(batch, Table::Organizations, &hash)
        .text(&made.header.key)
        .plain(record.organization_kind.as_ref())
        .json(&record.name)?
        .json(&record.aliases)?
        .optional_json(record.summary.as_ref())?
        .json(&record.aims)?
        .imprecise(record.founded.as_ref())?
        .json(&record.addresses)?
        .list(record.regions())
        .optional(record.email.as_deref())
        .optional(record.website.as_deref())
        .json(&record.identifiers)?
        .id(parent.map(|parent| world.organization(parent)))
        .list(&record.languages)
        .plain(record.status.as_ref())
        .end();
    Ok(())
}

fn record(
    maker: &Maker,
    row: usize,
    tongues: &Tongues<'_>,
    chance: &mut Chance,
) -> Result<(OrganizationRecord, Option<usize>), Fault> {
    let (kind, noun) = *chance.pick(&KINDS);
    let gaps = Gaps::draw(chance);
    let name = tongues.say(|tongue| {
        let start = tongue.of(("Synthetic organization", "Organisation synthétique"));
        let colon = tongue.of((": ", " : "));
        let subject = gaps.fill((" for {s}", " pour {s}"), tongue);
        format!("{start} {}{colon}{}{subject}", row + 1, tongue.of(noun))
    });
    let aims = (1..=chance.between(0, 3))
        .map(|id| Statement { id: id.to_string(), text: texts::sentence(tongues, chance, &PURPOSES) })
        .collect();
    let founded = ImpreciseDate::new(Some(&chance.between(1950, 2020).to_string()), None)?;
    let (region, town) = *chance.pick(&REGIONS);
    let address = Address {
        id: "1".to_owned(),
        lines: vec![format!("{} Sample Street", chance.between(1, 999))],
        locality: Some(town.to_owned()),
        region: Some(region.to_owned()),
        postal_code: None,
        country: Some("CA".to_owned()),
    };
    // One in eight is a part of an earlier one.
    let parent = Some(row).filter(|row| *row > 0 && chance.percent(12)).map(|row| chance.below(row));
    let record = OrganizationRecord {
        organization_kind: kind,
        name,
        aliases: Vec::new(),
        summary: Some(texts::summary(tongues, chance)),
        vision: None,
        mission: None,
        aims,
        founded: Some(founded).filter(|_| chance.percent(80)),
        addresses: vec![address],
        phone: None,
        fax: None,
        email: Some(format!("organization-{}@example.org", row + 1)),
        website: Some(format!("https://example.org/synthetic/organizations/{}", row + 1)),
        identifiers: Vec::new(),
        parent: parent.map(key),
        languages: if chance.percent(70) { tongues.all() } else { vec![maker.tags.english.clone()] },
        status: chance.weighed(&[(94, OrganizationStatus::Active)], OrganizationStatus::Inactive),
    };
    Ok((record, parent))
}
