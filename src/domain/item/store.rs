//! The rows of KT items, of their communities and of their topics.

pub mod due;
pub mod line;
pub mod makers;

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::pg::Pg;
use diesel::sql_types::{Jsonb, Uuid as SqlUuid};
use diesel::{AsChangeset, ExpressionMethods, Insertable, QueryDsl, Queryable, Selectable};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt;
use serde::Serialize;
use strum::{AsRefStr, EnumMessage, EnumString, VariantArray};
use uuid::Uuid;

use crate::db::column::{self, Json, Word};
use crate::db::coverage::TextColumn;
use crate::db::dates::{self, DateRange};
use crate::db::facets::{Dimension, Values};
use crate::db::listing::{self, Listed, Loaded, Pairs, Selection};
use crate::db::page::{SortColumn, SortKey};
use crate::db::per_parent::PerParent;
use crate::db::schema::items;
use crate::db::search;
use crate::db::statement::{Rows, Sql};
use crate::db::write::Tx;
use crate::domain::editing::{self, Target};
use crate::domain::item::author;
use crate::domain::item::record::{EvidenceLevel, ItemKind, ItemRecord, ItemStatus, Readership};
use crate::domain::item::rules::{self, Release};
use crate::domain::node::{self, Line, Lines, Owed, Saved, Stored, Writing};
use crate::domain::record::{self, Keys};
use crate::error::Fault;
use crate::policy::{NodeKind, Viewer};
use crate::text::imprecise_date::ImpreciseDate;
use crate::text::language::{LanguageTag, Languages};
use crate::text::messages::Message;
use crate::text::texts::{Fields, Texts};
use crate::text::vocabulary::Vocabulary;

/// One item, without its body.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = items, check_for_backend(Pg), treat_none_as_null = true)]
pub struct ItemRow {
    /// The item.
    pub id: Uuid,
    /// The import key.
    pub key: String,
    /// Who may see it.
    pub audience: Vec<String>,
    /// The language it was written in.
    pub original_language: Word<LanguageTag>,
    /// The hash of the line it was imported from last.
    pub import_hash: Option<String>,
    /// When somebody last verified it; null: not yet.
    pub verified_on: Option<NaiveDate>,
    /// Counts the writes.
    pub version: i32,
    /// When it was first written.
    pub created_at: DateTime<Utc>,
    /// When it was last written.
    pub updated_at: DateTime<Utc>,
    /// Whether it was retired.
    pub retired: bool,
    /// The name in addresses.
    pub slug: String,
    /// What sort of thing it is.
    pub kind: Word<ItemKind>,
    /// What it is called.
    pub title: Json<Texts>,
    /// What it says, in a paragraph; null: not stated.
    pub summary: Option<Json<Texts>>,
    /// Where it is; null: only here, or not stated.
    pub url: Option<String>,
    /// Whom it is written for.
    pub intended_for: Vec<Word<Readership>>,
    /// The licence it is under; null: not stated.
    pub licence: Option<String>,
    /// The languages that the thing itself is in.
    pub content_languages: Vec<String>,
    /// The project that it came out of; null: none, or not stated.
    pub project_id: Option<Uuid>,
    /// The bare DOI; null: none, or not stated.
    pub doi: Option<String>,
    /// What its findings rest on; null: not stated.
    pub evidence_level: Option<Word<EvidenceLevel>>,
    /// Where it stands in its workflow.
    pub status: Word<ItemStatus>,
    /// When it was issued or took place; null: not stated.
    pub issued: Option<Json<ImpreciseDate>>,
    /// The first day that this can mean.
    pub issued_earliest: Option<NaiveDate>,
    /// The last day that this can mean.
    pub issued_latest: Option<NaiveDate>,
    /// When it was published on the hub; null: not yet.
    pub published_at: Option<DateTime<Utc>>,
    /// From when the members of its communities see it; null: with everybody else.
    pub members_at: Option<DateTime<Utc>>,
    /// From when those whom it is for see it; null: from its publication, or with `members_at` not yet.
    pub public_at: Option<DateTime<Utc>>,
    /// Whom it is for once it is out; null: everybody.
    pub readers: Option<Vec<String>>,
}

/// KT items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Items;

