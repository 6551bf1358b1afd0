//! The rows of topics and of their parents.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::pg::Pg;
use diesel::sql_types::Uuid as SqlUuid;
use diesel::{AsChangeset, Insertable, QueryDsl, Queryable, Selectable};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt;
use serde::Serialize;
use strum::{AsRefStr, EnumMessage, EnumString, VariantArray};
use uuid::Uuid;

use crate::db::column::{self, Json, Word};
use crate::db::coverage::TextColumn;
use crate::db::facets::{Dimension, Values};
use crate::db::listing::{self, Listed, Loaded, Selection};
use crate::db::page::{SortColumn, SortKey};
use crate::db::per_parent::PerParent;
use crate::db::schema::topics;
use crate::db::search;
use crate::db::statement::{Rows, Sql};
use crate::db::write::Tx;
use crate::domain::hierarchy;
use crate::domain::node::{self, Line, Lines, Owed, Saved, Stored, Writing};
use crate::domain::record::{self, Header, Keys};
use crate::domain::source;
use crate::domain::topic::record::{Synonyms, TopicRecord};
use crate::error::Fault;
use crate::policy::{NodeKind, Owners, Viewer};
use crate::text::language::{LanguageTag, Languages};
use crate::text::messages::Message;
use crate::text::texts::{Fields, Texts};
use crate::text::vocabulary::Vocabulary;

/// One topic.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = topics, check_for_backend(Pg), treat_none_as_null = true)]
pub struct TopicRow {
    /// The topic.
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
    /// The name in addresses.
    pub slug: String,
    /// What it is called.
    pub name: Json<Texts>,
    /// What it covers.
    pub description: Option<Json<Texts>>,
    /// Other words for it.
    pub synonyms: Json<Synonyms>,
    /// Whether it was retired.
    pub retired: bool,
}

/// Topics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Topics;

/// What a list of topics is narrowed by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct TopicFilter {
    /// Those below one of these topics, at any depth.
    pub below: Option<Vec<Uuid>>,
    /// True: only those without a parent; false: only those with one.
    pub is_root: Option<bool>,
    /// Those about which, or about anything narrower, there is no item in this language.
    pub without_items_in: Option<String>,
    /// Those that a search for this text finds.
    pub text_contains: Option<String>,
}

/// What topics are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, AsRefStr, EnumString, EnumMessage, VariantArray)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum TopicOrder {
    /// The name as it is served.
    Name,
    /// When it came to the hub.
    CreatedAt,
}

impl Vocabulary for TopicOrder {
    const NAME: &'static str = "TopicOrderField";
    const ABOUT: &'static str = "What topics are ordered by. Equals are ordered by id; nulls come last both ways.";
}

/// What a list of topics hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TopicsOf {
    /// The narrower topics of a topic.
    Parent,
    /// The wider topics of a topic.
    Child,
    /// The topics of a community.
    Community,
    /// The topics of an item.
    Item,
    /// The topics a person knows about. Whether the viewer may know is decided at the person.
    Person,
}

impl TopicRow {
    /// Every text in several languages, by the path of its field.
    pub fn texts(&self) -> Fields<'_> {
        let mut fields = Fields::new();
        record::put(&mut fields, "name", &*self.name);
        record::put(&mut fields, "description", self.description.as_deref());
        fields
    }
}

impl Listed for Topics {
    type Row = TopicRow;
    type Filter = TopicFilter;
    type Order = TopicOrder;
    type Of = TopicsOf;

    const TABLE: &'static str = "topics";
    const ID: &'static str = "topics.id";
    const TEXTS: &'static [TextColumn] = &[("name", "topics.name"), ("description", "topics.description")];

    fn condition(filter: &TopicFilter, viewer: &Viewer) -> Sql {
        let mut sql = Sql::new("TRUE");
        if let Some(roots) = &filter.below {
            let family = Sql::new("topics.id IN (SELECT id FROM topic_family(")
                .uuids(roots.clone())
                .push(", ")
                .append(listing::atoms(viewer))
                .push(")) AND topics.id <> ALL (")
                .uuids(roots.clone())
                .push(")");
            sql = sql.and(family);
        }
        if let Some(is_root) = filter.is_root {
            // SQL: parents by primary key prefix. A parent that the viewer may not see is none.
            let parents = Sql::new(if is_root { "NOT EXISTS " } else { "EXISTS " })
                .push("(SELECT 1 FROM topic_parents p JOIN topics t ON t.id = p.parent_id WHERE p.topic_id = topics.id AND ")
                .append(listing::visible_to(viewer, "t.is_public", "t.audience"))
                .push(")");
            sql = sql.and(parents);
        }
        if let Some(language) = &filter.without_items_in {
            // SQL: the family by topic_parents_parent, its items by item_topics_topic.
            let without = Sql::new("NOT EXISTS (SELECT 1 FROM topic_family(ARRAY[topics.id], ")
                .append(listing::atoms(viewer))
                .push(") f JOIN item_topics i ON i.topic_id = f.id JOIN items ON items.id = i.item_id WHERE ")
                .append(listing::visible_to(viewer, "items.is_public", "items.audience"))
                .and(listing::serves("items.content_languages", std::slice::from_ref(language)))
                .push(")");
            sql = sql.and(without);
        }
        if let Some(text) = &filter.text_contains {
            sql = sql.and(search::found("topics.id", text, viewer));
        }
        sql
    }

