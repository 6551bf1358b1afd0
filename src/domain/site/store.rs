//! The rows of sites, and how often each was served what.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::pg::Pg;
use diesel::sql_types::{Array, BigInt, Bool, Date, Nullable, Text, Uuid as SqlUuid};
use diesel::{Insertable, Queryable, Selectable};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt;
use uuid::Uuid;

use crate::db::audit::{Act, Deed};
use crate::db::coverage::TextColumn;
use crate::db::facets::{Dimension, Values};
use crate::db::listing::{self, Listed, Loaded, Selection};
use crate::db::log::{Audiences, Change, ChangeAction};
use crate::db::page::{SortColumn, SortKey};
use crate::db::per_parent::PerParent;
use crate::db::schema::sites;
use crate::db::statement::{Rows, Sql};
use crate::db::write::Tx;
use crate::domain::editing::{self, Target};
use crate::domain::permission;
use crate::domain::site::rules::{self, Days, Written};
use crate::error::{Code, Fault};
use crate::policy::{Action, NodeKind, On, Subject, Viewer};
use crate::text::language::Languages;
use crate::text::messages::Message;

/// A website that shows the hub's listings.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = sites, check_for_backend(Pg))]
pub struct SiteRow {
    /// The row.
    pub id: Uuid,
    /// The organization for which it is registered; null: it is for a community.
    pub organization_id: Option<Uuid>,
    /// The community for which it is registered; null: it is for an organization.
    pub community_id: Option<Uuid>,
    /// What it is called.
    pub name: String,
    /// The origins of its pages.
    pub origins: Vec<String>,
    /// The names of the listings that it may show; empty: every one.
    pub listings: Vec<String>,
    /// How often it was written.
    pub version: i32,
    /// When it was registered.
    pub created_at: DateTime<Utc>,
}

impl SiteRow {
    /// For what it is registered.
    fn on(&self) -> Result<On, Fault> {
        let organization = self.organization_id.map(On::Organization);
        let on = organization.or(self.community_id.map(On::Community));
        on.ok_or_else(|| Fault::internal("reading a site", "it is for nothing"))
    }
}

/// Sites, listed by what they are registered for, in the order in which they were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sites;

/// What a list of sites hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SitesOf {
    /// The organization.
    Organization,
    /// The community.
    Community,
}

/// What sites are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::AsRefStr)]
pub enum SiteOrder {
    /// When they were registered.
    Registered,
}

/// Nothing narrows a list of sites.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, serde::Serialize)]
pub struct SiteFilter;

impl Listed for Sites {
    type Row = SiteRow;
    type Filter = SiteFilter;
    type Order = SiteOrder;
    type Of = SitesOf;

    const TABLE: &'static str = "sites";
    const ID: &'static str = "sites.id";
    const TEXTS: &'static [TextColumn] = &[];

    fn condition(SiteFilter: &SiteFilter, _viewer: &Viewer) -> Sql {
        Sql::new("TRUE")
    }

    fn hangs_on(of: SitesOf, _viewer: &Viewer) -> Sql {
        match of {
            SitesOf::Organization => Sql::new("sites.organization_id = parent.id"),
            SitesOf::Community => Sql::new("sites.community_id = parent.id"),
        }
    }

    fn columns(order: SiteOrder, _languages: &Languages) -> Vec<SortColumn> {
        match order {
            // Ids ascend in the order in which they were registered.
            SiteOrder::Registered => Vec::new(),
        }
    }

    fn keys(_row: &SiteRow, order: SiteOrder, _languages: &Languages) -> Vec<SortKey> {
        match order {
            SiteOrder::Registered => Vec::new(),
        }
    }

    fn id(row: &SiteRow) -> Uuid {
        row.id
    }

    fn read_bytes(row: &SiteRow) -> usize {
        let texts = row.origins.iter().chain(&row.listings).chain(std::iter::once(&row.name));
        texts.map(String::len).sum()
    }

    fn values(_by: Dimension, _viewer: &Viewer) -> Option<Values> {
        None
    }