/// What a list of items is narrowed by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct ItemFilter {
    /// Those of one of these sorts.
    pub kinds: Option<Vec<String>>,
    /// Those about one of these topics or a narrower one.
    pub topics: Option<Vec<Uuid>>,
    /// Those that are in one of these languages themselves.
    pub languages: Option<Vec<String>>,
    /// Those of one of these communities.
    pub communities: Option<Vec<Uuid>>,
    /// Those of a community that is linked to one of these organizations.
    pub organizations: Option<Vec<Uuid>>,
    /// Those that came out of one of these projects.
    pub projects: Option<Vec<Uuid>>,
    /// Those that one of these people made.
    pub authors: Option<Vec<Uuid>>,
    /// Those written for one of these readerships.
    pub intended_for: Option<Vec<String>>,
    /// Those that rest on one of these.
    pub evidence_levels: Option<Vec<String>>,
    /// Those issued then.
    pub issued: Option<DateRange>,
    /// Those that a search for this text finds.
    pub text_contains: Option<String>,
}

/// What items are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, AsRefStr, EnumString, EnumMessage, VariantArray)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum ItemOrder {
    /// When it was published on the hub; what is not published yet counts by when it came to the hub.
    PublishedAt,
    /// The title as it is served.
    Title,
    /// When it was issued or took place: earliest, then latest.
    Issued,
    /// When it came to the hub.
    CreatedAt,
}

impl Vocabulary for ItemOrder {
    const NAME: &'static str = "ItemOrderField";
    const ABOUT: &'static str = "What KT items are ordered by. Equals are ordered by id; nulls come last both ways.";
}

/// What a list of items hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ItemsOf {
    /// Those of a community.
    Community,
    /// Those of the communities that an organization is linked to.
    Organization,
    /// Those that came out of a project.
    Project,
    /// Those that a person made.
    Author,
    /// Those about a topic or a narrower one.
    Topic,
}

impl ItemRow {
    /// What decides who sees it when.
    pub fn release(&self) -> Release<'_> {
        Release {
            status: self.status.0,
            is_retired: self.retired,
            readers: self.readers.as_deref(),
            published_at: self.published_at,
            members_at: self.members_at,
            public_at: self.public_at,
        }
    }

    /// Every text in several languages but the body, by the path of its field.
    pub fn texts(&self) -> Fields<'_> {
        let mut fields = Fields::new();
        record::put(&mut fields, "title", &*self.title);
        record::put(&mut fields, "summary", self.summary.as_deref());
        record::put(&mut fields, "issued/label", self.issued.as_deref().and_then(ImpreciseDate::label));
        fields
    }
}

impl Listed for Items {
    type Row = ItemRow;
    type Filter = ItemFilter;
    type Order = ItemOrder;
    type Of = ItemsOf;

    const TABLE: &'static str = "items";
    const ID: &'static str = "items.id";
    const TEXTS: &'static [TextColumn] =
        &[("title", "items.title"), ("summary", "items.summary"), ("body", "items.body")];

    fn condition(filter: &ItemFilter, viewer: &Viewer) -> Sql {
        let mut sql = Sql::new("TRUE");
        let words = [
            ("items.kind = ANY (", &filter.kinds, ")"),
            ("items.intended_for && ", &filter.intended_for, ""),
            ("items.evidence_level = ANY (", &filter.evidence_levels, ")"),
        ];
        for (start, values, end) in words {
            if let Some(values) = values {
                sql = sql.and(Sql::new(start).texts(values.clone()).push(end));
            }
        }
        if let Some(topics) = &filter.topics {
            sql = sql.and(about(Sql::default().uuids(topics.clone()), viewer));
        }
        if let Some(communities) = &filter.communities {
            let ids = Sql::new("SELECT unnest(").uuids(communities.clone()).push(")");
            sql = sql.and(of_communities(ids, viewer));
        }
        if let Some(organizations) = &filter.organizations {
            let ids = Sql::new("SELECT unnest(").uuids(organizations.clone()).push(")");
            sql = sql.and(of_communities(linked_communities(ids, viewer), viewer));
        }
        if let Some(projects) = &filter.projects {
            let of = Sql::new("items.project_id IN (SELECT p.id FROM projects p WHERE p.id = ANY (")
                .uuids(projects.clone())
                .push(")")
                .and(listing::visible_to(viewer, "p.is_public", "p.audience"))
                .push(")");
            sql = sql.and(of);
        }
        if let Some(authors) = &filter.authors {
            let made = Sql::new("items.id IN (SELECT a.item_id FROM item_authors a JOIN people p ON p.id = a.person_id WHERE p.id = ANY (")
                .uuids(authors.clone())
                .push(")")
                .and(listing::visible_to(viewer, "p.is_public", "p.audience"))
                .push(")");
            sql = sql.and(made);
        }
        if let Some(range) = &filter.issued {
            sql = sql.and(dates::within("items.issued_earliest", "items.issued_latest", range));
        }
        if let Some(languages) = &filter.languages {
            sql = sql.and(listing::serves("items.content_languages", languages));
        }
        if let Some(text) = &filter.text_contains {
            sql = sql.and(search::found("items.id", text, viewer));
        }
        sql
    }

