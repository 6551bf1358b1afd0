//! What a community is called when no source names it.

use std::sync::Arc;

use chrono::Datelike;

use crate::db::listing::List;
use crate::db::page::{Direction, Page};
use crate::domain::community::graph::Community;
use crate::domain::link::rules::{LinkDirection, LinkKind};
use crate::domain::link::store::{LinkFilter, LinkOrder, LinksOf};
use crate::error::Fault;
use crate::graph::node;
use crate::text::messages::Message;

impl Community {
    /// The name, or what the hub calls a community that no source names.
    pub async fn name_or_editorial(&self) -> Result<String, Fault> {
        match self.row.name.as_deref() {
            Some(name) => node::required(self.scope.serve(name, &self.row.original_language.0)).map(str::to_owned),
            None => Ok(self.scope.sentence(&self.editorial_name().await?)),
        }
    }

    /// What the hub calls a community that no source names: by its domain, else by a partner, else by its host.
    async fn editorial_name(&self) -> Result<Message, Fault> {
        let original = &self.row.original_language.0;
        if let Some(domain) = self.row.domain.as_deref().and_then(|domain| self.scope.serve(domain, original)) {
            return Ok(Message::new("community-of-domain").with("domain", domain));
        }
        if let Some(partner) = self.linked(LinkKind::PartnersWith, LinkDirection::Outgoing).await? {
            return Ok(Message::new("community-of-partner").with("partner", partner));
        }
        // The year alone: the source's words would bring their own language into the hub's sentence.
        let years = (self.row.launched_earliest.map(|day| day.year()), self.row.launched_latest.map(|day| day.year()));
        let launched = match years {
            (Some(first), Some(last)) if first == last => Some(first.to_string()),
            _ => None,
        };
        let host = match self.linked(LinkKind::CoordinatedBy, LinkDirection::Outgoing).await? {
            None => self.linked(LinkKind::Hosts, LinkDirection::Incoming).await?,
            host => host,
        };
        Ok(match (host, launched) {
            (Some(host), Some(launched)) => {
                Message::new("community-of-host-launched").with("host", host).with("launched", launched)
            }
            (Some(host), None) => Message::new("community-of-host").with("host", host),
            (None, _) => Message::new("community-unnamed").with("key", self.row.key.as_str()),
        })
    }

    /// The name of the first organization that a link of this kind joins to the community.
    async fn linked(&self, kind: LinkKind, direction: LinkDirection) -> Result<Option<String>, Fault> {
        let list = List {
            filter: Arc::new(LinkFilter { kinds: Some(vec![kind.as_ref().to_owned()]), ..LinkFilter::default() }),
            order: LinkOrder::CreatedAt,
            direction: Direction::Ascending,
            page: Page { size: 1, backward: false, after: None, before: None },
            languages: self.scope.languages().clone(),
        };
        let parent = (LinksOf::Node(Some(direction)), self.row.id);
        let links = self.scope.loaders().links.page(Some(parent), Arc::new(list)).await?;
        let Some(link) = links.first() else { return Ok(None) };
        let other = match direction {
            LinkDirection::Outgoing => link.to_id,
            LinkDirection::Incoming => link.from_id,
        };
        let Some(row) = self.scope.loaders().organizations.rows.load(other).await? else { return Ok(None) };
        Ok(self.scope.serve(&row.name, &row.original_language.0).map(str::to_owned))
    }
}
