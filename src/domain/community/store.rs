//! The rows of communities and of their topics.

pub mod line;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::pg::Pg;
use diesel::{AsChangeset, Insertable, QueryDsl, Queryable, Selectable};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt;
use serde::Serialize;
use strum::{AsRefStr, EnumMessage, EnumString, VariantArray};
use uuid::Uuid;

use crate::db::column::{self, Json, Word};
use crate::db::coverage::TextColumn;
use crate::db::dates::{self, DateRange};
use crate::db::facets::{Dimension, Values};
use crate::db::listing::{self, Listed, Loaded, Selection};
use crate::db::page::{SortColumn, SortKey};
use crate::db::per_parent::PerParent;
use crate::db::schema::communities;
use crate::db::search;
use crate::db::statement::{Rows, Sql};
use crate::db::write::Tx;
use crate::domain::community::record::{
    ActivityKind, Benefit, Charter, CommunityRecord, CommunityStatus, JoinPolicy, Question, TierRule, put_joining,
};
use crate::domain::item;
use crate::domain::node::{self, Line, Lines, Owed, Saved, Stored, Writing};
use crate::domain::person::record::Profession;
use crate::domain::record::{self, Keys};
use crate::error::Fault;
use crate::policy::{NodeKind, Owners, Viewer};
use crate::text::approximate_count::ApproximateCount;
use crate::text::imprecise_date::ImpreciseDate;
use crate::text::language::{LanguageTag, Languages};
use crate::text::statement::Statement;
use crate::text::texts::{Fields, Texts};
use crate::text::vocabulary::Vocabulary;

/// One community.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = communities, check_for_backend(Pg), treat_none_as_null = true)]
pub struct CommunityRow {
    /// The community.
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
    /// What it is called; null when no source states a name.
    pub name: Option<Json<Texts>>,
    /// The field of interest that members share; null: not stated.
    pub domain: Option<Json<Texts>>,
    /// Who the members are and what they do together; null: not stated.
    pub community: Option<Json<Texts>>,
    /// The resources that members share; null: not stated.
    pub practice: Option<Json<Texts>>,
    /// What it is for; null: not stated.
    pub purpose: Option<Json<Texts>>,
    /// Its objectives, in its own order.
    pub objectives: Json<Vec<Statement>>,
    /// What members do together.
    pub activities: Vec<Word<ActivityKind>>,
    /// What membership is good for.
    pub benefits: Json<Vec<Benefit>>,
    /// Who can take part; null: not stated.
    pub eligibility: Option<Json<Texts>>,
    /// The professions that can take part.
    pub professions: Vec<Word<Profession>>,
    /// How one joins; null: not stated.
    pub join_policy: Option<Word<JoinPolicy>>,
    /// Where one joins; null: not stated.
    pub join_url: Option<String>,
    /// When it was launched; null: not stated.
    pub launched: Option<Json<ImpreciseDate>>,
    /// The first day that this can mean.
    pub launched_earliest: Option<NaiveDate>,
    /// The last day that this can mean.
    pub launched_latest: Option<NaiveDate>,
    /// How many members a source states; null: not stated.
    pub member_count: Option<Json<ApproximateCount>>,
    /// How many centres a source states; null: not stated.
    pub centre_count: Option<Json<ApproximateCount>>,
    /// The regions where it is at work.
    pub regions: Vec<String>,
    /// How and how often it meets; null: not stated.
    pub meetings: Option<Json<Texts>>,
    /// Role address; null: not stated.
    pub contact_email: Option<String>,
    /// The languages it works in.
    pub languages: Vec<String>,
    /// Where it stands in its life.
    pub status: Word<CommunityStatus>,
    /// Whether it was retired.
    pub retired: bool,
    /// The organization whose administrators may edit it; null: only those who run it otherwise.
    pub managed_by: Option<Uuid>,
    /// What it asks of those who want to join.
    pub questions: Json<Vec<Question>>,
    /// What those who join accept, every version; the last is in force.
    pub charters: Json<Vec<Charter>>,
    /// How far its memberships go, the usual one first; empty: OPEN alone.
    pub tiers: Json<Vec<TierRule>>,
}

/// Communities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Communities;