    fn hangs_on(of: ItemsOf, viewer: &Viewer) -> Sql {
        // SQL: each by an index that starts with the parent's column.
        match of {
            ItemsOf::Community => {
                Sql::new("items.id IN (SELECT c.item_id FROM item_communities c WHERE c.community_id = parent.id)")
            }
            ItemsOf::Organization => of_communities(linked_communities(Sql::new("parent.id"), viewer), viewer),
            ItemsOf::Project => Sql::new("items.project_id = parent.id"),
            ItemsOf::Author => {
                Sql::new("items.id IN (SELECT a.item_id FROM item_authors a WHERE a.person_id = parent.id)")
            }
            ItemsOf::Topic => about(Sql::new("ARRAY[parent.id]"), viewer),
        }
    }

    fn pairs(of: ItemsOf, order: ItemOrder, viewer: &Viewer) -> Option<Pairs> {
        // The index holds what is public alone.
        if (of, order) != (ItemsOf::Community, ItemOrder::PublishedAt) || *viewer != Viewer::Anonymous {
            return None;
        }
        // SQL: the newest by item_communities_newest_public, their rows by primary key.
        Some(Pairs {
            tables: "items JOIN item_communities pair ON pair.item_id = items.id",
            condition: Sql::new("pair.is_public AND pair.community_id = parent.id"),
            columns: vec![SortColumn::time(Sql::new("pair.ordered_at"))],
            id: "pair.item_id",
        })
    }

    fn columns(order: ItemOrder, languages: &Languages) -> Vec<SortColumn> {
        match order {
            ItemOrder::PublishedAt => vec![SortColumn::time(Sql::new("items.ordered_at"))],
            ItemOrder::Title => {
                vec![SortColumn::text(listing::served("items.title", "items.original_language", languages))]
            }
            ItemOrder::Issued => vec![
                SortColumn::nullable_date(Sql::new("items.issued_earliest")),
                SortColumn::nullable_date(Sql::new("items.issued_latest")),
            ],
            ItemOrder::CreatedAt => vec![SortColumn::time(Sql::new("items.created_at"))],
        }
    }

    fn keys(row: &ItemRow, order: ItemOrder, languages: &Languages) -> Vec<SortKey> {
        match order {
            ItemOrder::PublishedAt => vec![SortKey::Time(row.published_at.unwrap_or(row.created_at))],
            ItemOrder::Title => vec![SortKey::served(Some(&row.title), &row.original_language.0, languages)],
            ItemOrder::Issued => vec![SortKey::Date(row.issued_earliest), SortKey::Date(row.issued_latest)],
            ItemOrder::CreatedAt => vec![SortKey::Time(row.created_at)],
        }
    }

    fn id(row: &ItemRow) -> Uuid {
        row.id
    }

    fn read_bytes(row: &ItemRow) -> usize {
        [row.title.read_bytes(), column::read_bytes(&row.summary)].into_iter().sum()
    }

    fn values(by: Dimension, viewer: &Viewer) -> Option<Values> {
        match by {
            Dimension::Kind => Some(Values::column("items.kind")),
            Dimension::Topic => {
                let topics =
                    Sql::new(" JOIN item_topics f ON f.item_id = items.id JOIN topics t ON t.id = f.topic_id AND ")
                        .append(listing::visible_to(viewer, "t.is_public", "t.audience"));
                Some(Values::joined(topics, "t.id::text"))
            }
            Dimension::Language => Some(Values::array("unnest(items.content_languages)")),
            Dimension::Community => {
                let communities = Sql::new(
                    " JOIN item_communities f ON f.item_id = items.id JOIN communities c ON c.id = f.community_id AND ",
                )
                .append(listing::visible_to(viewer, "c.is_public", "c.audience"));
                Some(Values::joined(communities, "c.id::text"))
            }
            Dimension::Organization => {
                let organizations = Sql::new("SELECT DISTINCT o.id FROM item_communities f JOIN communities c ON c.id = f.community_id AND ")
                    .append(listing::visible_to(viewer, "c.is_public", "c.audience"))
                    .push(" JOIN links l ON l.from_id = c.id OR l.to_id = c.id JOIN organizations o ON o.id IN (l.from_id, l.to_id) WHERE f.item_id = items.id")
                    .and(listing::visible_to(viewer, "l.is_public", "l.audience"))
                    .and(listing::visible_to(viewer, "o.is_public", "o.audience"));
                Some(Values::each(organizations))
            }
            Dimension::Year => Some(Values::column("items.year::text")),
            Dimension::Region => None,
        }
    }

