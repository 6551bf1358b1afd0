//! Synthetic research projects.

use uuid::Uuid;

use crate::domain::project::record::{ProjectPersonRecord, ProjectRecord, ProjectRole, ProjectStatus};
use crate::domain::record;
use crate::error::Fault;
use crate::policy::PUBLIC;
use crate::text::imprecise_date::ImpreciseDate;
use crate::text::statement::Statement;
use crate::text::texts::Fields;
use crate::transfer::generate::Maker;
use crate::transfer::generate::chance::{Chance, Stream};
use crate::transfer::generate::communities::{self, edtf_month};
use crate::transfer::generate::made::{self, Made};
use crate::transfer::generate::rows::{Batch, Stamp, Table};
use crate::transfer::generate::sentences::PRACTICES;
use crate::transfer::generate::texts::{self, Tongues};
use crate::transfer::generate::{organizations, people};

const ROLES: [ProjectRole; 7] = [
    ProjectRole::PrincipalInvestigator,
    ProjectRole::CoInvestigator,
    ProjectRole::KnowledgeUser,
    ProjectRole::Coordinator,
    ProjectRole::PatientPartner,
    ProjectRole::Collaborator,
    ProjectRole::Trainee,
];

/// Who and what a project joins, by number.
struct Joins {
    lead: Option<usize>,
    partners: Vec<usize>,
    funders: Vec<usize>,
    people: Vec<usize>,
    communities: Vec<usize>,
}

/// The key of a project.
pub fn key(row: usize) -> String {
    format!("synthetic-project-{}", row + 1)
}

/// Writes one project.
pub fn write(maker: &Maker, row: usize, batch: &mut Batch) -> Result<(), Fault> {
    let world = &maker.world;
    let mut chance = world.chance(Stream::Project, row);
    let tongues = Tongues::draw(&maker.tags, &mut chance);
    let joins = joins(maker, &mut chance);
    let record = record(&tongues, &joins, &mut chance)?;
    let mut communities: Vec<Uuid> = joins.communities.iter().map(|community| world.community(*community)).collect();
    communities.sort();
    let made = Made {
        id: world.project(row),
        stamp: Stamp::of(world.made_at(row, world.counts.projects)),
        header: made::header(key(row), tongues.original()),
        record: &record,
        audience: &[PUBLIC.to_owned()],
        communities,
        topics: Vec::new(),
    };
    let mut texts = Fields::new();
    record::put(&mut texts, "title", &record.title);
    record::put(&mut texts, "summary", record.summary.as_ref());
    record::put_statements(&mut texts, "outputs", &record.outputs);
    let hash = made.write(batch, &texts, Some(&made.header.key))?;
    made.head(batch, Table::Projects, &hash)
        .text(&made.header.key)
        .json(&record.title)?
        .optional_json(record.summary.as_ref())?
        .optional(record.status.as_ref().map(AsRef::as_ref))
        .imprecise(record.started.as_ref())?
        .imprecise(record.ended.as_ref())?
        .json(&record.outputs)?
        .end();
    write_relations(maker, row, &made, &joins, batch);
    Ok(())
}

fn joins(maker: &Maker, chance: &mut Chance) -> Joins {
    let world = &maker.world;
    let count = chance.between(1, 6);
    let organizations = world.organizations.draw_some(chance, count);
    let mut rest = organizations.into_iter();
    let lead = rest.next();
    let funded = chance.below(3);
    let funders: Vec<usize> = rest.by_ref().take(funded).collect();
    let count = chance.below(3);
    let communities = world.communities.draw_some(chance, count);
    let mut people = Vec::new();
    for _ in 0..chance.between(1, 7) {
        let person = chance.skewed(world.counts.people);
        if !people.contains(&person) {
            people.push(person);
        }
    }
    Joins { lead, partners: rest.collect(), funders, people, communities }
}

fn record(tongues: &Tongues<'_>, joins: &Joins, chance: &mut Chance) -> Result<ProjectRecord, Fault> {
    let year = chance.between(2010, 2025);
    let started = edtf_month(year, chance.between(1, 12));
    let ended = edtf_month(year + chance.between(1, 5), chance.between(1, 12));
    let status = match year {
        ..2021 => chance.weighed(&[(85, ProjectStatus::Completed), (7, ProjectStatus::Stopped)], ProjectStatus::Active),
        _ => chance.weighed(&[(70, ProjectStatus::Active), (15, ProjectStatus::Planned)], ProjectStatus::Suspended),
    };
    let title = texts::title(tongues, chance, ("project", "projet"));
    let outputs = (1..=chance.below(3))
        .map(|id| Statement { id: id.to_string(), text: texts::sentence(tongues, chance, &PRACTICES) })
        .collect();
    let keys = |rows: &[usize], key: fn(usize) -> String| {
        let mut keys: Vec<String> = rows.iter().map(|row| key(*row)).collect();
        record::in_order(&mut keys);
        keys
    };
    Ok(ProjectRecord {
        title,
        summary: Some(texts::summary(tongues, chance)).filter(|_| chance.percent(95)),
        status: Some(status).filter(|_| chance.percent(95)),
        started: Some(ImpreciseDate::new(Some(&started), None)?),
        ended: Some(ImpreciseDate::new(Some(&ended), None)?).filter(|_| chance.percent(70)),
        outputs,
        lead: joins.lead.map(organizations::key),
        partners: keys(&joins.partners, organizations::key),
        funders: keys(&joins.funders, organizations::key),
        people: joins
            .people
            .iter()
            .enumerate()
            .map(|(place, person)| ProjectPersonRecord { person: people::key(*person), role: role(place, *person) })
            .collect(),
        communities: keys(&joins.communities, communities::key),
        managed_by: None,
    })
}

/// The first one leads; the others take the remaining parts in turn.
fn role(place: usize, person: usize) -> ProjectRole {
    let others = ROLES.len() - 1;
    let part = if place == 0 { 0 } else { 1 + (place + person) % others };
    ROLES.get(part).copied().unwrap_or(ProjectRole::Collaborator)
}

fn write_relations(maker: &Maker, row: usize, made: &Made<'_, ProjectRecord>, joins: &Joins, batch: &mut Batch) {
    let (world, id, stamp) = (&maker.world, made.id, &made.stamp);
    let made_at = world.made_at(row, world.counts.projects);
    let lead: Vec<usize> = joins.lead.into_iter().collect();
    for (part, organizations) in [("LEAD", &lead), ("PARTNER", &joins.partners), ("FUNDER", &joins.funders)] {
        for organization in organizations {
            let organization = world.organization(*organization);
            batch.row(Table::ProjectOrganizations).plain(id).plain(organization).plain(part).time(stamp).end();
        }
    }
    for community in &made.communities {
        batch.row(Table::ProjectCommunities).plain(id).plain(community).time(stamp).end();
    }
    for (place, person) in joins.people.iter().enumerate() {
        batch
            .row(Table::ProjectPeople)
            .plain(world.id(Stream::Participant, row, made_at, place))
            .plain(id)
            .plain(world.person(*person))
            .plain(role(place, *person).as_ref())
            .time(stamp)
            .end();
    }
}
