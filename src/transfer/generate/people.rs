//! Synthetic people, what they agreed to, and their memberships.

use uuid::Uuid;

use crate::domain::membership::record::{MembershipRecord, MembershipStatus, MembershipTier};
use crate::domain::person::record::{
    AffiliationRecord, Consent, ConsentAudience, PersonField, PersonRecord, Profession, StakeholderGroup,
};
use crate::domain::person::rules::{self, FieldAudiences, Known};
use crate::domain::record;
use crate::error::Fault;
use crate::policy::PUBLIC;
use crate::text::imprecise_date::ImpreciseDate;
use crate::text::texts::Fields;
use crate::transfer::generate::Maker;
use crate::transfer::generate::chance::{Chance, Stream};
use crate::transfer::generate::made::{self, Made, Written};
use crate::transfer::generate::organizations::{self, REGIONS};
use crate::transfer::generate::rows::{Batch, Stamp, Table};
use crate::transfer::generate::texts::Tongues;
use crate::transfer::generate::world::{self, HeldIn, Post};
use crate::transfer::generate::{communities, topics};

/// The wording that was agreed to.
const CONSENT_VERSION: &str = "synthetic-1";

const PROFESSIONS: [(Profession, StakeholderGroup); 13] = [
    (Profession::Nurse, StakeholderGroup::PractitionerOrAdministrator),
    (Profession::SocialWorker, StakeholderGroup::PractitionerOrAdministrator),
    (Profession::Volunteer, StakeholderGroup::CommunityBasedOrganization),
    (Profession::Physician, StakeholderGroup::PractitionerOrAdministrator),
    (Profession::ResearchCoordinator, StakeholderGroup::Researcher),
    (Profession::Researcher, StakeholderGroup::Researcher),
    (Profession::Psychologist, StakeholderGroup::PractitionerOrAdministrator),
    (Profession::Manager, StakeholderGroup::PractitionerOrAdministrator),
    (Profession::ResearchNurse, StakeholderGroup::Researcher),
    (Profession::Administrator, StakeholderGroup::PractitionerOrAdministrator),
    (Profession::SpiritualCareProvider, StakeholderGroup::PractitionerOrAdministrator),
    (Profession::Educator, StakeholderGroup::CommunityBasedOrganization),
    (Profession::Other, StakeholderGroup::CommunityBasedOrganization),
];

/// A person's membership of a community.
struct Joined {
    community: usize,
    status: MembershipStatus,
    tier: Option<MembershipTier>,
    since: Option<ImpreciseDate>,
}

/// The key of a person.
pub fn key(row: usize) -> String {
    format!("synthetic-person-{}", row + 1)
}

/// The name of a person.
pub fn name(row: usize) -> String {
    format!("Synthetic member {}", row + 1)
}

/// Writes one person and the memberships of this person.
pub fn write(maker: &Maker, row: usize, batch: &mut Batch) -> Result<(), Fault> {
    let world = &maker.world;
    let mut chance = world.chance(Stream::Person, row);
    let id = world.person(row);
    let made_at = world.made_at(row, world.counts.people);
    let tongues = Tongues::draw(&maker.tags, &mut chance);
    let known = chance.below(4);
    let expertise = world.topics.draw_some(&mut chance, known);
    let mut record = record(row, &tongues, &mut chance);
    record.expertise = expertise.iter().map(|topic| topics::key(*topic)).collect();
    record::in_order(&mut record.expertise);
    let homes = affiliations(maker, &mut record, &mut chance)?;
    record.consents = consents(&mut chance);
    let joined = joined(maker, row)?;
    let active: Vec<Uuid> = joined
        .iter()
        .filter(|joined| joined.status == MembershipStatus::Active)
        .map(|joined| world.community(joined.community))
        .collect();
    let roles = audiences_of_roles(maker, row);
    let known = Known { consents: &record.consents, communities: &active, applied: &[], roles: &roles };
    let audiences = rules::field_audiences(id, &known, world::base());
    let audience = audiences.get(&PersonField::Name).cloned().unwrap_or_default();
    let mut made = Made {
        id,
        stamp: Stamp::of(made_at),
        header: made::header(key(row), tongues.original()),
        record: &record,
        audience: &audience,
        communities: Vec::new(),
        topics: Vec::new(),
    };
    // Few want an address of their own.
    made.header.slug = Some(key(row)).filter(|_| audience.iter().any(|atom| atom == PUBLIC) && chance.percent(5));
    let slug = made.header.slug.as_deref();
    let written = made.write_unlogged(batch, &Fields::new(), slug)?;
    write_change(&made, &audiences, &written, batch)?;
    made.head(batch, Table::People, &written.hash)
        .optional(slug)
        .text(&record.name)
        .optional(record.honorific.as_deref())
        .optional(record.profession.as_ref().map(AsRef::as_ref))
        .optional(record.stakeholder_group.as_ref().map(AsRef::as_ref))
        .optional(record.region.as_deref())
        .list(&record.languages)
        .json(&audiences)?
        .end();
    for topic in expertise {
        batch.row(Table::PersonExpertise).plain(id).plain(world.topic(topic)).time(&made.stamp).end();
    }
    for (position, (affiliation, home)) in record.affiliations.iter().zip(homes).enumerate() {
        batch
            .row(Table::Affiliations)
            .plain(id)
            .text(&affiliation.id)
            .plain(position)
            .plain(world.organization(home))
            .optional_json(affiliation.from.as_ref())?
            .optional_json(affiliation.until.as_ref())?
            .truth(affiliation.home)
            .time(&made.stamp)
            .end();
    }
    write_consents(id, &made.stamp, &record.consents, batch);
    write_memberships(maker, row, joined, &audiences, batch)
}

