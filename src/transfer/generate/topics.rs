//! Synthetic topics: a tree of areas, their facets, and each facet for somebody.

use std::collections::BTreeMap;

use crate::domain::record;
use crate::domain::topic::record::TopicRecord;
use crate::error::Fault;
use crate::policy::PUBLIC;
use crate::text::texts::{Fields, Texts};
use crate::transfer::generate::Maker;
use crate::transfer::generate::chance::Stream;
use crate::transfer::generate::made::{self, Made};
use crate::transfer::generate::rows::{Batch, Stamp, Table};
use crate::transfer::generate::sentences::DOMAINS;
use crate::transfer::generate::texts::{self, Tongue, Tongues};
use crate::transfer::generate::words::{AREAS, FACETS, GROUPS};

/// The key of a topic.
pub fn key(row: usize) -> String {
    format!("synthetic-topic-{}", row + 1)
}

/// Writes one topic.
pub fn write(maker: &Maker, row: usize, batch: &mut Batch) -> Result<(), Fault> {
    let world = &maker.world;
    let mut chance = world.chance(Stream::Topic, row);
    let tongues = Tongues::both(&maker.tags, chance.percent(20));
    let parents = parents(row, world.counts.topics);
    let mut record = TopicRecord {
        name: name(row, &tongues),
        description: None,
        synonyms: BTreeMap::new(),
        parents: parents.iter().map(|parent| key(*parent)).collect(),
    };
    record::in_order(&mut record.parents);
    if let Some(area) = AREAS.get(row) {
        let both = [(&maker.tags.english, area.synonyms.0), (&maker.tags.french, area.synonyms.1)];
        for (tag, words) in both {
            record.synonyms.insert(tag.clone(), words.iter().map(|word| (*word).to_owned()).collect());
        }
        record.description = Some(texts::sentence(&tongues, &mut chance, &DOMAINS));
    }
    let made = Made {
        id: world.topic(row),
        stamp: Stamp::of(world.made_at(row, world.counts.topics)),
        header: made::header(key(row), tongues.original()),
        record: &record,
        audience: &[PUBLIC.to_owned()],
        communities: Vec::new(),
        topics: vec![world.topic(row)],
    };
    let mut texts = Fields::new();
    record::put(&mut texts, "name", &record.name);
    record::put(&mut texts, "description", record.description.as_ref());
    let hash = made.write(batch, &texts, Some(&made.header.key))?;
    made.head(batch, Table::Topics, &hash)
        .text(&made.header.key)
        .json(&record.name)?
        .optional_json(record.description.as_ref())?
        .json(&record.synonyms)?
        .end();
    for parent in parents {
        batch.row(Table::TopicParents).plain(made.id).plain(world.topic(parent)).time(&made.stamp).end();
    }
    Ok(())
}

/// Where a topic stands in the tree: its area, its facet of it, and for whom.
fn place(row: usize) -> (usize, Option<usize>, Option<usize>) {
    let areas = AREAS.len();
    let Some(below) = row.checked_sub(areas) else { return (row, None, None) };
    let (area, nth) = (below % areas, below / areas);
    match nth.checked_sub(FACETS.len()) {
        None => (area, Some(nth), None),
        Some(narrow) => (area, Some(narrow % FACETS.len()), Some(narrow / FACETS.len())),
    }
}

/// The wider topics: the one above, and for one in ten also a neighbouring area.
fn parents(row: usize, rows: usize) -> Vec<usize> {
    let (area, facet, group) = place(row);
    let mut parents = match (facet, group) {
        (None, _) => return Vec::new(),
        (Some(_), None) => vec![area],
        (Some(facet), Some(_)) => vec![AREAS.len() * (facet + 1) + area],
    };
    let neighbour = (area + 1) % AREAS.len();
    if row % 10 == 9 && neighbour < rows {
        parents.push(neighbour);
    }
    parents
}

/// "Grief", "Grief: assessment", "Grief: assessment for young adults".
fn name(row: usize, tongues: &Tongues<'_>) -> Texts {
    let (area, facet, group) = place(row);
    let area = AREAS.get(area).map(|area| area.name).unwrap_or_default();
    let facet = facet.and_then(|facet| FACETS.get(facet));
    let group = group.map(|group| (GROUPS.get(group % GROUPS.len()), group / GROUPS.len()));
    tongues.say(|tongue| {
        let mut name = tongue.of(area).to_owned();
        if let Some(facet) = facet {
            name.push_str(if tongue == Tongue::English { ": " } else { " : " });
            name.push_str(tongue.of(*facet));
        }
        if let Some((Some(group), round)) = group {
            name.push_str(if tongue == Tongue::English { " for " } else { " pour " });
            name.push_str(tongue.of(*group));
            if round > 0 {
                name.push_str(&format!(" ({})", round + 1));
            }
        }
        name
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use crate::transfer::generate::texts::Tags;

    use super::*;

    #[test]
    fn every_topic_has_a_name_of_its_own_and_hangs_below_one_that_comes_before() {
        let tags = Tags::new().unwrap();
        let tongues = Tongues::both(&tags, false);
        let mut names = HashSet::new();
        for row in 0..4_000 {
            assert!(names.insert(name(row, &tongues).exact(&tags.english).unwrap().to_owned()));
            let parents = parents(row, 4_000);
            assert_eq!(parents.is_empty(), row < AREAS.len());
            assert!(parents.iter().all(|parent| *parent < row));
        }
    }
}