    fn visible(viewer: &Viewer) -> Sql {
        listing::visible_to(viewer, "items.is_public", "items.audience")
    }

    fn load<'a>(rows: Rows<Selection<Self>>, conn: &'a mut AsyncPgConnection) -> Loaded<'a, ItemRow> {
        rows.load(conn).boxed()
    }

    fn load_per_parent<'a>(
        rows: PerParent<Rows<Selection<Self>>>,
        conn: &'a mut AsyncPgConnection,
    ) -> Loaded<'a, (Uuid, ItemRow)> {
        rows.load(conn).boxed()
    }
}

/// The condition that an item is about one of the topics or a narrower one, as far as the viewer sees them.
fn about(topics: Sql, viewer: &Viewer) -> Sql {
    // SQL: the family by topic_parents_parent, its items by item_topics_topic.
    Sql::new("items.id IN (SELECT i.item_id FROM topic_family(")
        .append(topics)
        .push(", ")
        .append(listing::atoms(viewer))
        .push(") f JOIN item_topics i ON i.topic_id = f.id)")
}

/// The condition that an item is of one of the communities that a subquery names, as far as the viewer sees them.
fn of_communities(communities: Sql, viewer: &Viewer) -> Sql {
    // SQL: communities by primary key, their items by item_communities.
    Sql::new("items.id IN (SELECT i.item_id FROM item_communities i JOIN communities c ON c.id = i.community_id WHERE c.id IN (")
        .append(communities)
        .push(")")
        .and(listing::visible_to(viewer, "c.is_public", "c.audience"))
        .push(")")
}

/// The communities that are linked to one of the organizations that a subquery names.
fn linked_communities(organizations: Sql, viewer: &Viewer) -> Sql {
    Sql::new("SELECT k.id FROM communities k WHERE ").append(listing::linked_to("k.id", organizations, viewer))
}

impl Stored for Items {
    type Record = ItemRecord;

    const KEY: &'static str = "items.key";

    fn lines<'a>(conn: &'a mut AsyncPgConnection, viewer: &'a Viewer, rows: Vec<ItemRow>) -> Lines<'a, ItemRecord> {
        line::lines(conn, viewer, rows).boxed()
    }

    fn save<'a>(
        tx: &'a mut Tx,
        id: Uuid,
        line: &'a Line<ItemRecord>,
        hash: Option<&'a str>,
        keys: &'a Keys,
    ) -> Owed<'a> {
        async move {
            save(tx, id, line, hash, keys).await?;
            Ok(Vec::new())
        }
        .boxed()
    }
}

