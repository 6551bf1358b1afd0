//! Synthetic KT items.

use chrono::{DateTime, Datelike, Utc};
use uuid::Uuid;

use crate::domain::item::record::{AuthorRecord, EvidenceLevel, ItemKind, ItemRecord, ItemStatus, Readership};
use crate::domain::item::rules::{self, Makers, Release};
use crate::domain::record;
use crate::error::Fault;
use crate::policy::PUBLIC;
use crate::text::imprecise_date::ImpreciseDate;
use crate::text::language::LanguageTag;
use crate::text::texts::Fields;
use crate::transfer::generate::Maker;
use crate::transfer::generate::chance::{Chance, Stream};
use crate::transfer::generate::made::{self, Made};
use crate::transfer::generate::rows::{Batch, Stamp, Table};
use crate::transfer::generate::texts::{self, Tongues};
use crate::transfer::generate::words::Pair;
use crate::transfer::generate::{communities, people, projects, topics, world};

const KINDS: [(ItemKind, Pair); 12] = [
    (ItemKind::Article, ("article", "article")),
    (ItemKind::Guide, ("guide", "guide")),
    (ItemKind::Webinar, ("webinar", "webinaire")),
    (ItemKind::Report, ("report", "rapport")),
    (ItemKind::Tool, ("tool", "outil")),
    (ItemKind::Presentation, ("presentation", "présentation")),
    (ItemKind::Story, ("story", "récit")),
    (ItemKind::Workshop, ("workshop", "atelier")),
    (ItemKind::Curriculum, ("course", "cours")),
    (ItemKind::Statement, ("statement", "déclaration")),
    (ItemKind::Meeting, ("meeting", "rencontre")),
    (ItemKind::Other, ("resource", "ressource")),
];

const READERS: [Readership; 8] = [
    Readership::Practitioners,
    Readership::Caregivers,
    Readership::Patients,
    Readership::Researchers,
    Readership::Volunteers,
    Readership::CommunityBasedOrganizations,
    Readership::GeneralPublic,
    Readership::Administrators,
];

const EVIDENCE: [EvidenceLevel; 7] = [
    EvidenceLevel::QualitativeStudy,
    EvidenceLevel::ExpertConsensus,
    EvidenceLevel::ObservationalStudy,
    EvidenceLevel::PracticeEvaluation,
    EvidenceLevel::LivedExperience,
    EvidenceLevel::SystematicReview,
    EvidenceLevel::RandomizedTrial,
];

/// Licences by their share, in percent; the others state none.
const LICENCES: [(usize, Option<&str>); 4] =
    [(45, Some("CC-BY-4.0")), (20, Some("CC-BY-NC-4.0")), (10, Some("CC-BY-NC-ND-4.0")), (5, Some("CC0-1.0"))];

/// Languages of which there is a trickle.
const OTHER_LANGUAGES: [&str; 5] = ["es", "iu", "cr", "zh-Hans", "pa"];

/// What an item belongs to, by number.
struct Belongs {
    communities: Vec<usize>,
    project: Option<usize>,
    topics: Vec<usize>,
    /// Null: somebody whom the hub does not know.
    authors: Vec<Option<usize>>,
}

/// The key of an item.
pub fn key(row: usize) -> String {
    format!("synthetic-item-{}", row + 1)
}

/// Writes one item.
pub fn write(maker: &Maker, row: usize, batch: &mut Batch) -> Result<(), Fault> {
    let world = &maker.world;
    let mut chance = world.chance(Stream::Item, row);
    let tongues = Tongues::draw(&maker.tags, &mut chance);
    let belongs = belongs(maker, &mut chance);
    let published_at = Some(world::recent(&mut chance)).filter(|_| chance.percent(97));
    let record = record(maker, row, (&tongues, &belongs, published_at), &mut chance)?;
    let ids = |rows: &[usize], id: &dyn Fn(usize) -> Uuid| {
        let mut ids: Vec<Uuid> = rows.iter().map(|row| id(*row)).collect();
        ids.sort();
        ids
    };
    let authors = belongs.authors.iter().flatten().map(|person| world.person(*person));
    let makers = Makers {
        communities: belongs.communities.iter().map(|community| world.community(*community)).collect(),
        managers: Vec::new(),
        authors: authors.collect(),
    };
    let release = Release {
        status: record.status,
        is_retired: false,
        readers: None,
        published_at: record.published_at,
        members_at: None,
        public_at: None,
    };
    let made = Made {
        id: world.item(row),
        stamp: Stamp::of(world.made_at(row, world.counts.items)),
        header: made::header(key(row), tongues.original()),
        record: &record,
        audience: &rules::audience(&release, &makers, world::end()),
        communities: ids(&belongs.communities, &|community| world.community(community)),
        topics: ids(&belongs.topics, &|topic| world.topic(topic)),
    };
    let mut texts = Fields::new();
    record::put(&mut texts, "title", &record.title);
    record::put(&mut texts, "summary", record.summary.as_ref());
    let hash = made.write(batch, &texts, Some(&made.header.key))?;
    made.head(batch, Table::Items, &hash)
        .text(&made.header.key)
        .plain(record.item_kind.as_ref())
        .json(&record.title)?
        .optional_json(record.summary.as_ref())?
        .optional(record.url.as_deref())
        .list(record.intended_for.iter().map(AsRef::as_ref))
        .optional(record.licence.as_deref())
        .list(&record.content_languages)
        .id(belongs.project.map(|project| world.project(project)))
        .optional(record.doi.as_deref())
        .optional(record.evidence_level.as_ref().map(AsRef::as_ref))
        .plain(record.status.as_ref())
        .imprecise(record.issued.as_ref())?
        .optional_time(published_at)
        .end();
    write_relations(maker, row, &made, &belongs, batch);
    Ok(())
}