/// What a list of communities is narrowed by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct CommunityFilter {
    /// Those about one of these topics or a narrower one.
    pub topics: Option<Vec<Uuid>>,
    /// Those linked to one of these organizations.
    pub organizations: Option<Vec<Uuid>>,
    /// Those at work in one of these regions or countries, or linked to an organization there.
    pub regions: Option<Vec<String>>,
    /// Those that work in one of these languages.
    pub languages: Option<Vec<String>>,
    /// Those with one of these statuses.
    pub statuses: Option<Vec<String>>,
    /// Those that one joins in one of these ways.
    pub join_policies: Option<Vec<String>>,
    /// Those that do one of these things.
    pub activities: Option<Vec<String>>,
    /// Those open to one of these professions.
    pub professions: Option<Vec<String>>,
    /// Those launched then.
    pub launched: Option<DateRange>,
    /// Those that a search for this text finds.
    pub text_contains: Option<String>,
}

/// What communities are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, AsRefStr, EnumString, EnumMessage, VariantArray)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum CommunityOrder {
    /// The name as it is served; those without one come last.
    Name,
    /// When it was launched: earliest, then latest.
    Launched,
    /// When it came to the hub.
    CreatedAt,
}

impl Vocabulary for CommunityOrder {
    const NAME: &'static str = "CommunityOrderField";
    const ABOUT: &'static str = "What communities are ordered by. Equals are ordered by id; nulls come last both ways.";
}

/// What a list of communities hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CommunitiesOf {
    /// The communities that an organization is linked to, whichever way.
    Organization,
    /// The communities about a topic or a narrower one.
    Topic,
    /// The communities that a project belongs to.
    Project,
    /// The communities that an item belongs to.
    Item,
}

impl CommunityRow {
    /// Every text in several languages, by the path of its field.
    pub fn texts(&self) -> Fields<'_> {
        let mut fields = Fields::new();
        record::put(&mut fields, "name", self.name.as_deref());
        record::put(&mut fields, "domain", self.domain.as_deref());
        record::put(&mut fields, "community", self.community.as_deref());
        record::put(&mut fields, "practice", self.practice.as_deref());
        record::put(&mut fields, "purpose", self.purpose.as_deref());
        record::put_statements(&mut fields, "objectives", &self.objectives);
        for benefit in self.benefits.iter() {
            record::put(&mut fields, &format!("benefits/{}/cause", benefit.id), &benefit.cause);
            record::put(&mut fields, &format!("benefits/{}/effect", benefit.id), &benefit.effect);
        }
        put_joining(&mut fields, &self.questions, &self.charters);
        record::put(&mut fields, "eligibility", self.eligibility.as_deref());
        record::put(&mut fields, "meetings", self.meetings.as_deref());
        record::put(&mut fields, "launched/label", self.launched.as_deref().and_then(ImpreciseDate::label));
        record::put(
            &mut fields,
            "memberCount/label",
            self.member_count.as_deref().and_then(|count| count.label.as_ref()),
        );
        record::put(
            &mut fields,
            "memberCount/unit",
            self.member_count.as_deref().and_then(|count| count.unit.as_ref()),
        );
        record::put(
            &mut fields,
            "centreCount/label",
            self.centre_count.as_deref().and_then(|count| count.label.as_ref()),
        );
        record::put(
            &mut fields,
            "centreCount/unit",
            self.centre_count.as_deref().and_then(|count| count.unit.as_ref()),
        );
        fields
    }
}

impl Listed for Communities {
    type Row = CommunityRow;
    type Filter = CommunityFilter;
    type Order = CommunityOrder;
    type Of = CommunitiesOf;