/// The change log is told of the fields that whoever sees the name may see.
fn write_change(
    made: &Made<'_, PersonRecord>,
    audiences: &FieldAudiences,
    written: &Written,
    batch: &mut Batch,
) -> Result<(), Fault> {
    if made.audience.iter().any(|atom| atom == PUBLIC) {
        let changed = rules::changed_fields(made.id, &FieldAudiences::new(), audiences, &made.fields(written)?);
        for (_, fields) in changed.iter().filter(|((_, after), _)| after == made.audience) {
            made.write_change(batch, fields, &[]);
        }
    }
    Ok(())
}

fn record(row: usize, tongues: &Tongues<'_>, chance: &mut Chance) -> PersonRecord {
    let (profession, group) = *chance.pick(&PROFESSIONS);
    let region = chance.pick(&REGIONS).0;
    PersonRecord {
        name: name(row),
        honorific: Some("Dr.".to_owned()).filter(|_| {
            matches!(profession, Profession::Physician | Profession::Psychologist | Profession::Researcher)
        }),
        profession: Some(profession).filter(|_| chance.percent(90)),
        stakeholder_group: Some(group).filter(|_| chance.percent(85)),
        region: Some(region.to_owned()).filter(|_| chance.percent(80)),
        languages: tongues.all(),
        expertise: Vec::new(),
        orcid: None,
        affiliations: Vec::new(),
        consents: Vec::new(),
    }
}

/// Seven of ten have a home organization, some of them another affiliation; the answer is the organizations.
fn affiliations(maker: &Maker, record: &mut PersonRecord, chance: &mut Chance) -> Result<Vec<usize>, Fault> {
    let count = chance.weighed(&[(55, 1), (15, 2)], 0);
    let organizations = maker.world.organizations.draw_some(chance, count);
    for (place, organization) in organizations.iter().enumerate() {
        let since = ImpreciseDate::new(Some(&chance.between(1995, 2025).to_string()), None)?;
        record.affiliations.push(AffiliationRecord {
            id: (place + 1).to_string(),
            organization: organizations::key(*organization),
            title: None,
            from: Some(since).filter(|_| chance.percent(60)),
            until: None,
            home: place == 0,
        });
    }
    Ok(organizations)
}

/// Six of ten are public with name and memberships, many of them with more; one in ten is known to fellow members;
/// the others said nothing, or took back what they had said.
fn consents(chance: &mut Chance) -> Vec<Consent> {
    let given_at = world::recent(chance);
    let (audience, withdrawn) = match chance.below(100) {
        0..60 => (ConsentAudience::Public, false),
        60..70 => (ConsentAudience::Members, false),
        70..72 => (ConsentAudience::Public, true),
        _ => return Vec::new(),
    };
    let withdrawn_at = Some(world::base()).filter(|_| withdrawn);
    let more = [
        (PersonField::Honorific, 60),
        (PersonField::Profession, 70),
        (PersonField::HomeOrganization, 60),
        (PersonField::StakeholderGroup, 40),
        (PersonField::Region, 40),
        (PersonField::Languages, 30),
        (PersonField::Expertise, 35),
        (PersonField::Affiliations, 20),
        (PersonField::Projects, 45),
    ];
    let mut fields = vec![PersonField::Name, PersonField::Memberships];
    fields.extend(more.into_iter().filter(|(_, cases)| chance.percent(*cases)).map(|(field, _)| field));
    fields.sort_by_key(|field| field.as_ref().to_owned());
    let consent = |field| Consent {
        field,
        audience,
        given_at,
        text_version: CONSENT_VERSION.to_owned(),
        text_language: None,
        withdrawn_at,
    };
    fields.into_iter().map(consent).collect()
}

