//! Communities as lines of the transfer format, and back.

use chrono::DateTime;
use diesel_async::AsyncPgConnection;
use uuid::Uuid;

use crate::db::column::{Json, Word};
use crate::domain::community::record::CommunityRecord;
use crate::domain::community::store::CommunityRow;
use crate::domain::node::{self, Line};
use crate::domain::record::{Header, Keys};
use crate::domain::source;
use crate::error::Fault;
use crate::policy::{NodeKind, Viewer};
use crate::text::imprecise_date::ImpreciseDate;

/// The row of a line; when it was written is not in it yet.
pub fn row_of(id: Uuid, line: &Line<CommunityRecord>, keys: &Keys) -> Result<CommunityRow, Fault> {
    let (header, record) = (&line.header, line.record.clone());
    Ok(CommunityRow {
        id,
        key: header.key.clone(),
        audience: header.stated_audience(),
        original_language: Word(header.original_language.clone()),
        import_hash: None,
        verified_on: header.verified_on,
        version: 1,
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
        retired: header.retired,
        slug: header.slug_or_key(),
        name: record.name.map(Json::new),
        domain: record.domain.map(Json::new),
        community: record.community.map(Json::new),
        practice: record.practice.map(Json::new),
        purpose: record.purpose.map(Json::new),
        objectives: Json::new(record.objectives),
        activities: record.activities.into_iter().map(Word).collect(),
        benefits: Json::new(record.benefits),
        eligibility: record.eligibility.map(Json::new),
        professions: record.professions.into_iter().map(Word).collect(),
        join_policy: record.join_policy.map(Word),
        join_url: record.join_url,
        launched_earliest: record.launched.as_ref().and_then(ImpreciseDate::earliest),
        launched_latest: record.launched.as_ref().and_then(ImpreciseDate::latest),
        launched: record.launched.map(Json::new),
        member_count: record.member_count.map(Json::new),
        centre_count: record.centre_count.map(Json::new),
        regions: record.regions,
        meetings: record.meetings.map(Json::new),
        contact_email: record.contact_email,
        languages: record.languages.iter().map(ToString::to_string).collect(),
        status: Word(record.status),
        managed_by: record.managed_by.map(|key| keys.id(NodeKind::Organization, &key)).transpose()?,
        questions: Json::new(record.questions),
        charters: Json::new(record.charters),
        tiers: Json::new(record.tiers),
    })
}

/// Rows as lines, in their order.
pub async fn lines(
    conn: &mut AsyncPgConnection,
    viewer: &Viewer,
    rows: Vec<CommunityRow>,
) -> Result<Vec<Line<CommunityRecord>>, Fault> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let slugs: Vec<(Uuid, Option<&str>)> = rows.iter().map(|row| (row.id, Some(row.slug.as_str()))).collect();
    let mut former_slugs = node::former_slugs(conn, &slugs).await?;
    let mut sources = source::store::records(conn, viewer, ids.clone()).await?;
    let mut topics = node::names_of(conn, "community_topics", "community_id", "topic_id", ids).await?;
    let keys = node::keys_of(conn, rows.iter().filter_map(|row| row.managed_by).collect()).await?;
    let mut lines = Vec::new();
    for row in rows {
        let header = Header {
            slug: Some(row.slug).filter(|slug| *slug != row.key),
            key: row.key,
            former_slugs: former_slugs.remove(&row.id).unwrap_or_default(),
            original_language: row.original_language.0,
            audience: node::stated(row.audience, row.retired),
            retired: row.retired,
            verified_on: row.verified_on,
            sources: sources.remove(&row.id).unwrap_or_default(),
        };
        let record = CommunityRecord {
            name: row.name.map(Json::into_inner),
            domain: row.domain.map(Json::into_inner),
            community: row.community.map(Json::into_inner),
            practice: row.practice.map(Json::into_inner),
            purpose: row.purpose.map(Json::into_inner),
            objectives: row.objectives.into_inner(),
            activities: row.activities.into_iter().map(|word| word.0).collect(),
            benefits: row.benefits.into_inner(),
            eligibility: row.eligibility.map(Json::into_inner),
            professions: row.professions.into_iter().map(|word| word.0).collect(),
            join_policy: row.join_policy.map(|word| word.0),
            join_url: row.join_url,
            launched: row.launched.map(Json::into_inner),
            member_count: row.member_count.map(Json::into_inner),
            centre_count: row.centre_count.map(Json::into_inner),
            regions: row.regions,
            meetings: row.meetings.map(Json::into_inner),
            contact_email: row.contact_email,
            topics: topics.remove(&row.id).unwrap_or_default(),
            languages: node::tags(&row.languages)?,
            status: row.status.0,
            managed_by: row.managed_by.map(|id| node::key_of(&keys, id)).transpose()?,
            questions: row.questions.into_inner(),
            charters: row.charters.into_inner(),
            tiers: row.tiers.into_inner(),
        };
        lines.push(Line { header, record });
    }
    Ok(lines)
}