    const TABLE: &'static str = "communities";
    const ID: &'static str = "communities.id";
    const TEXTS: &'static [TextColumn] = &[
        ("name", "communities.name"),
        ("domain", "communities.domain"),
        ("community", "communities.community"),
        ("practice", "communities.practice"),
        ("purpose", "communities.purpose"),
        ("eligibility", "communities.eligibility"),
        ("meetings", "communities.meetings"),
    ];

    fn condition(filter: &CommunityFilter, viewer: &Viewer) -> Sql {
        let mut sql = Sql::new("TRUE");
        if let Some(topics) = &filter.topics {
            sql = sql.and(about(Sql::default().uuids(topics.clone()), viewer));
        }
        if let Some(organizations) = &filter.organizations {
            let ids = Sql::new("SELECT unnest(").uuids(organizations.clone()).push(")");
            sql = sql.and(listing::linked_to("communities.id", ids, viewer));
        }
        if let Some(regions) = &filter.regions {
            let ids = Sql::new("SELECT o.id FROM organizations o WHERE o.regions && ")
                .texts(regions.clone())
                .push(" AND ")
                .append(listing::visible_to(viewer, "o.is_public", "o.audience"));
            // A country takes in its regions; organizations keep theirs beside their addresses' regions.
            let own = Sql::new(
                "EXISTS (SELECT 1 FROM unnest(communities.regions) r WHERE ARRAY[r, split_part(r, '-', 1)] && ",
            )
            .texts(regions.clone())
            .push(") OR ");
            sql = sql.and(own.append(listing::linked_to("communities.id", ids, viewer)));
        }
        let words = [
            ("communities.status = ANY (", &filter.statuses, ")"),
            ("communities.join_policy = ANY (", &filter.join_policies, ")"),
            ("communities.activities && ", &filter.activities, ""),
            ("communities.professions && ", &filter.professions, ""),
        ];
        for (start, values, end) in words {
            if let Some(values) = values {
                sql = sql.and(Sql::new(start).texts(values.clone()).push(end));
            }
        }
        if let Some(range) = &filter.launched {
            sql = sql.and(dates::within("communities.launched_earliest", "communities.launched_latest", range));
        }
        if let Some(languages) = &filter.languages {
            sql = sql.and(listing::serves("communities.languages", languages));
        }
        if let Some(text) = &filter.text_contains {
            sql = sql.and(search::found("communities.id", text, viewer));
        }
        sql
    }

    fn hangs_on(of: CommunitiesOf, viewer: &Viewer) -> Sql {
        match of {
            CommunitiesOf::Organization => listing::linked_to_parent("communities.id", viewer),
            CommunitiesOf::Topic => about(Sql::new("ARRAY[parent.id]"), viewer),
            // SQL: both by primary key prefix.
            CommunitiesOf::Project => Sql::new(
                "communities.id IN (SELECT p.community_id FROM project_communities p WHERE p.project_id = parent.id)",
            ),
            CommunitiesOf::Item => Sql::new(
                "communities.id IN (SELECT i.community_id FROM item_communities i WHERE i.item_id = parent.id)",
            ),
        }
    }

    fn columns(order: CommunityOrder, languages: &Languages) -> Vec<SortColumn> {
        match order {
            CommunityOrder::Name => {
                let name = listing::served("communities.name", "communities.original_language", languages);
                vec![SortColumn::nullable_text(name)]
            }
            CommunityOrder::Launched => vec![
                SortColumn::nullable_date(Sql::new("communities.launched_earliest")),
                SortColumn::nullable_date(Sql::new("communities.launched_latest")),
            ],
            CommunityOrder::CreatedAt => vec![SortColumn::time(Sql::new("communities.created_at"))],
        }
    }

    fn keys(row: &CommunityRow, order: CommunityOrder, languages: &Languages) -> Vec<SortKey> {
        match order {
            CommunityOrder::Name => {
                vec![SortKey::served(row.name.as_deref(), &row.original_language.0, languages)]
            }
            CommunityOrder::Launched => {
                vec![SortKey::Date(row.launched_earliest), SortKey::Date(row.launched_latest)]
            }
            CommunityOrder::CreatedAt => vec![SortKey::Time(row.created_at)],
        }
    }

    fn id(row: &CommunityRow) -> Uuid {
        row.id
    }

    fn read_bytes(row: &CommunityRow) -> usize {
        [
            row.objectives.read_bytes(),
            row.benefits.read_bytes(),
            row.questions.read_bytes(),
            row.charters.read_bytes(),
            row.tiers.read_bytes(),
            column::read_bytes(&row.name),
            column::read_bytes(&row.domain),
            column::read_bytes(&row.community),
            column::read_bytes(&row.practice),
            column::read_bytes(&row.purpose),
            column::read_bytes(&row.eligibility),
            column::read_bytes(&row.meetings),
        ]
        .into_iter()
        .sum()
    }

    fn values(by: Dimension, viewer: &Viewer) -> Option<Values> {
        match by {
            Dimension::Topic => {
                let topics = Sql::new(" JOIN community_topics f ON f.community_id = communities.id JOIN topics t ON t.id = f.topic_id AND ")
                    .append(listing::visible_to(viewer, "t.is_public", "t.audience"));
                Some(Values::joined(topics, "t.id::text"))
            }
            Dimension::Language => Some(Values::array("unnest(communities.languages)")),
            // Its own regions and those of the organizations that it is linked to, as in the filter.
            Dimension::Region => {
                let regions = Sql::new("SELECT r FROM unnest(communities.regions) AS r UNION SELECT r FROM organizations o, unnest(o.regions) AS r WHERE strpos(r, '-') > 0")
                    .and(listing::visible_to(viewer, "o.is_public", "o.audience"))
                    .and(listing::linked_to("o.id", Sql::new("communities.id"), viewer));
                Some(Values::each(regions))
            }
            Dimension::Organization => {
                let organizations = Sql::new("SELECT o.id FROM organizations o WHERE ")
                    .append(listing::visible_to(viewer, "o.is_public", "o.audience"))
                    .and(listing::linked_to("o.id", Sql::new("communities.id"), viewer));
                Some(Values::each(organizations))
            }
            Dimension::Year => Some(Values::column("extract(year FROM communities.launched_earliest)::text")),
            Dimension::Kind | Dimension::Community => None,
        }
    }

    fn visible(viewer: &Viewer) -> Sql {
        listing::visible_to(viewer, "communities.is_public", "communities.audience")
    }

    fn load<'a>(rows: Rows<Selection<Self>>, conn: &'a mut AsyncPgConnection) -> Loaded<'a, CommunityRow> {
        rows.load(conn).boxed()
    }

    fn load_per_parent<'a>(
        rows: PerParent<Rows<Selection<Self>>>,
        conn: &'a mut AsyncPgConnection,
    ) -> Loaded<'a, (Uuid, CommunityRow)> {
        rows.load(conn).boxed()
    }
}