fn write_consents(person: Uuid, stamp: &Stamp, consents: &[Consent], batch: &mut Batch) {
    for consent in consents {
        batch
            .row(Table::Consents)
            .plain(person)
            .plain(consent.field.as_ref())
            .plain(consent.audience.as_ref())
            .text(&consent.text_version)
            .optional_time(Some(consent.given_at))
            .optional_time(consent.withdrawn_at)
            .time(stamp)
            .end();
    }
}

/// The audiences of the roles that a person holds: those of what they are held in.
fn audiences_of_roles(maker: &Maker, person: usize) -> Vec<Vec<String>> {
    let posts = maker.world.posts_of(person).iter().filter_map(|place| maker.world.posts.get(*place));
    posts.map(|post| audience_of_post(maker, post)).collect()
}

/// Who may see a role: whoever sees what it is held in. Twin of role_audience.
pub fn audience_of_post(maker: &Maker, post: &Post) -> Vec<String> {
    match post.of {
        HeldIn::Community(community) => communities::audience(maker, community),
        HeldIn::Organization(_) => vec![PUBLIC.to_owned()],
    }
}

fn joined(maker: &Maker, person: usize) -> Result<Vec<Joined>, Fault> {
    let mut all = Vec::new();
    let led = maker.world.led_by(person);
    for (place, community) in maker.world.communities_of(person).into_iter().enumerate() {
        let mut chance = maker.world.chance(Stream::Membership, (place + 1) << 40 | person);
        let drawn = chance.weighed(
            &[
                (88, MembershipStatus::Active),
                (3, MembershipStatus::Applied),
                (1, MembershipStatus::Waiting),
                (2, MembershipStatus::Refused),
            ],
            MembershipStatus::Ended,
        );
        let since = match chance.below(10) {
            0 => None,
            1..4 => Some(chance.between(2005, 2026).to_string()),
            _ => Some(communities::edtf_month(chance.between(2010, 2025), chance.between(1, 12))),
        };
        all.push(Joined {
            community,
            // Who leads a community is in it.
            status: if led.contains(&community) { MembershipStatus::Active } else { drawn },
            tier: chance.weighed(
                &[
                    (60, Some(MembershipTier::Open)),
                    (8, Some(MembershipTier::Appointed)),
                    (7, Some(MembershipTier::Endorsed)),
                ],
                None,
            ),
            since: since.map(|since| ImpreciseDate::new(Some(&since), None)).transpose()?,
        });
    }
    Ok(all)
}

fn write_memberships(
    maker: &Maker,
    person: usize,
    joined: Vec<Joined>,
    audiences: &FieldAudiences,
    batch: &mut Batch,
) -> Result<(), Fault> {
    let world = &maker.world;
    let made_at = world.made_at(person, world.counts.people);
    let of = |field: PersonField| audiences.get(&field).cloned().unwrap_or_default();
    let shown = meet(of(PersonField::Memberships), of(PersonField::Name));
    for (place, joined) in joined.into_iter().enumerate() {
        let record = MembershipRecord {
            person: key(person),
            community: communities::key(joined.community),
            status: joined.status,
            tier: joined.tier,
            since: joined.since,
        };
        let community = world.community(joined.community);
        // Twin of membership_audience.
        let audience = match record.status {
            MembershipStatus::Active | MembershipStatus::Ended => {
                meet(shown.clone(), communities::audience(maker, joined.community))
            }
            MembershipStatus::Invited => {
                vec![format!("coordinator:{community}"), format!("self:{}", world.person(person))]
            }
            MembershipStatus::Applied
            | MembershipStatus::Waiting
            | MembershipStatus::Refused
            | MembershipStatus::Withdrawn => {
                vec![format!("self:{}", world.person(person))]
            }
        };
        let made = Made {
            id: world.id(Stream::Membership, person, made_at, place),
            stamp: Stamp::of(made_at),
            header: made::header(
                format!("synthetic-membership-{}-{}", person + 1, place + 1),
                maker.tags.english.clone(),
            ),
            record: &record,
            audience: &audience,
            communities: vec![community],
            topics: Vec::new(),
        };
        let hash = made.write(batch, &Fields::new(), None)?;
        made.head(batch, Table::Memberships, &hash)
            .plain(world.person(person))
            .plain(community)
            .plain(record.status.as_ref())
            .optional(record.tier.as_ref().map(AsRef::as_ref))
            .imprecise(record.since.as_ref())?
            .end();
    }
    Ok(())
}

/// The audience of what joins two ends: if one end is public, the other's; else what both share. Twin of audience_meet.
fn meet(a: Vec<String>, b: Vec<String>) -> Vec<String> {
    let is_public = |audience: &[String]| audience.iter().any(|atom| atom == PUBLIC);
    if is_public(&a) {
        b
    } else if is_public(&b) {
        a
    } else {
        a.into_iter().filter(|atom| b.contains(atom)).collect()
    }
}
