//! What is loaded of single nodes beside their rows.

use std::collections::HashMap;
use std::mem::size_of;
use std::sync::Arc;

use uuid::Uuid;

use crate::db::text_origins::{self, OriginsOfNode};
use crate::db::{column, listing};
use crate::domain::account;
use crate::domain::item;
use crate::domain::membership;
use crate::domain::person;
use crate::domain::person::store::AffiliationRow;
use crate::domain::person::store::consents::ConsentRow;
use crate::domain::site;
use crate::domain::site::rules::Days;
use crate::domain::site::store::UseRow;
use crate::domain::translation;
use crate::domain::translation::store::TranslationState;
use crate::error::Fault;
use crate::loaders::lists::ROW_FACTOR;
use crate::loaders::{Load, Reader};
use crate::policy::NodeKind;
use crate::text::language::LanguageTag;
use crate::text::texts::Texts;

/// The affiliations of a person, in their order.
pub struct Affiliations;

/// How many active memberships a community has.
pub struct ActiveMembers;

/// The body of an item; null: it has none.
pub struct Bodies;

/// The node that has, or once had, a slug; null: none has.
pub struct Slugs;

impl Load for Affiliations {
    type Asked = ();
    type Of = Uuid;
    type Value = Arc<Vec<AffiliationRow>>;

    async fn fetch(reader: &Reader, (): &(), people: Vec<Uuid>) -> Result<HashMap<Uuid, Self::Value>, Fault> {
        let mut conn = reader.db.connection().await?;
        let found = person::store::affiliations_of(&mut conn, &reader.viewer, people).await?;
        Ok(found.into_iter().map(|(person, rows)| (person, Arc::new(rows))).collect())
    }

    fn rows(rows: &Self::Value) -> usize {
        rows.len()
    }

    fn held_bytes(_person: &Uuid, rows: &Self::Value) -> usize {
        let own = size_of::<AffiliationRow>().saturating_mul(ROW_FACTOR);
        rows.iter().map(|row| own.saturating_add(column::read_bytes(&row.title))).sum()
    }
}

impl Load for ActiveMembers {
    type Asked = ();
    type Of = Uuid;
    type Value = i64;

    async fn fetch(reader: &Reader, (): &(), communities: Vec<Uuid>) -> Result<HashMap<Uuid, i64>, Fault> {
        let mut conn = reader.db.connection().await?;
        membership::store::active_in(&mut conn, &reader.viewer, communities).await
    }

    fn held_bytes(_community: &Uuid, _count: &i64) -> usize {
        0
    }
}

impl Load for Bodies {
    type Asked = ();
    type Of = Uuid;
    type Value = Option<Arc<Texts>>;

    async fn fetch(reader: &Reader, (): &(), items: Vec<Uuid>) -> Result<HashMap<Uuid, Self::Value>, Fault> {
        let mut conn = reader.db.connection().await?;
        let found = item::store::bodies(&mut conn, &reader.viewer, items).await?;
        Ok(found.into_iter().map(|(id, body)| (id, Some(Arc::new(body)))).collect())
    }

    fn rows(body: &Self::Value) -> usize {
        usize::from(body.is_some())
    }

    fn held_bytes(_item: &Uuid, body: &Self::Value) -> usize {
        body.iter().flat_map(|texts| texts.iter()).map(|(_, text)| text.len()).sum()
    }
}

impl Load for Slugs {
    type Asked = NodeKind;
    type Of = String;
    type Value = Option<Uuid>;

    async fn fetch(
        reader: &Reader,
        kind: &NodeKind,
        slugs: Vec<String>,
    ) -> Result<HashMap<String, Option<Uuid>>, Fault> {
        let mut conn = reader.db.connection().await?;
        let found = listing::by_slugs(&mut conn, &reader.viewer, *kind, slugs).await?;
        Ok(found.into_iter().map(|(slug, id)| (slug, Some(id))).collect())
    }

    fn rows(node: &Self::Value) -> usize {
        usize::from(node.is_some())
    }

    fn held_bytes(slug: &String, _node: &Option<Uuid>) -> usize {
        slug.len()
    }
}

/// The person of an account. Whether the reader may see them is decided at the person.
pub struct PersonsOfAccounts;

impl Load for PersonsOfAccounts {
    type Asked = ();
    type Of = Uuid;
    type Value = Option<Uuid>;

    async fn fetch(reader: &Reader, (): &(), accounts: Vec<Uuid>) -> Result<HashMap<Uuid, Option<Uuid>>, Fault> {
        let mut conn = reader.db.connection().await?;
        let found = account::store::persons_of(&mut conn, accounts).await?;
        Ok(found.into_iter().map(|(account, person)| (account, Some(person))).collect())
    }

    fn rows(person: &Self::Value) -> usize {
        usize::from(person.is_some())
    }