/// The condition that a community is about one of the topics or a narrower one, as far as the viewer sees them.
fn about(topics: Sql, viewer: &Viewer) -> Sql {
    // SQL: the family by topic_parents_parent, its communities by community_topics_topic.
    Sql::new("communities.id IN (SELECT c.community_id FROM topic_family(")
        .append(topics)
        .push(", ")
        .append(listing::atoms(viewer))
        .push(") f JOIN community_topics c ON c.topic_id = f.id)")
}

impl Stored for Communities {
    type Record = CommunityRecord;

    const KEY: &'static str = "communities.key";

    fn lines<'a>(
        conn: &'a mut AsyncPgConnection,
        viewer: &'a Viewer,
        rows: Vec<CommunityRow>,
    ) -> Lines<'a, CommunityRecord> {
        line::lines(conn, viewer, rows).boxed()
    }

    fn save<'a>(
        tx: &'a mut Tx,
        id: Uuid,
        line: &'a Line<CommunityRecord>,
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

/// Writes a community from a line of the transfer format.
async fn save(
    tx: &mut Tx,
    id: Uuid,
    line: &Line<CommunityRecord>,
    hash: Option<&str>,
    keys: &Keys,
) -> Result<(), Fault> {
    let doing = |error: diesel::result::Error| Fault::database("writing a community", error);
    // All of it is compared, whatever whoever writes it sees.
    let viewer = Viewer::system("writing");
    let old = listing::by_ids::<Communities>(tx.conn(), &viewer, vec![id]).await?.remove(&id);
    let before = match &old {
        Some(row) => line::lines(tx.conn(), &viewer, vec![row.clone()]).await?.pop(),
        None => None,
    };
    let mut row = line::row_of(id, line, keys)?;
    row.import_hash = hash.map(str::to_owned);
    row.updated_at = tx.now();
    row.created_at = old.as_ref().map_or(tx.now(), |row| row.created_at);
    row.version = old.as_ref().map_or(1, |row| row.version.saturating_add(1));
    let managed_before = old.as_ref().and_then(|row| row.managed_by);
    node::require_manager(tx, old.is_none(), managed_before, row.managed_by)?;
    let owners = Owners::of_community(id, row.managed_by);
    let audience_before = old.as_ref().map(|row| row.audience.as_slice());
    let writing = Writing { kind: NodeKind::Community, id, audience_before, owners: &owners, slug: Some(&row.slug) };
    node::require_write(tx, writing).await?;
    let old_texts = old.as_ref().map(|row| row.texts()).unwrap_or_default();
    match &old {
        None => diesel::insert_into(communities::table).values(&row).execute(tx.conn()).await.map_err(doing)?,
        Some(_) => diesel::update(communities::table.find(id)).set(&row).execute(tx.conn()).await.map_err(doing)?,
    };
    if managed_before != row.managed_by {
        item::store::due::follow_community(tx, id).await?;
    }
    let topics = node::ids_of(keys, NodeKind::Topic, &line.record.topics)?;
    let mut concerned =
        node::replace_pairs(tx.conn(), "community_topics", "community_id", "topic_id", id, topics.clone()).await?;
    concerned.extend(topics);
    let saved = Saved {
        id,
        before: before.as_ref(),
        texts_before: old_texts,
        texts_after: row.texts(),
        after: line,
        slug: Some(&row.slug),
        communities: vec![id],
        topics: concerned,
        is_publication: false,
    };
    node::keep(tx, saved).await
}