fn belongs(maker: &Maker, chance: &mut Chance) -> Belongs {
    let world = &maker.world;
    let count = if chance.percent(15) { 2 } else { 1 };
    let communities = world.communities.draw_some(chance, count);
    let project = if chance.percent(50) { Some(chance.skewed(world.counts.projects)) } else { None };
    let count = chance.weighed(&[(8, 1), (25, 2), (35, 3), (22, 4)], 5);
    let topics = world.topics.draw_some(chance, count);
    let mut authors: Vec<Option<usize>> = Vec::new();
    for _ in 0..chance.weighed(&[(44, 1), (28, 2), (18, 3), (7, 4)], 6) {
        let author = Some(chance.skewed(world.counts.people)).filter(|_| chance.percent(90));
        if author.is_none() || !authors.contains(&author) {
            authors.push(author);
        }
    }
    Belongs { communities, project, topics, authors }
}

fn record(
    maker: &Maker,
    row: usize,
    (tongues, belongs, published_at): (&Tongues<'_>, &Belongs, Option<DateTime<Utc>>),
    chance: &mut Chance,
) -> Result<ItemRecord, Fault> {
    let (item_kind, noun) = *chance.pick(&KINDS);
    let keys = |rows: &[usize], key: fn(usize) -> String| {
        let mut keys: Vec<String> = rows.iter().map(|row| key(*row)).collect();
        record::in_order(&mut keys);
        keys
    };
    let mut intended_for = vec![*chance.pick(&READERS)];
    let other = *chance.pick(&READERS);
    if !intended_for.contains(&other) {
        intended_for.push(other);
    }
    let authors = belongs
        .authors
        .iter()
        .enumerate()
        .map(|(place, author)| AuthorRecord { byline: byline(row, place, *author), person: author.map(people::key) });
    Ok(ItemRecord {
        item_kind,
        title: texts::title(tongues, chance, noun),
        summary: Some(texts::summary(tongues, chance)).filter(|_| chance.percent(97)),
        url: Some(format!("https://example.org/synthetic/items/{}", row + 1)),
        body: None,
        intended_for,
        licence: chance.weighed(&LICENCES, None).map(str::to_owned),
        content_languages: content_languages(tongues, chance)?,
        authors: authors.collect(),
        communities: keys(&belongs.communities, communities::key),
        project: belongs.project.map(projects::key),
        topics: keys(&belongs.topics, topics::key),
        // The prefix is one for examples.
        doi: Some(format!("10.5555/synthetic.{}", row + 1)).filter(|_| chance.percent(12)),
        evidence_level: Some(*chance.pick(&EVIDENCE)).filter(|_| chance.percent(35)),
        status: if published_at.is_some() { ItemStatus::Published } else { ItemStatus::Draft },
        issued: issued(maker, row, published_at, chance)?,
        published_at,
        members_at: None,
        public_at: None,
    })
}

/// Those of the texts, mostly; a trickle of others.
fn content_languages(tongues: &Tongues<'_>, chance: &mut Chance) -> Result<Vec<LanguageTag>, Fault> {
    let mut languages = tongues.all();
    if languages.len() == 2 && chance.percent(15) {
        languages.truncate(1);
    }
    if chance.percent(2) {
        let tag: &&str = chance.pick(&OTHER_LANGUAGES);
        languages.push(LanguageTag::parse(tag)?);
    }
    Ok(languages)
}

/// Not after its publication on the hub: a day, a month or a year, as its source may state it.
fn issued(
    maker: &Maker,
    row: usize,
    published_at: Option<DateTime<Utc>>,
    chance: &mut Chance,
) -> Result<Option<ImpreciseDate>, Fault> {
    let known = published_at.unwrap_or_else(|| maker.world.made_at(row, maker.world.counts.items));
    let day = known.date_naive() - chrono::Days::new(chance.skewed(400) as u64);
    let written = match chance.below(10) {
        0..2 => return Ok(None),
        2..5 => day.format("%Y-%m-%d").to_string(),
        5..8 => day.format("%Y-%m").to_string(),
        _ => day.year().to_string(),
    };
    Ok(Some(ImpreciseDate::new(Some(&written), None)?))
}

fn byline(row: usize, place: usize, author: Option<usize>) -> String {
    match author {
        Some(person) => people::name(person),
        None => format!("Synthetic author {}-{}", row + 1, place + 1),
    }
}

fn write_relations(maker: &Maker, row: usize, made: &Made<'_, ItemRecord>, belongs: &Belongs, batch: &mut Batch) {
    let (world, id, stamp) = (&maker.world, made.id, &made.stamp);
    let made_at = world.made_at(row, world.counts.items);
    let is_public = made.audience.iter().any(|atom| atom == PUBLIC);
    let ordered_at = Stamp::of(made.record.published_at.unwrap_or(made_at));
    for community in &made.communities {
        batch
            .row(Table::ItemCommunities)
            .plain(id)
            .plain(community)
            .time(&ordered_at)
            .truth(is_public)
            .time(stamp)
            .end();
    }
    for topic in &made.topics {
        batch.row(Table::ItemTopics).plain(id).plain(topic).time(stamp).end();
    }
    for (place, author) in belongs.authors.iter().enumerate() {
        batch
            .row(Table::ItemAuthors)
            .plain(world.id(Stream::Author, row, made_at, place))
            .plain(id)
            .id(author.map(|person| world.person(person)))
            .text(&byline(row, place, *author))
            .time(stamp)
            .end();
    }
}