/// Publishes an item, by whoever may write it: at once, or at times to come.
pub async fn publish(
    tx: &mut Tx,
    target: Target,
    times: (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
) -> Result<Uuid, Fault> {
    let now = tx.now();
    editing::edit::<Items>(tx, target, move |line| rules::publish(&mut line.record, times, now)).await
}

/// The bodies of many items, as far as the viewer sees the items.
pub async fn bodies(
    conn: &mut AsyncPgConnection,
    viewer: &Viewer,
    items: Vec<Uuid>,
) -> Result<HashMap<Uuid, Texts>, Fault> {
    // SQL: by primary key.
    let found: Vec<(Uuid, Json<Texts>)> =
        Sql::new("SELECT items.id, items.body FROM items WHERE items.body IS NOT NULL AND items.id = ANY (")
            .keys(items)
            .push(")")
            .and(Items::visible(viewer))
            .returning::<(SqlUuid, Jsonb)>()
            .load(conn)
            .await
            .map_err(|error| Fault::database("reading bodies", error))?;
    Ok(found.into_iter().map(|(id, body)| (id, body.into_inner())).collect())
}

async fn save(tx: &mut Tx, id: Uuid, line: &Line<ItemRecord>, hash: Option<&str>, keys: &Keys) -> Result<(), Fault> {
    let doing = |error: diesel::result::Error| Fault::database("writing an item", error);
    // All of it is compared, whatever whoever writes it sees.
    let viewer = Viewer::system("writing");
    let old = listing::by_ids::<Items>(tx.conn(), &viewer, vec![id]).await?.remove(&id);
    let before = match &old {
        Some(row) => line::lines(tx.conn(), &viewer, vec![row.clone()]).await?.pop(),
        None => None,
    };
    if line.record.status == ItemStatus::Draft && line.header.audience.is_some() {
        return Err(Message::new("item-draft-audience").into());
    }
    let makers_before = makers::of(tx.conn(), id).await?;
    makers::hold_communities(tx, &line.record, keys).await?;
    let owners = makers::owners_of_record(tx.conn(), &line.record, keys).await?;
    let makers = makers::from(&owners);
    let mut row = line::row_of(id, line, keys)?;
    row.import_hash = hash.map(str::to_owned);
    row.updated_at = tx.now();
    row.created_at = old.as_ref().map_or(tx.now(), |row| row.created_at);
    row.version = old.as_ref().map_or(1, |row| row.version.saturating_add(1));
    row.audience = rules::audience(&row.release(), &makers, tx.now());
    let audience_before = old.as_ref().map(|row| row.audience.as_slice());
    let writing = Writing { kind: NodeKind::Item, id, audience_before, owners: &owners, slug: Some(&row.slug) };
    node::require_write(tx, writing).await?;
    makers::require_membership(tx, &makers_before, &makers).await?;
    match &old {
        None => diesel::insert_into(items::table).values(&row).execute(tx.conn()).await.map_err(doing)?,
        Some(_) => diesel::update(items::table.find(id)).set(&row).execute(tx.conn()).await.map_err(doing)?,
    };
    let body = line.record.body.clone().map(Json::new);
    diesel::update(items::table.find(id)).set(items::body.eq(body)).execute(tx.conn()).await.map_err(doing)?;
    due::plan(tx, &row).await?;
    let (communities, topics) = write_relations(tx, id, &line.record, keys).await?;
    let was_out = old.as_ref().is_some_and(|old| rules::is_out(&old.audience, &makers_before));
    let saved = Saved {
        id,
        before: before.as_ref(),
        texts_before: with_body(
            old.as_ref().map(|row| row.texts()).unwrap_or_default(),
            before.as_ref().map(|line| &line.record),
        ),
        texts_after: with_body(row.texts(), Some(&line.record)),
        after: line,
        slug: Some(&row.slug),
        communities,
        topics,
        is_publication: !was_out && rules::is_out(&row.audience, &makers),
    };
    node::keep(tx, saved).await
}

/// The texts of a row with the body of its record, which rows do not hold.
fn with_body<'a>(mut fields: Fields<'a>, record: Option<&'a ItemRecord>) -> Fields<'a> {
    record::put(&mut fields, "body", record.and_then(|record| record.body.as_ref()));
    fields
}

/// Writes communities, topics and authors; the answer is the communities and topics before and after.
async fn write_relations(
    tx: &mut Tx,
    id: Uuid,
    record: &ItemRecord,
    keys: &Keys,
) -> Result<(Vec<Uuid>, Vec<Uuid>), Fault> {
    let communities = node::ids_of(keys, NodeKind::Community, &record.communities)?;
    let topics = node::ids_of(keys, NodeKind::Topic, &record.topics)?;
    let mut communities_concerned =
        node::replace_pairs(tx.conn(), "item_communities", "item_id", "community_id", id, communities.clone()).await?;
    let mut topics_concerned =
        node::replace_pairs(tx.conn(), "item_topics", "item_id", "topic_id", id, topics.clone()).await?;
    communities_concerned.extend(communities);
    topics_concerned.extend(topics);
    let mut authors = Vec::new();
    for author in &record.authors {
        let person = author.person.as_ref().map(|key| keys.id(NodeKind::Person, key)).transpose()?;
        authors.push((author.byline.clone(), person));
    }
    author::store::replace(tx, id, authors).await?;
    Ok((communities_concerned, topics_concerned))
}