    /// Twin of `policy::can` for reading sites.
    fn visible(viewer: &Viewer) -> Sql {
        match viewer {
            Viewer::System(_) => Sql::new("TRUE"),
            Viewer::Known(identity) if identity.runs_the_hub() => Sql::new("TRUE"),
            Viewer::Known(identity) => {
                let organizations: Vec<Uuid> = identity.administers().collect();
                Sql::new("(sites.community_id = ANY (")
                    .uuids(identity.coordinates().collect())
                    .push(") OR sites.organization_id = ANY (")
                    .uuids(organizations.clone())
                    .push(") OR sites.community_id IN (SELECT c.id FROM communities c WHERE c.managed_by = ANY (")
                    .uuids(organizations)
                    .push(")))")
            }
            Viewer::Anonymous => Sql::new("FALSE"),
        }
    }

    fn load<'a>(rows: Rows<Selection<Self>>, conn: &'a mut AsyncPgConnection) -> Loaded<'a, SiteRow> {
        rows.load(conn).boxed()
    }

    fn load_per_parent<'a>(
        rows: PerParent<Rows<Selection<Self>>>,
        conn: &'a mut AsyncPgConnection,
    ) -> Loaded<'a, (Uuid, SiteRow)> {
        rows.load(conn).boxed()
    }
}

/// Registers a site for an organization or a community, by those who run or manage it.
pub async fn register(tx: &mut Tx, on: On, written: Written) -> Result<Uuid, Fault> {
    permission::require_known(tx).await?;
    let owner = Owner::of(tx, on).await?.filter(|owner| !owner.is_retired);
    let owner = owner.ok_or_else(|| permission::absent().of_field("on"))?;
    let allowed = permission::allow(&tx.viewer(), Action::Write, owner.subject());
    allowed.map_err(|fault| if fault.code() == Code::NotFound { fault.of_field("on") } else { fault })?;
    let written = rules::check(written)?;
    let (organization_id, community_id) = match on {
        On::Organization(id) => (Some(id), None),
        On::Community(id) => (None, Some(id)),
        On::Hub => return Err(permission::absent().of_field("on")),
    };
    let row = SiteRow {
        id: tx.new_id(),
        organization_id,
        community_id,
        name: written.name.unwrap_or_default(),
        origins: written.origins.unwrap_or_default(),
        listings: written.listings.unwrap_or_default(),
        version: 1,
        created_at: tx.now(),
    };
    let doing = |error: diesel::result::Error| Fault::database("registering a site", error);
    diesel::insert_into(sites::table).values(&row).execute(tx.conn()).await.map_err(doing)?;
    tell(tx, Deed::Created, row.id, Vec::new(), &owner);
    Ok(row.id)
}

/// Changes a site, by those who run or manage what it is registered for. A change that changes nothing writes nothing.
pub async fn edit(tx: &mut Tx, target: Target, written: Written) -> Result<Uuid, Fault> {
    let (row, owner) = open(tx, target.id).await?;
    editing::require_version(target, row.version)?;
    let Written { name, origins, listings } = rules::check(written)?;
    let name = name.unwrap_or_else(|| row.name.clone());
    let origins = origins.unwrap_or_else(|| row.origins.clone());
    let listings = listings.unwrap_or_else(|| row.listings.clone());
    let changed =
        [("name", name != row.name), ("origins", origins != row.origins), ("listings", listings != row.listings)];
    let fields: Vec<String> =
        changed.into_iter().filter(|(_, is_changed)| *is_changed).map(|(field, _)| field.to_owned()).collect();
    if fields.is_empty() {
        return Ok(row.id);
    }
    // SQL: by primary key.
    Sql::new("UPDATE sites SET version = version + 1, name = ")
        .text(name)
        .push(", origins = ")
        .texts(origins)
        .push(", listings = ")
        .texts(listings)
        .push(" WHERE id = ")
        .uuid(row.id)
        .returning::<()>()
        .execute(tx.conn())
        .await
        .map_err(|error| Fault::database("changing a site", error))?;
    tell(tx, Deed::Updated, row.id, fields, &owner);
    Ok(row.id)
}

/// Removes a site, with what was counted of it.
pub async fn remove(tx: &mut Tx, id: Uuid) -> Result<Uuid, Fault> {
    let (row, owner) = open(tx, id).await?;
    // SQL: by primary key.
    Sql::new("DELETE FROM sites WHERE id = ")
        .uuid(row.id)
        .returning::<()>()
        .execute(tx.conn())
        .await
        .map_err(|error| Fault::database("removing a site", error))?;
    tell(tx, Deed::Ended, row.id, Vec::new(), &owner);
    Ok(row.id)
}

