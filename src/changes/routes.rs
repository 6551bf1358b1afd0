//! What narrows a stream of changes, and the nodes that its words lead to.

use std::collections::HashSet;

use diesel::sql_types::{Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Serialize;
use uuid::Uuid;

use crate::changes::Told;
use crate::db::listing::{self, linked_to, visible_to};
use crate::db::log::Entry;
use crate::db::statement::Sql;
use crate::error::Fault;
use crate::policy::Viewer;
use crate::text::language::LanguageTag;

/// What a stream of changes is narrowed by; the default narrows nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Filter {
    /// Changes of these kinds of node.
    pub kinds: Option<Vec<String>>,
    /// Changes of these sorts.
    pub actions: Option<Vec<String>>,
    /// Changes of one of these communities, or of what belongs to one.
    pub communities: Option<Vec<Uuid>>,
    /// Changes of one of these organizations, or of a community that is linked to one, or of what belongs to that.
    pub organizations: Option<Vec<Uuid>>,
    /// Changes of one of these topics or a narrower one, or of what is about one.
    pub topics: Option<Vec<Uuid>>,
    /// Changes of what has texts in one of these languages; fr-CA and fr find each other.
    pub languages: Option<Vec<LanguageTag>>,
}

impl Filter {
    /// Whether what is gone passes, of which no more is known than its kind.
    pub fn admits_gone(&self, told: &Told) -> bool {
        let holds = |words: &Option<Vec<String>>, word: &str| {
            words.as_ref().is_none_or(|words| words.iter().any(|wanted| wanted == word))
        };
        holds(&self.kinds, told.kind.as_ref()) && holds(&self.actions, told.action.as_ref())
    }

    /// Whether a change passes, as far as the entry itself says.
    pub fn admits(&self, told: &Told) -> bool {
        let speaks = self.languages.as_ref().is_none_or(|wanted| {
            let known = told.entry.languages.iter().filter_map(|tag| LanguageTag::parse(tag).ok());
            known.into_iter().any(|tag| wanted.iter().any(|wanted| wanted.primary() == tag.primary()))
        });
        self.admits_gone(told) && speaks
    }

    /// Whether it names nodes that have to be looked up.
    pub fn is_routed(&self) -> bool {
        self.communities.is_some() || self.organizations.is_some() || self.topics.is_some()
    }
}

/// The nodes that a filter leads to, as far as the viewer sees them: what is hidden routes nothing.
#[derive(Debug)]
pub struct Routes {
    communities: Option<HashSet<Uuid>>,
    /// The communities that the organizations are linked to.
    of_organizations: Option<HashSet<Uuid>>,
    topics: Option<HashSet<Uuid>>,
}

impl Routes {
    /// Looks them up, in one statement.
    pub async fn fetch(conn: &mut AsyncPgConnection, viewer: &Viewer, filter: &Filter) -> Result<Self, Fault> {
        let ids = |ids: &Option<Vec<Uuid>>| Sql::new("SELECT unnest(").uuids(ids.clone().unwrap_or_default()).push(")");
        // SQL: communities by primary key, what is linked by the ends of links, which are seen only where both ends are; what
        // is narrower by topic_parents_parent.
        let found: Vec<(String, Uuid)> = Sql::new("SELECT 'COMMUNITY', c.id FROM communities c WHERE c.id IN (")
            .append(ids(&filter.communities))
            .push(") AND ")
            .append(visible_to(viewer, "c.is_public", "c.audience"))
            .push(" UNION ALL SELECT 'OF_ORGANIZATION', k.id FROM communities k WHERE ")
            .append(visible_to(viewer, "k.is_public", "k.audience"))
            .push(" AND ")
            .append(linked_to("k.id", ids(&filter.organizations), viewer))
            .push(" UNION ALL SELECT 'TOPIC', f.id FROM topic_family(")
            .uuids(filter.topics.clone().unwrap_or_default())
            .push(", ")
            .append(listing::atoms(viewer))
            .push(") f")
            .returning::<(Text, SqlUuid)>()
            .load(conn)
            .await
            .map_err(|error| Fault::database("looking up what a filter names", error))?;
        let of = |word: &str| -> HashSet<Uuid> {
            found.iter().filter(|(kind, _)| kind == word).map(|(_, id)| *id).collect()
        };
        Ok(Self {
            communities: filter.communities.as_ref().map(|_| of("COMMUNITY")),
            of_organizations: filter.organizations.as_ref().map(|_| of("OF_ORGANIZATION")),
            topics: filter.topics.as_ref().map(|_| of("TOPIC")),
        })
    }

    /// Whether an entry is of what they lead to.
    pub fn admit(&self, filter: &Filter, entry: &Entry) -> bool {
        let leads = |nodes: &Option<HashSet<Uuid>>, asked: &Option<Vec<Uuid>>, of: &[Uuid]| {
            // That the viewer may be told of the node itself was decided before, also when it is gone by now.
            let is_asked_for = asked.as_ref().is_some_and(|asked| asked.contains(&entry.node_id));
            is_asked_for
                || nodes
                    .as_ref()
                    .is_none_or(|nodes| nodes.contains(&entry.node_id) || of.iter().any(|id| nodes.contains(id)))
        };
        leads(&self.communities, &filter.communities, &entry.communities)
            && leads(&self.of_organizations, &filter.organizations, &entry.communities)
            && leads(&self.topics, &filter.topics, &entry.topics)
    }
}
