//! Rows as PostgreSQL's COPY reads them: text, a tab between values, a line per row.

use std::fmt::{Display, Write};

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use strum::{AsRefStr, VariantArray};
use uuid::Uuid;

use crate::error::Fault;
use crate::text::imprecise_date::ImpreciseDate;

/// A table that is filled. What a row leaves out has its default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, AsRefStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Table {
    /// Every node.
    Nodes,
    /// Slugs.
    Slugs,
    /// Where texts come from.
    TextOrigins,
    /// Topics.
    Topics,
    /// Their parents.
    TopicParents,
    /// Organizations.
    Organizations,
    /// Communities.
    Communities,
    /// Their topics.
    CommunityTopics,
    /// People.
    People,
    /// Consents.
    Consents,
    /// What people know about.
    PersonExpertise,
    /// Where people work or worked.
    Affiliations,
    /// Memberships.
    Memberships,
    /// Roles.
    Roles,
    /// Projects.
    Projects,
    /// Their organizations.
    ProjectOrganizations,
    /// Their communities.
    ProjectCommunities,
    /// Their people.
    ProjectPeople,
    /// Items.
    Items,
    /// Their communities.
    ItemCommunities,
    /// Their topics.
    ItemTopics,
    /// Their authors.
    ItemAuthors,
    /// Links.
    Links,
    /// The change log.
    Changes,
}

impl Table {
    /// The columns that rows state, in their order.
    pub fn columns(self) -> &'static str {
        match self {
            Self::Nodes => "id, kind, key, audience, original_language, import_hash, created_at",
            Self::Slugs => "kind, slug, node_id, created_at",
            Self::TextOrigins => "node_id, field, language, origin, original_hash, created_at",
            Self::Topics => {
                "id, key, audience, original_language, import_hash, verified_on, created_at, updated_at, slug, name, \
                 description, synonyms"
            }
            Self::TopicParents => "topic_id, parent_id, created_at",
            Self::Organizations => {
                "id, key, audience, original_language, import_hash, verified_on, created_at, updated_at, slug, kind, \
                 name, aliases, summary, aims, founded, founded_earliest, founded_latest, addresses, regions, email, \
                 website, identifiers, parent_id, languages, status"
            }
            Self::Communities => {
                "id, key, audience, original_language, import_hash, verified_on, created_at, updated_at, slug, name, \
                 domain, community, practice, purpose, objectives, activities, benefits, professions, join_policy, \
                 launched, launched_earliest, launched_latest, regions, languages, status"
            }
            Self::CommunityTopics => "community_id, topic_id, created_at",
            Self::People => {
                "id, key, audience, original_language, import_hash, verified_on, created_at, updated_at, slug, name, \
                 honorific, profession, stakeholder_group, region, languages, field_audiences"
            }
            Self::Consents => "person_id, field, audience, text_version, given_at, withdrawn_at, created_at",
            Self::PersonExpertise => "person_id, topic_id, created_at",
            Self::Affiliations => "person_id, key, position, organization_id, since, until, is_home, created_at",
            Self::Memberships => {
                "id, key, audience, original_language, import_hash, verified_on, created_at, updated_at, person_id, \
                 community_id, status, tier, since, since_earliest, since_latest"
            }
            Self::Roles => {
                "id, key, audience, original_language, import_hash, verified_on, created_at, updated_at, person_id, \
                 community_id, organization_id, kind, since, since_earliest, since_latest, until, until_earliest, \
                 until_latest"
            }
            Self::Projects => {
                "id, key, audience, original_language, import_hash, verified_on, created_at, updated_at, slug, title, \
                 summary, status, started, started_earliest, started_latest, ended, ended_earliest, ended_latest, \
                 outputs"
            }
            Self::ProjectOrganizations => "project_id, organization_id, part, created_at",
            Self::ProjectCommunities => "project_id, community_id, created_at",
            Self::ProjectPeople => "id, project_id, person_id, role, created_at",
            Self::Items => {
                "id, key, audience, original_language, import_hash, verified_on, created_at, updated_at, slug, kind, \
                 title, summary, url, intended_for, licence, content_languages, project_id, doi, evidence_level, \
                 status, issued, issued_earliest, issued_latest, published_at"
            }
            Self::ItemCommunities => "item_id, community_id, ordered_at, is_public, created_at",
            Self::ItemTopics => "item_id, topic_id, created_at",
            Self::ItemAuthors => "id, item_id, person_id, byline, created_at",
            Self::Links => {
                "id, key, audience, original_language, import_hash, verified_on, created_at, updated_at, kind, from_id, \
                 from_kind, to_id, to_kind, since, since_earliest, since_latest"
            }
            Self::Changes => {
                "action, kind, node_id, fields, communities, topics, languages, audience_before, audience_after, actor"
            }
        }
    }
}

/// Rows of every table that belong together: those of a node are in the same batch.
pub struct Batch {
    rows: Vec<Rows>,
}

/// Rows of one table.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// As COPY reads them.
    pub text: String,
    /// How many there are.
    pub count: u64,
}

impl Batch {
    /// No rows yet.
    pub fn empty() -> Self {
        Self { rows: vec![Rows::default(); Table::VARIANTS.len()] }
    }