    fn hangs_on(of: TopicsOf, _viewer: &Viewer) -> Sql {
        // SQL: each by an index that starts with the parent's column.
        match of {
            TopicsOf::Parent => {
                Sql::new("topics.id IN (SELECT p.topic_id FROM topic_parents p WHERE p.parent_id = parent.id)")
            }
            TopicsOf::Child => {
                Sql::new("topics.id IN (SELECT p.parent_id FROM topic_parents p WHERE p.topic_id = parent.id)")
            }
            TopicsOf::Community => {
                Sql::new("topics.id IN (SELECT c.topic_id FROM community_topics c WHERE c.community_id = parent.id)")
            }
            TopicsOf::Item => {
                Sql::new("topics.id IN (SELECT i.topic_id FROM item_topics i WHERE i.item_id = parent.id)")
            }
            TopicsOf::Person => {
                Sql::new("topics.id IN (SELECT e.topic_id FROM person_expertise e WHERE e.person_id = parent.id)")
            }
        }
    }

    fn columns(order: TopicOrder, languages: &Languages) -> Vec<SortColumn> {
        match order {
            TopicOrder::Name => {
                vec![SortColumn::text(listing::served("topics.name", "topics.original_language", languages))]
            }
            TopicOrder::CreatedAt => vec![SortColumn::time(Sql::new("topics.created_at"))],
        }
    }

    fn keys(row: &TopicRow, order: TopicOrder, languages: &Languages) -> Vec<SortKey> {
        match order {
            TopicOrder::Name => vec![SortKey::served(Some(&row.name), &row.original_language.0, languages)],
            TopicOrder::CreatedAt => vec![SortKey::Time(row.created_at)],
        }
    }

    fn id(row: &TopicRow) -> Uuid {
        row.id
    }

    fn read_bytes(row: &TopicRow) -> usize {
        [row.name.read_bytes(), row.synonyms.read_bytes(), column::read_bytes(&row.description)].into_iter().sum()
    }

    fn values(_by: Dimension, _viewer: &Viewer) -> Option<Values> {
        None
    }

    fn visible(viewer: &Viewer) -> Sql {
        listing::visible_to(viewer, "topics.is_public", "topics.audience")
    }

    fn load<'a>(rows: Rows<Selection<Self>>, conn: &'a mut AsyncPgConnection) -> Loaded<'a, TopicRow> {
        rows.load(conn).boxed()
    }

    fn load_per_parent<'a>(
        rows: PerParent<Rows<Selection<Self>>>,
        conn: &'a mut AsyncPgConnection,
    ) -> Loaded<'a, (Uuid, TopicRow)> {
        rows.load(conn).boxed()
    }
}

impl Stored for Topics {
    type Record = TopicRecord;

    const KEY: &'static str = "topics.key";

    fn lines<'a>(conn: &'a mut AsyncPgConnection, viewer: &'a Viewer, rows: Vec<TopicRow>) -> Lines<'a, TopicRecord> {
        lines(conn, viewer, rows).boxed()
    }