/// A site for somebody who may write it; nobody else writes it before the transaction ends.
async fn open(tx: &mut Tx, id: Uuid) -> Result<(SiteRow, Owner), Fault> {
    permission::require_known(tx).await?;
    let viewer = tx.viewer();
    // SQL: by primary key. Nobody holds up what they do not see.
    Sql::new("SELECT 1 FROM sites WHERE id = ")
        .uuid(id)
        .and(Sites::visible(&viewer))
        .push(" FOR UPDATE")
        .returning::<()>()
        .execute(tx.conn())
        .await
        .map_err(|error| Fault::database("opening a site", error))?;
    let row = listing::by_ids::<Sites>(tx.conn(), &viewer, vec![id]).await?.remove(&id);
    let row = row.ok_or_else(permission::absent)?;
    let owner = Owner::of(tx, row.on()?).await?.ok_or_else(permission::absent)?;
    permission::allow(&viewer, Action::Write, owner.subject())?;
    Ok((row, owner))
}

/// What a site is registered for.
struct Owner {
    on: On,
    managed_by: Option<Uuid>,
    audience: Vec<String>,
    is_retired: bool,
}

impl Owner {
    async fn of(tx: &mut Tx, on: On) -> Result<Option<Self>, Fault> {
        type Row = (Vec<String>, Option<Uuid>, bool);
        let sql = match on {
            // SQL: by primary key.
            On::Organization(id) => {
                Sql::new("SELECT audience, NULL::uuid, retired FROM organizations WHERE id = ").uuid(id)
            }
            // SQL: by primary key.
            On::Community(id) => Sql::new("SELECT audience, managed_by, retired FROM communities WHERE id = ").uuid(id),
            On::Hub => return Ok(None),
        };
        let rows: Vec<Row> = sql
            .returning::<(Array<Text>, Nullable<SqlUuid>, Bool)>()
            .load(tx.conn())
            .await
            .map_err(|error| Fault::database("looking for what a site is for", error))?;
        let owner = |(audience, managed_by, is_retired)| Self { on, managed_by, audience, is_retired };
        Ok(rows.into_iter().next().map(owner))
    }

    fn subject(&self) -> Subject<'_> {
        Subject::Sites { on: self.on, managed_by: self.managed_by, audience: &self.audience }
    }
}

/// Remembers what was done to a site: in the audit, and in the change log for those who run what it is registered for. Whoever
/// keeps what a site may show notices by the log's position, and nobody else is told.
fn tell(tx: &mut Tx, deed: Deed, site: Uuid, fields: Vec<String>, owner: &Owner) {
    tx.note(Act { deed, kind: "SITE", subject: Some(site), fields, person: None });
    let (kind, node_id, atom, communities) = match owner.on {
        On::Organization(id) => (NodeKind::Organization, id, format!("admin:{id}"), Vec::new()),
        On::Community(id) => (NodeKind::Community, id, format!("coordinator:{id}"), vec![id]),
        // No site is registered for the hub.
        On::Hub => return,
    };
    let manager = owner.managed_by.map(|id| format!("admin:{id}"));
    let mut audience: Vec<String> = manager.into_iter().chain(std::iter::once(atom)).collect();
    audience.sort();
    tx.record(Change {
        action: ChangeAction::Updated,
        kind,
        node_id,
        fields: vec!["sites".to_owned()],
        communities,
        topics: Vec::new(),
        languages: Vec::new(),
        audiences: Some(Audiences { before: audience.clone(), after: audience }),
    });
}

/// What a site may do, as far as whoever serves it listings has to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The origins of its pages.
    pub origins: Vec<String>,
    /// The names of the listings that it may show; empty: every one.
    pub listings: Vec<String>,
}

