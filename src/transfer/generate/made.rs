//! What belongs to every node that is made: its line and the hash of it, the row in `nodes`, slug, text origins and the
//! entry in the change log, as the stores would have written them.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use uuid::Uuid;

use crate::db::log::ChangeAction;
use crate::db::text_origins;
use crate::domain::record::{Header, Record};
use crate::error::Fault;
use crate::policy::{self, NodeKind, Viewer};
use crate::text::language::LanguageTag;
use crate::text::texts::{Fields, Texts};
use crate::transfer::generate::rows::{Batch, Row, Stamp, Table};
use crate::transfer::line;

/// Who made everything, as the change log names an actor.
const ACTOR: &str = "system: generate";

/// A node that is made.
pub struct Made<'a, R> {
    /// The node.
    pub id: Uuid,
    /// When it came to the hub.
    pub stamp: Stamp,
    /// What every node carries.
    pub header: Header,
    /// The fields of its kind.
    pub record: &'a R,
    /// Who may see it.
    pub audience: &'a [String],
    /// The communities that it concerns.
    pub communities: Vec<Uuid>,
    /// The topics that it concerns.
    pub topics: Vec<Uuid>,
}

/// The line of a node that is made, and its hash.
pub struct Written {
    /// The line as an export writes it.
    line: String,
    /// The hash of the line, as an import of it would keep it.
    pub hash: String,
}

/// A header with nothing but what every node has.
pub fn header(key: String, original_language: LanguageTag) -> Header {
    Header {
        key,
        slug: None,
        former_slugs: Vec::new(),
        original_language,
        audience: None,
        retired: false,
        verified_on: None,
        sources: Vec::new(),
    }
}

impl<R: Record> Made<'_, R> {
    /// Writes all that belongs to the node but its own row, which needs the answer: the hash of its line.
    pub fn write(&self, batch: &mut Batch, texts: &Fields<'_>, slug: Option<&str>) -> Result<String, Fault> {
        let written = self.write_unlogged(batch, texts, slug)?;
        let mut languages: Vec<&LanguageTag> =
            texts.values().flat_map(|texts| texts.iter()).map(|(tag, _)| tag).collect();
        languages.sort();
        languages.dedup();
        if policy::sees(&Viewer::Anonymous, self.audience) {
            self.write_change(batch, &self.fields(&written)?, &languages);
        }
        Ok(written.hash)
    }

    /// The same without the entry in the change log.
    pub fn write_unlogged(&self, batch: &mut Batch, texts: &Fields<'_>, slug: Option<&str>) -> Result<Written, Fault> {
        let line = line::write(&self.header, self.record)?;
        // As `line::hash_of` makes it, which would write the line once more.
        let hash = text_origins::hash(&line);
        let (header, kind) = (&self.header, R::KIND.as_ref());
        batch
            .row(Table::Nodes)
            .plain(self.id)
            .plain(kind)
            .text(&header.key)
            .list(self.audience)
            .plain(&header.original_language)
            .plain(&hash)
            .time(&self.stamp)
            .end();
        if let Some(slug) = slug {
            batch.row(Table::Slugs).plain(kind).text(slug).plain(self.id).time(&self.stamp).end();
        }
        for (field, texts) in texts {
            self.write_origins(batch, field, texts);
        }
        Ok(Written { line, hash })
    }

    fn write_origins(&self, batch: &mut Batch, field: &str, texts: &Texts) {
        let original = &self.header.original_language;
        let hash = texts.exact(original).map(text_origins::hash);
        for (language, _) in texts.iter() {
            batch
                .row(Table::TextOrigins)
                .plain(self.id)
                .text(field)
                .plain(language)
                .plain(if language == original { "ORIGINAL" } else { "IMPORTED" })
                .optional(hash.as_deref())
                .time(&self.stamp)
                .end();
        }
    }

    /// The fields that the line states, by their names in the contract, in the order in which the stores tell them.
    pub fn fields(&self, written: &Written) -> Result<Vec<String>, Fault> {
        let fields: BTreeMap<&str, IgnoredAny> =
            serde_json::from_str(&written.line).map_err(|error| Fault::internal("reading a line", error))?;
        let names = fields.into_keys().filter(|name| *name != "kind");
        Ok(names.map(|name| R::name_in_contract(name).to_owned()).collect())
    }

    /// Writes the entry in the change log for those who can see the node.
    pub fn write_change(&self, batch: &mut Batch, fields: &[String], languages: &[&LanguageTag]) {
        batch
            .row(Table::Changes)
            .plain(action(R::KIND).as_ref())
            .plain(R::KIND.as_ref())
            .plain(self.id)
            .list(fields)
            .list(&self.communities)
            .list(&self.topics)
            .list(languages)
            .list(&[] as &[String])
            .list(self.audience)
            .text(ACTOR)
            .end();
    }

    /// Begins the node's own row with what every kind has, up to the times.
    pub fn head<'b>(&self, batch: &'b mut Batch, table: Table, hash: &str) -> Row<'b> {
        batch
            .row(table)
            .plain(self.id)
            .text(&self.header.key)
            .list(self.audience)
            .plain(&self.header.original_language)
            .plain(hash)
            .date(self.header.verified_on)
            .time(&self.stamp)
            .time(&self.stamp)
    }
}

/// A new item comes before its readers at once.
fn action(kind: NodeKind) -> ChangeAction {
    match kind {
        NodeKind::Item => ChangeAction::Published,
        NodeKind::Topic
        | NodeKind::Organization
        | NodeKind::Community
        | NodeKind::Person
        | NodeKind::Role
        | NodeKind::Membership
        | NodeKind::Project
        | NodeKind::Link => ChangeAction::Created,
    }
}
