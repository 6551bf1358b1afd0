//! Synthetic communities of practice.

use uuid::Uuid;

use crate::domain::community::record::{ActivityKind, Benefit, CommunityRecord, CommunityStatus, JoinPolicy};
use crate::domain::person::record::Profession;
use crate::domain::record;
use crate::error::Fault;
use crate::policy::PUBLIC;
use crate::text::imprecise_date::ImpreciseDate;
use crate::text::statement::Statement;
use crate::text::texts::Fields;
use crate::transfer::generate::Maker;
use crate::transfer::generate::chance::{Chance, Stream};
use crate::transfer::generate::made::{self, Made};
use crate::transfer::generate::organizations::REGIONS;
use crate::transfer::generate::rows::{Batch, Stamp, Table};
use crate::transfer::generate::sentences::{DOMAINS, MEMBERS, PRACTICES, PURPOSES};
use crate::transfer::generate::texts::{self, Gaps, Tongues};
use crate::transfer::generate::topics;

const ACTIVITIES: [ActivityKind; 10] = [
    ActivityKind::DiscussingDevelopments,
    ActivityKind::ProblemSolving,
    ActivityKind::RequestsForInformation,
    ActivityKind::CreatingMaterials,
    ActivityKind::SeekingExperience,
    ActivityKind::ReusingAssets,
    ActivityKind::MappingKnowledge,
    ActivityKind::Documentation,
    ActivityKind::CoordinationAndSynergy,
    ActivityKind::SiteVisits,
];

const PROFESSIONS: [Profession; 6] = [
    Profession::Nurse,
    Profession::SocialWorker,
    Profession::Physician,
    Profession::Psychologist,
    Profession::ResearchCoordinator,
    Profession::Volunteer,
];

/// The key of a community.
pub fn key(row: usize) -> String {
    format!("synthetic-community-{}", row + 1)
}

/// Who may see a community.
pub fn audience(maker: &Maker, row: usize) -> Vec<String> {
    if maker.world.is_hidden(row) { Vec::new() } else { vec![PUBLIC.to_owned()] }
}

/// Writes one community.
pub fn write(maker: &Maker, row: usize, batch: &mut Batch) -> Result<(), Fault> {
    let world = &maker.world;
    let mut chance = world.chance(Stream::Community, row);
    let tongues = Tongues::draw(&maker.tags, &mut chance);
    let count = chance.between(1, 4);
    let about = world.topics.draw_some(&mut chance, count);
    let mut record = record(row, &tongues, &mut chance)?;
    record.topics = about.iter().map(|topic| topics::key(*topic)).collect();
    record::in_order(&mut record.topics);
    let mut topics: Vec<Uuid> = about.into_iter().map(|topic| world.topic(topic)).collect();
    topics.sort();
    let audience = audience(maker, row);
    let id = world.community(row);
    let mut made = Made {
        id,
        stamp: Stamp::of(world.made_at(row, world.counts.communities)),
        header: made::header(key(row), tongues.original()),
        record: &record,
        audience: &audience,
        communities: vec![id],
        topics,
    };
    made.header.audience = Some(audience.clone()).filter(Vec::is_empty);
    let hash = made.write(batch, &texts_of(&record), Some(&made.header.key))?;
    made.head(batch, Table::Communities, &hash)
        .text(&made.header.key)
        .optional_json(record.name.as_ref())?
        .optional_json(record.domain.as_ref())?
        .optional_json(record.community.as_ref())?
        .optional_json(record.practice.as_ref())?
        .optional_json(record.purpose.as_ref())?
        .json(&record.objectives)?
        .list(record.activities.iter().map(AsRef::as_ref))
        .json(&record.benefits)?
        .list(record.professions.iter().map(AsRef::as_ref))
        .optional(record.join_policy.as_ref().map(AsRef::as_ref))
        .imprecise(record.launched.as_ref())?
        .list(&record.regions)
        .list(&record.languages)
        .plain(record.status.as_ref())
        .end();
    for topic in &made.topics {
        batch.row(Table::CommunityTopics).plain(id).plain(topic).time(&made.stamp).end();
    }
    Ok(())
}

fn texts_of(record: &CommunityRecord) -> Fields<'_> {
    let mut texts = Fields::new();
    record::put(&mut texts, "name", record.name.as_ref());
    record::put(&mut texts, "domain", record.domain.as_ref());
    record::put(&mut texts, "community", record.community.as_ref());
    record::put(&mut texts, "practice", record.practice.as_ref());
    record::put(&mut texts, "purpose", record.purpose.as_ref());
    record::put_statements(&mut texts, "objectives", &record.objectives);
    for benefit in &record.benefits {
        texts.insert(format!("benefits/{}/cause", benefit.id), &benefit.cause);
        texts.insert(format!("benefits/{}/effect", benefit.id), &benefit.effect);
    }
    texts
}

fn record(row: usize, tongues: &Tongues<'_>, chance: &mut Chance) -> Result<CommunityRecord, Fault> {
    let gaps = Gaps::draw(chance);
    let name = tongues.say(|tongue| {
        let start = tongue.of(("Synthetic community", "Communauté synthétique"));
        let colon = tongue.of((": ", " : "));
        format!("{start} {}{colon}{}", row + 1, gaps.fill(("{s} {p}", "{s} {p}"), tongue))
    });
    let objectives = (1..=chance.between(0, 3))
        .map(|id| Statement { id: id.to_string(), text: texts::sentence(tongues, chance, &PURPOSES) })
        .collect();
    let benefits = (1..=chance.between(0, 2))
        .map(|id| Benefit {
            id: id.to_string(),
            cause: texts::sentence(tongues, chance, &PRACTICES),
            effect: texts::sentence(tongues, chance, &PURPOSES),
        })
        .collect();
    let launched = ImpreciseDate::new(Some(&edtf_month(chance.between(1990, 2025), chance.between(1, 12))), None)?;
    let mut record = CommunityRecord {
        name: Some(name),
        domain: Some(texts::sentence(tongues, chance, &DOMAINS)),
        community: Some(texts::sentence(tongues, chance, &MEMBERS)),
        practice: Some(texts::sentence(tongues, chance, &PRACTICES)),
        purpose: Some(texts::summary(tongues, chance)),
        objectives,
        benefits,
        launched: Some(launched).filter(|_| chance.percent(85)),
        languages: tongues.all(),
        status: chance.weighed(
            &[(85, CommunityStatus::Active), (6, CommunityStatus::Forming), (6, CommunityStatus::Dormant)],
            CommunityStatus::Closed,
        ),
        ..CommunityRecord::blank()
    };
    let wanted = chance.between(1, 5);
    record.activities = ACTIVITIES.into_iter().filter(|_| chance.below(ACTIVITIES.len()) < wanted).collect();
    let wanted = chance.below(4);
    record.professions = PROFESSIONS.into_iter().filter(|_| chance.below(PROFESSIONS.len()) < wanted).collect();
    record.regions = vec![chance.pick(&REGIONS).0.to_owned()];
    record.join_policy = chance.weighed(
        &[(55, Some(JoinPolicy::Open)), (25, Some(JoinPolicy::ByApplication)), (10, Some(JoinPolicy::ByInvitation))],
        None,
    );
    Ok(record)
}

/// A month in the notation of imprecise dates.
pub fn edtf_month(year: usize, month: usize) -> String {
    format!("{year:04}-{month:02}")
}