/// The terms of a site; null: there is none of this id. For anybody who knows the id: it stands in the pages of the site, and
/// everybody who loads a listing for it is told its origins by a header anyway.
pub async fn terms(conn: &mut AsyncPgConnection, _viewer: &Viewer, id: Uuid) -> Result<Option<Terms>, Fault> {
    // SQL: by primary key.
    let rows: Vec<(Vec<String>, Vec<String>)> = Sql::new("SELECT origins, listings FROM sites WHERE id = ")
        .uuid(id)
        .returning::<(Array<Text>, Array<Text>)>()
        .load(conn)
        .await
        .map_err(|error| Fault::database("reading the terms of a site", error))?;
    Ok(rows.into_iter().next().map(|(origins, listings)| Terms { origins, listings }))
}

/// How often a site was served a listing on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UseRow {
    /// The day, in UTC.
    pub day: NaiveDate,
    /// The name of the listing.
    pub listing: String,
    /// How often.
    pub count: i64,
}

/// How often sites were served what in a span of days, as far as the viewer sees the sites: the earliest first, then by the name
/// of the listing.
pub async fn uses(
    conn: &mut AsyncPgConnection,
    viewer: &Viewer,
    days: Days,
    of: Vec<Uuid>,
) -> Result<HashMap<Uuid, Vec<UseRow>>, Fault> {
    // SQL: by the primary keys of both tables.
    let rows: Vec<(Uuid, NaiveDate, String, i64)> = Sql::new(
        "SELECT u.site_id, u.day, u.listing, u.use_count FROM site_uses u JOIN sites ON sites.id = u.site_id \
         WHERE u.site_id = ANY (",
    )
    .keys(of)
    .push(") AND u.day BETWEEN ")
    .date(days.first)
    .push(" AND ")
    .date(days.last)
    .and(Sites::visible(viewer))
    .push(" ORDER BY u.site_id, u.day, u.listing COLLATE \"C\"")
    .returning::<(SqlUuid, Date, Text, BigInt)>()
    .load(conn)
    .await
    .map_err(|error| Fault::database("reading the uses of sites", error))?;
    let mut found: HashMap<Uuid, Vec<UseRow>> = HashMap::new();
    for (site, day, listing, count) in rows {
        found.entry(site).or_default().push(UseRow { day, listing, count });
    }
    Ok(found)
}

/// Something that a site was served, to be counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The site.
    pub site: Uuid,
    /// The day, in UTC.
    pub day: NaiveDate,
    /// The name of the listing.
    pub listing: String,
    /// How often.
    pub count: i64,
}

/// Adds to what is counted of sites, in one statement; those that are no longer there are left out. By the hub itself alone. It
/// stands in no log: nobody follows it, and nothing that is kept depends on it.
pub async fn count_uses(conn: &mut AsyncPgConnection, viewer: &Viewer, uses: Vec<Use>) -> Result<(), Fault> {
    match viewer {
        Viewer::System(_) => {}
        Viewer::Anonymous | Viewer::Known(_) => {
            return Err(Fault::new(Code::Forbidden, Message::new("write-forbidden")));
        }
    }
    if uses.is_empty() {
        return Ok(());
    }
    let sites: Vec<Uuid> = uses.iter().map(|used| used.site).collect();
    // SQL: by primary keys. The sites are locked in the order of their ids, so that none goes away meanwhile, and the counts are
    // written in the order of their key, so that processes that count at once wait for each other instead of for ever.
    Sql::new("WITH there AS (SELECT id FROM sites WHERE id = ANY (")
        .uuids(sites.clone())
        .push(
            ") ORDER BY id FOR KEY SHARE) \
             INSERT INTO site_uses AS kept (site_id, day, listing, use_count) \
             SELECT u.site, u.day::date, u.listing, sum(u.number::bigint)::bigint FROM unnest(",
        )
        .uuids(sites)
        .push(", ")
        .texts(uses.iter().map(|used| used.day.to_string()))
        .push(", ")
        .texts(uses.iter().map(|used| used.listing.as_str()))
        .push(", ")
        .texts(uses.iter().map(|used| used.count.to_string()))
        .push(
            ") AS u (site, day, listing, number) JOIN there ON there.id = u.site GROUP BY 1, 2, 3 ORDER BY 1, 2, 3 \
             ON CONFLICT (site_id, day, listing) DO UPDATE SET use_count = kept.use_count + excluded.use_count",
        )
        .returning::<()>()
        .execute(conn)
        .await
        .map(|_| ())
        .map_err(|error| Fault::database("counting the uses of sites", error))
}
