//! Items as lines of the transfer format, and back.

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use uuid::Uuid;

use crate::db::column::{Json, Word};
use crate::domain::item::author;
use crate::domain::item::record::{AuthorRecord, ItemRecord, ItemStatus};
use crate::domain::item::store::{self, ItemRow};
use crate::domain::node::{self, Line};
use crate::domain::record::{Header, Keys};
use crate::domain::source;
use crate::error::Fault;
use crate::policy::{NodeKind, Viewer};
use crate::text::imprecise_date::ImpreciseDate;

/// The row of a line; who sees it, and when it was written, is not in it yet.
pub fn row_of(id: Uuid, line: &Line<ItemRecord>, keys: &Keys) -> Result<ItemRow, Fault> {
    let (header, record) = (&line.header, line.record.clone());
    Ok(ItemRow {
        id,
        key: header.key.clone(),
        audience: Vec::new(),
        original_language: Word(header.original_language.clone()),
        import_hash: None,
        verified_on: header.verified_on,
        version: 1,
        created_at: DateTime::<Utc>::UNIX_EPOCH,
        updated_at: DateTime::<Utc>::UNIX_EPOCH,
        retired: header.retired,
        slug: header.slug_or_key(),
        kind: Word(record.item_kind),
        title: Json::new(record.title),
        summary: record.summary.map(Json::new),
        url: record.url,
        intended_for: record.intended_for.into_iter().map(Word).collect(),
        licence: record.licence,
        content_languages: record.content_languages.iter().map(ToString::to_string).collect(),
        project_id: record.project.as_ref().map(|key| keys.id(NodeKind::Project, key)).transpose()?,
        doi: record.doi,
        evidence_level: record.evidence_level.map(Word),
        status: Word(record.status),
        issued_earliest: record.issued.as_ref().and_then(ImpreciseDate::earliest),
        issued_latest: record.issued.as_ref().and_then(ImpreciseDate::latest),
        issued: record.issued.map(Json::new),
        published_at: record.published_at,
        members_at: record.members_at,
        public_at: record.public_at,
        readers: header.audience.clone(),
    })
}

/// Rows as lines, in their order.
pub async fn lines(
    conn: &mut AsyncPgConnection,
    viewer: &Viewer,
    rows: Vec<ItemRow>,
) -> Result<Vec<Line<ItemRecord>>, Fault> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let slugs: Vec<(Uuid, Option<&str>)> = rows.iter().map(|row| (row.id, Some(row.slug.as_str()))).collect();
    let mut former_slugs = node::former_slugs(conn, &slugs).await?;
    let mut sources = source::store::records(conn, viewer, ids.clone()).await?;
    let mut communities = node::names_of(conn, "item_communities", "item_id", "community_id", ids.clone()).await?;
    let mut topics = node::names_of(conn, "item_topics", "item_id", "topic_id", ids.clone()).await?;
    let mut bodies = store::bodies(conn, viewer, ids.clone()).await?;
    let mut authors = author::store::of_items(conn, viewer, ids).await?;
    let people = authors.values().flatten().filter_map(|row| row.person_id);
    let keys = node::keys_of(conn, people.chain(rows.iter().filter_map(|row| row.project_id)).collect()).await?;
    let mut lines = Vec::new();
    for row in rows {
        let mut bylines = Vec::new();
        for author in authors.remove(&row.id).unwrap_or_default() {
            let person = author.person_id.map(|id| node::key_of(&keys, id)).transpose()?;
            bylines.push(AuthorRecord { byline: author.byline, person });
        }
        let is_kept_back = row.retired || row.status.0 == ItemStatus::Draft;
        let header = Header {
            slug: Some(row.slug).filter(|slug| *slug != row.key),
            key: row.key,
            former_slugs: former_slugs.remove(&row.id).unwrap_or_default(),
            original_language: row.original_language.0,
            audience: row.readers.filter(|_| !is_kept_back),
            retired: row.retired,
            verified_on: row.verified_on,
            sources: sources.remove(&row.id).unwrap_or_default(),
        };
        let record = ItemRecord {
            item_kind: row.kind.0,
            title: row.title.into_inner(),
            summary: row.summary.map(Json::into_inner),
            url: row.url,
            body: bodies.remove(&row.id),
            intended_for: row.intended_for.into_iter().map(|word| word.0).collect(),
            licence: row.licence,
            content_languages: node::tags(&row.content_languages)?,
            authors: bylines,
            communities: communities.remove(&row.id).unwrap_or_default(),
            project: row.project_id.map(|id| node::key_of(&keys, id)).transpose()?,
            topics: topics.remove(&row.id).unwrap_or_default(),
            doi: row.doi,
            evidence_level: row.evidence_level.map(|word| word.0),
            status: row.status.0,
            issued: row.issued.map(Json::into_inner),
            published_at: row.published_at,
            members_at: row.members_at,
            public_at: row.public_at,
        };
        lines.push(Line { header, record });
    }
    Ok(lines)
}