    fn held_bytes(_account: &Uuid, _person: &Option<Uuid>) -> usize {
        0
    }
}

/// What an account is called: by its issuer, or as a service. Who may know it is decided where it is asked for.
pub struct NamesOfAccounts;

impl Load for NamesOfAccounts {
    type Asked = ();
    type Of = Uuid;
    type Value = Option<String>;

    async fn fetch(reader: &Reader, (): &(), accounts: Vec<Uuid>) -> Result<HashMap<Uuid, Option<String>>, Fault> {
        let mut conn = reader.db.connection().await?;
        let found = account::store::names_of(&mut conn, accounts).await?;
        Ok(found.into_iter().map(|(account, name)| (account, Some(name))).collect())
    }

    fn rows(name: &Self::Value) -> usize {
        usize::from(name.is_some())
    }

    fn held_bytes(_account: &Uuid, name: &Option<String>) -> usize {
        name.as_ref().map_or(0, String::len)
    }
}

/// The consents of a person, in the order in which they were given.
pub struct Consents;

impl Load for Consents {
    type Asked = ();
    type Of = Uuid;
    type Value = Arc<Vec<ConsentRow>>;

    async fn fetch(reader: &Reader, (): &(), people: Vec<Uuid>) -> Result<HashMap<Uuid, Arc<Vec<ConsentRow>>>, Fault> {
        let mut conn = reader.db.connection().await?;
        let found = person::store::consents::seen(&mut conn, &reader.viewer, people).await?;
        Ok(found.into_iter().map(|(person, rows)| (person, Arc::new(rows))).collect())
    }

    fn rows(rows: &Self::Value) -> usize {
        rows.len()
    }

    fn held_bytes(_person: &Uuid, rows: &Arc<Vec<ConsentRow>>) -> usize {
        size_of::<ConsentRow>().saturating_mul(rows.len())
    }
}

/// Where the texts of a node come from.
pub struct Origins;

impl Load for Origins {
    type Asked = ();
    type Of = Uuid;
    type Value = Arc<OriginsOfNode>;

    async fn fetch(reader: &Reader, (): &(), nodes: Vec<Uuid>) -> Result<HashMap<Uuid, Self::Value>, Fault> {
        let mut conn = reader.db.connection().await?;
        let found = text_origins::of_nodes(&mut conn, &reader.viewer, nodes).await?;
        Ok(found.into_iter().map(|(node, origins)| (node, Arc::new(origins))).collect())
    }

    fn rows(origins: &Self::Value) -> usize {
        origins.len()
    }

    fn held_bytes(_node: &Uuid, origins: &Self::Value) -> usize {
        let texts = |(field, language): &(String, String)| field.len().saturating_add(language.len());
        origins.keys().map(|key| size_of::<OriginsOfNode>().saturating_mul(ROW_FACTOR).saturating_add(texts(key))).sum()
    }
}

/// How often a site was served listings in a span of days, as far as it may be seen.
pub struct SiteUses;

impl Load for SiteUses {
    type Asked = Days;
    type Of = Uuid;
    type Value = Arc<Vec<UseRow>>;

    async fn fetch(reader: &Reader, days: &Days, sites: Vec<Uuid>) -> Result<HashMap<Uuid, Self::Value>, Fault> {
        let mut conn = reader.db.connection().await?;
        let found = site::store::uses(&mut conn, &reader.viewer, *days, sites).await?;
        Ok(found.into_iter().map(|(site, rows)| (site, Arc::new(rows))).collect())
    }

    fn rows(rows: &Self::Value) -> usize {
        rows.len()
    }

    fn held_bytes(_site: &Uuid, rows: &Self::Value) -> usize {
        rows.iter().map(|row| size_of::<UseRow>().saturating_add(row.listing.len())).sum()
    }
}

/// What is left to translate of a node into a language.
pub struct TranslationGaps;

impl Load for TranslationGaps {
    type Asked = LanguageTag;
    type Of = Uuid;
    type Value = Arc<Vec<(String, TranslationState)>>;

    async fn fetch(
        reader: &Reader,
        language: &LanguageTag,
        nodes: Vec<Uuid>,
    ) -> Result<HashMap<Uuid, Self::Value>, Fault> {
        let mut conn = reader.db.connection().await?;
        let found = translation::store::gaps(&mut conn, &reader.viewer, language, nodes).await?;
        Ok(found.into_iter().map(|(node, gaps)| (node, Arc::new(gaps))).collect())
    }

    fn rows(gaps: &Self::Value) -> usize {
        gaps.len()
    }

    fn held_bytes(_node: &Uuid, gaps: &Self::Value) -> usize {
        gaps.iter().map(|(field, _)| size_of::<(String, TranslationState)>().saturating_add(field.len())).sum()
    }
}