    fn save<'a>(
        tx: &'a mut Tx,
        id: Uuid,
        line: &'a Line<TopicRecord>,
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

/// Writes a topic from a line of the transfer format.
async fn save(tx: &mut Tx, id: Uuid, line: &Line<TopicRecord>, hash: Option<&str>, keys: &Keys) -> Result<(), Fault> {
    let doing = |error: diesel::result::Error| Fault::database("writing a topic", error);
    // All of it is compared, whatever whoever writes it sees.
    let viewer = Viewer::system("writing");
    let old = listing::by_ids::<Topics>(tx.conn(), &viewer, vec![id]).await?.remove(&id);
    let before = match &old {
        Some(row) => lines(tx.conn(), &viewer, vec![row.clone()]).await?.pop(),
        None => None,
    };
    let (header, record) = (&line.header, &line.record);
    let row = TopicRow {
        id,
        key: header.key.clone(),
        audience: header.stated_audience(),
        original_language: Word(header.original_language.clone()),
        import_hash: hash.map(str::to_owned),
        verified_on: header.verified_on,
        version: old.as_ref().map_or(1, |row| row.version.saturating_add(1)),
        created_at: old.as_ref().map_or(tx.now(), |row| row.created_at),
        updated_at: tx.now(),
        retired: header.retired,
        slug: header.slug_or_key(),
        name: Json::new(record.name.clone()),
        description: record.description.clone().map(Json::new),
        synonyms: Json::new(record.synonyms.clone()),
    };
    let owners = Owners::default();
    let audience_before = old.as_ref().map(|row| row.audience.as_slice());
    let writing = Writing { kind: NodeKind::Topic, id, audience_before, owners: &owners, slug: Some(&row.slug) };
    node::require_write(tx, writing).await?;
    let old_texts = old.as_ref().map(|row| row.texts()).unwrap_or_default();
    match &old {
        None => diesel::insert_into(topics::table).values(&row).execute(tx.conn()).await.map_err(doing)?,
        Some(_) => diesel::update(topics::table.find(id)).set(&row).execute(tx.conn()).await.map_err(doing)?,
    };
    let parents = node::ids_of(keys, NodeKind::Topic, &record.parents)?;
    node::replace_pairs(tx.conn(), "topic_parents", "topic_id", "parent_id", id, parents).await?;
    let saved = Saved {
        id,
        before: before.as_ref(),
        texts_before: old_texts,
        texts_after: row.texts(),
        after: line,
        slug: Some(&row.slug),
        communities: Vec::new(),
        topics: vec![id],
        is_publication: false,
    };
    node::keep(tx, saved).await
}

/// Refuses topics that are above themselves, among those just written.
pub async fn check_hierarchy(tx: &mut Tx, written: Vec<Uuid>) -> Result<(), Fault> {
    // SQL: up from the written topics by primary key prefix; UNION ends a loop.
    let edges: Vec<(Uuid, Uuid)> = Sql::new(
        "WITH RECURSIVE up (topic_id, parent_id) AS (\
           SELECT topic_id, parent_id FROM topic_parents WHERE topic_id = ANY (",
    )
    .uuids(written.clone())
    .push(
        ") UNION SELECT p.topic_id, p.parent_id FROM up JOIN topic_parents p ON p.topic_id = up.parent_id\
         ) SELECT topic_id, parent_id FROM up",
    )
    .returning::<(SqlUuid, SqlUuid)>()
    .load(tx.conn())
    .await
    .map_err(|error| Fault::database("checking the hierarchy of topics", error))?;
    let mut parents: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
    for (child, parent) in edges {
        parents.entry(child).or_default().push(parent);
    }
    let Some(id) = hierarchy::above_itself(&written, &parents) else { return Ok(()) };
    let keys = node::keys_of(tx.conn(), vec![id]).await?;
    Err(Message::new("above-itself").with("key", node::key_of(&keys, id)?).into())
}

async fn lines(
    conn: &mut AsyncPgConnection,
    viewer: &Viewer,
    rows: Vec<TopicRow>,
) -> Result<Vec<Line<TopicRecord>>, Fault> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let slugs: Vec<(Uuid, Option<&str>)> = rows.iter().map(|row| (row.id, Some(row.slug.as_str()))).collect();
    let mut former_slugs = node::former_slugs(conn, &slugs).await?;
    let mut sources = source::store::records(conn, viewer, ids.clone()).await?;
    let mut parents = node::names_of(conn, "topic_parents", "topic_id", "parent_id", ids).await?;
    let mut lines = Vec::new();
    for row in rows {
        lines.push(Line {
            header: Header {
                slug: Some(row.slug).filter(|slug| *slug != row.key),
                key: row.key,
                former_slugs: former_slugs.remove(&row.id).unwrap_or_default(),
                original_language: row.original_language.0,
                audience: node::stated(row.audience, row.retired),
                retired: row.retired,
                verified_on: row.verified_on,
                sources: sources.remove(&row.id).unwrap_or_default(),
            },
            record: TopicRecord {
                name: row.name.into_inner(),
                description: row.description.map(Json::into_inner),
                synonyms: row.synonyms.into_inner(),
                parents: parents.remove(&row.id).unwrap_or_default(),
            },
        });
    }
    Ok(lines)
}