    /// Begins a row; [`Row::end`] ends it.
    pub fn row(&mut self, table: Table) -> Row<'_> {
        // `empty` makes an entry for every table.
        let rows = &mut self.rows[table as usize];
        let start = rows.text.len();
        Row { rows, start }
    }

    /// Each table that has rows, with them.
    pub fn tables(&self) -> impl Iterator<Item = (Table, &Rows)> {
        Table::VARIANTS.iter().copied().zip(&self.rows).filter(|(_, rows)| rows.count > 0)
    }

    /// The rows of a table as COPY reads them.
    pub fn text(&self, table: Table) -> &str {
        // `empty` makes an entry for every table.
        &self.rows[table as usize].text
    }
}

/// A point in time as rows state it. Formatting takes longer than all else in a row, and the rows of a node share it.
#[derive(Clone, Debug)]
pub struct Stamp(String);

impl Stamp {
    /// The point in time.
    pub fn of(time: DateTime<Utc>) -> Self {
        Self(time.format("%Y-%m-%d %H:%M:%S%.3f+00").to_string())
    }
}

/// A row that is being written, value by value in the order of [`Table::columns`].
pub struct Row<'a> {
    rows: &'a mut Rows,
    start: usize,
}

impl Row<'_> {
    /// A text.
    pub fn text(mut self, value: &str) -> Self {
        self.separate();
        escape(&mut self.rows.text, value);
        self
    }

    /// A text, or null.
    pub fn optional(self, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.text(value),
            None => self.null(),
        }
    }

    /// Null.
    pub fn null(mut self) -> Self {
        self.separate();
        self.rows.text.push_str("\\N");
        self
    }

    /// A number or an id: something whose text needs no care.
    pub fn plain(mut self, value: impl Display) -> Self {
        self.separate();
        // A String takes whatever is written to it.
        let _ = write!(self.rows.text, "{value}");
        self
    }

    /// An id, or null.
    pub fn id(self, value: Option<Uuid>) -> Self {
        match value {
            Some(id) => self.plain(id),
            None => self.null(),
        }
    }

    /// A point in time.
    pub fn time(self, value: &Stamp) -> Self {
        self.text(&value.0)
    }

    /// A point in time, or null.
    pub fn optional_time(self, value: Option<DateTime<Utc>>) -> Self {
        match value {
            Some(time) => self.time(&Stamp::of(time)),
            None => self.null(),
        }
    }

    /// A day, or null.
    pub fn date(self, value: Option<NaiveDate>) -> Self {
        match value {
            Some(day) => self.plain(day),
            None => self.null(),
        }
    }

    /// Yes or no.
    pub fn truth(self, value: bool) -> Self {
        self.plain(if value { "t" } else { "f" })
    }

    /// A `jsonb`.
    pub fn json(self, value: &impl Serialize) -> Result<Self, Fault> {
        let json = serde_json::to_string(value).map_err(|error| Fault::internal("writing a row", error))?;
        Ok(self.text(&json))
    }

    /// A `jsonb`, or null.
    pub fn optional_json(self, value: Option<&impl Serialize>) -> Result<Self, Fault> {
        match value {
            Some(value) => self.json(value),
            None => Ok(self.null()),
        }
    }

    /// An imprecise date as its three columns: itself, the earliest and the latest day.
    pub fn imprecise(self, value: Option<&ImpreciseDate>) -> Result<Self, Fault> {
        let row = self.optional_json(value)?;
        Ok(row.date(value.and_then(ImpreciseDate::earliest)).date(value.and_then(ImpreciseDate::latest)))
    }

    /// An array of words without quotes and backslashes: atoms, language tags, ids.
    pub fn list<T: Display>(mut self, values: impl IntoIterator<Item = T>) -> Self {
        self.separate();
        let text = &mut self.rows.text;
        text.push('{');
        for (index, value) in values.into_iter().enumerate() {
            // A String takes whatever is written to it.
            let _ = write!(text, "{}\"{value}\"", if index > 0 { "," } else { "" });
        }
        text.push('}');
        self
    }

    /// Ends the row.
    pub fn end(self) {
        self.rows.text.push('\n');
        self.rows.count += 1;
    }

    fn separate(&mut self) {
        if self.rows.text.len() > self.start {
            self.rows.text.push('\t');
        }
    }
}

fn escape(text: &mut String, value: &str) {
    // One search per sign is many times faster than one for all of them, and nearly no text has any.
    if ['\\', '\t', '\n', '\r'].iter().all(|sign| !value.contains(*sign)) {
        text.push_str(value);
        return;
    }
    for sign in value.chars() {
        match sign {
            '\\' => text.push_str("\\\\"),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_that_mean_something_to_copy_are_escaped() {
        let mut batch = Batch::empty();
        batch.row(Table::Slugs).text("a\\b\tc\nd\re").optional(None).list(["x", "y"]).truth(true).end();
        batch.row(Table::Slugs).text("é").list([] as [&str; 0]).end();
        assert_eq!(batch.text(Table::Slugs), "a\\\\b\\tc\\nd\\re\t\\N\t{\"x\",\"y\"}\tt\né\t{}\n");
        assert_eq!(batch.tables().map(|(table, rows)| (table, rows.count)).collect::<Vec<_>>(), [(Table::Slugs, 2)]);
    }
}
