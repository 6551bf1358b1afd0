//! The rows of grants: who holds which right where, from when until when.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::sql_types::{Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{Queryable, Selectable};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt;
use uuid::Uuid;

use crate::db::audit::{Act, Deed};
use crate::db::column::Word;
use crate::db::coverage::TextColumn;
use crate::db::due;
use crate::db::facets::{Dimension, Values};
use crate::db::listing::{self, Listed, Loaded, Selection};
use crate::db::page::{SortColumn, SortKey};
use crate::db::per_parent::PerParent;
use crate::db::schema::grants;
use crate::db::statement::{Rows, Sql};
use crate::db::write::Tx;
use crate::domain::account::{rights, rules};
use crate::domain::permission;
use crate::error::Fault;
use crate::policy::{Action, Credential, Grant, Identity, On, Right, Subject, Viewer};
use crate::text::language::Languages;
use crate::text::messages::Message;

/// A right that an account has, had or is to have.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = grants, check_for_backend(Pg))]
pub struct GrantRow {
    /// The row.
    pub id: Uuid,
    /// Who holds it.
    pub account_id: Uuid,
    /// The right.
    pub held_right: Word<Right>,
    /// The organization on which it holds.
    pub organization_id: Option<Uuid>,
    /// The community on which it holds; neither: the whole hub.
    pub community_id: Option<Uuid>,
    /// The membership that it follows from; null: somebody gave it.
    pub membership_id: Option<Uuid>,
    /// From when it holds.
    pub starts_at: DateTime<Utc>,
    /// Until when; null: until somebody ends it.
    pub ends_at: Option<DateTime<Utc>>,
    /// Whether it holds now.
    pub holds: bool,
    /// Who gave it; null: the hub itself, or an account that is gone.
    pub granted_by: Option<Uuid>,
}

impl GrantRow {
    /// The right and where it holds.
    pub fn grant(&self) -> Grant {
        Grant { right: self.held_right.0, on: on(self.organization_id, self.community_id) }
    }
}

/// Grants, listed by account or by what they hold on, in the order in which they were given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Grants;

/// What a list of grants hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GrantsOf {
    /// The account that holds them.
    Account,
    /// The organization on which they hold.
    Organization,
    /// The community on which they hold.
    Community,
}

/// What grants are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::AsRefStr)]
pub enum GrantOrder {
    /// When they were given.
    Given,
}

/// What a list of grants is narrowed by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, serde::Serialize)]
pub struct GrantFilter {
    /// Those that hold now, or do not.
    pub holds: Option<bool>,
}

impl Listed for Grants {
    type Row = GrantRow;
    type Filter = GrantFilter;
    type Order = GrantOrder;
    type Of = GrantsOf;

    const TABLE: &'static str = "grants";
    const ID: &'static str = "grants.id";
    const TEXTS: &'static [TextColumn] = &[];

    fn condition(filter: &GrantFilter, _viewer: &Viewer) -> Sql {
        match filter.holds {
            None => Sql::new("TRUE"),
            Some(true) => Sql::new("grants.holds"),
            Some(false) => Sql::new("NOT grants.holds"),
        }
    }

    fn hangs_on(of: GrantsOf, _viewer: &Viewer) -> Sql {
        match of {
            GrantsOf::Account => Sql::new("grants.account_id = parent.id"),
            GrantsOf::Organization => Sql::new("grants.organization_id = parent.id"),
            GrantsOf::Community => Sql::new("grants.community_id = parent.id"),
        }
    }

    fn columns(order: GrantOrder, _languages: &Languages) -> Vec<SortColumn> {
        match order {
            // Ids ascend in the order in which they were given.
            GrantOrder::Given => Vec::new(),
        }
    }

    fn keys(_row: &GrantRow, order: GrantOrder, _languages: &Languages) -> Vec<SortKey> {
        match order {
            GrantOrder::Given => Vec::new(),
        }
    }

    fn id(row: &GrantRow) -> Uuid {
        row.id
    }

    fn values(_by: Dimension, _viewer: &Viewer) -> Option<Values> {
        None
    }

    /// Twin of `policy::can` for reading grants.
    fn visible(viewer: &Viewer) -> Sql {
        let Some(identity) = viewer.identity() else {
            return match viewer {
                Viewer::System(_) => Sql::new("TRUE"),
                Viewer::Anonymous | Viewer::Known(_) => Sql::new("FALSE"),
            };
        };
        if identity.runs_the_hub() {
            return Sql::new("TRUE");
        }
        let organizations: Vec<Uuid> = identity.administers().collect();
        let own = Some(identity.account()).filter(|_| identity.is_unlimited());
        Sql::new("(grants.account_id = ")
            .uuid_or_null(own)
            .push(" OR grants.community_id = ANY (")
            .uuids(identity.coordinates().collect())
            .push(") OR grants.organization_id = ANY (")
            .uuids(organizations.clone())
            .push(") OR grants.community_id IN (SELECT c.id FROM communities c WHERE c.managed_by = ANY (")
            .uuids(organizations)
            .push(")))")
    }

    fn load<'a>(rows: Rows<Selection<Self>>, conn: &'a mut AsyncPgConnection) -> Loaded<'a, GrantRow> {
        rows.load(conn).boxed()
    }

    fn load_per_parent<'a>(
        rows: PerParent<Rows<Selection<Self>>>,
        conn: &'a mut AsyncPgConnection,
    ) -> Loaded<'a, (Uuid, GrantRow)> {
        rows.load(conn).boxed()
    }
}

/// The rights that an account holds now; for the hub itself.
pub async fn holding(conn: &mut AsyncPgConnection, account: Uuid) -> Result<Vec<Grant>, Fault> {
    type Row = (String, Option<Uuid>, Option<Uuid>);
    // SQL: by grants_account.
    let rows: Vec<Row> =
        Sql::new("SELECT held_right, organization_id, community_id FROM grants WHERE holds AND account_id = ")
            .uuid(account)
            .push(" ORDER BY id")
            .returning::<(Text, Nullable<SqlUuid>, Nullable<SqlUuid>)>()
            .load(conn)
            .await
            .map_err(|error| Fault::database("reading rights", error))?;
    let read = |(right, organization, community): Row| {
        let right = right.parse().map_err(|_| Fault::internal("reading rights", &right))?;
        Ok(Grant { right, on: on(organization, community) })
    };
    rows.into_iter().map(read).collect()
}

fn on(organization: Option<Uuid>, community: Option<Uuid>) -> On {
    match (organization, community) {
        (Some(id), _) => On::Organization(id),
        (None, Some(id)) => On::Community(id),
        (None, None) => On::Hub,
    }
}

/// A right that is to be given.
#[derive(Clone, Debug)]
pub struct NewGrant {
    /// To whom.
    pub account: Uuid,
    /// The right, and where it is to hold.
    pub grant: Grant,
    /// From when; null: from now on.
    pub starts_at: Option<DateTime<Utc>>,
    /// Until when; null: until somebody ends it.
    pub ends_at: Option<DateTime<Utc>>,
}

/// Gives a right. Whoever gives it on for a time of their own gives it for no longer.
pub async fn give(tx: &mut Tx, new: NewGrant) -> Result<GrantRow, Fault> {
    let NewGrant { account, grant, starts_at, ends_at } = new;
    let managed_by = manager_of(tx, grant.on).await?;
    permission::require(tx, Action::Write, Subject::Grant { grant, of: account, managed_by }).await?;
    if !grant.exists() {
        let message = Message::new("grant-unfit").with("right", grant.right.as_ref());
        return Err(Fault::bad_input(message).of_field("right"));
    }
    let (starts_at, ends_at) = rules::check_times(starts_at, ends_at, tx.now())?;
    if let Some(own_end) = own_end(tx, grant.on, managed_by).await? {
        rules::check_no_longer(ends_at, own_end)?;
    }
    let id = tx.new_id();
    let (organization_id, community_id) = match grant.on {
        On::Hub => (None, None),
        On::Organization(id) => (Some(id), None),
        On::Community(id) => (None, Some(id)),
    };
    let holds = starts_at <= tx.now();
    let granted_by = tx.viewer().identity().map(Identity::account);
    // SQL: one row.
    let given = Sql::new("INSERT INTO grants (id, account_id, held_right, organization_id, community_id, starts_at, ends_at, holds, granted_by) SELECT ")
        .uuid(id)
        .push(", a.id, ")
        .text(grant.right.as_ref())
        .push(", ")
        .uuid_or_null(organization_id)
        .push(", ")
        .uuid_or_null(community_id)
        .push(", ")
        .time(starts_at)
        .push(", ")
        .time_or_null(ends_at)
        .push(if holds { ", TRUE, " } else { ", FALSE, " })
        .uuid_or_null(granted_by)
        .push(" FROM accounts a WHERE a.id = ")
        .uuid(account)
        .returning::<()>()
        .execute(tx.conn())
        .await
        .map_err(|error| Fault::database("giving a right", error))?;
    if given == 0 {
        return Err(permission::absent().of_field("account"));
    }
    let due_id = tx.new_id();
    due::keep_grant(tx.conn(), id, if holds { ends_at } else { Some(starts_at) }, due_id).await?;
    note(tx, Deed::Created, id, grant, account).await?;
    rights::settle(tx, vec![account]).await?;
    Ok(GrantRow {
        id,
        account_id: account,
        held_right: Word(grant.right),
        organization_id,
        community_id,
        membership_id: None,
        starts_at,
        ends_at,
        holds,
        granted_by,
    })
}

/// Ends a right now, or takes back one that was to come. One that follows from a membership ends with that alone.
pub async fn end(tx: &mut Tx, id: Uuid) -> Result<GrantRow, Fault> {
    permission::renew(tx).await?;
    let viewer = tx.viewer();
    let row = listing::by_ids::<Grants>(tx.conn(), &viewer, vec![id]).await?.remove(&id);
    let row = row.ok_or_else(permission::absent)?;
    let managed_by = manager_of(tx, row.grant().on).await?;
    let subject = Subject::Grant { grant: row.grant(), of: row.account_id, managed_by };
    permission::allow(&viewer, Action::Write, subject)?;
    rules::check_may_end(row.membership_id.is_some(), row.ends_at, tx.now())?;
    let ends_at = tx.now().max(row.starts_at);
    // SQL: by primary key.
    Sql::new("UPDATE grants SET holds = FALSE, ends_at = ")
        .time(ends_at)
        .push(" WHERE id = ")
        .uuid(id)
        .returning::<()>()
        .execute(tx.conn())
        .await
        .map_err(|error| Fault::database("ending a right", error))?;
    let due_id = tx.new_id();
    due::keep_grant(tx.conn(), id, None, due_id).await?;
    note(tx, Deed::Ended, id, row.grant(), row.account_id).await?;
    rights::settle(tx, vec![row.account_id]).await?;
    Ok(GrantRow { holds: false, ends_at: Some(ends_at), ..row })
}

/// The organization that manages what rights are on; null: none does.
async fn manager_of(tx: &mut Tx, on: On) -> Result<Option<Uuid>, Fault> {
    let On::Community(community) = on else { return Ok(None) };
    // SQL: by primary key.
    let managers: Vec<Option<Uuid>> = Sql::new("SELECT managed_by FROM communities WHERE id = ")
        .uuid(community)
        .returning::<Nullable<SqlUuid>>()
        .load(tx.conn())
        .await
        .map_err(|error| Fault::database("looking for who manages a community", error))?;
    Ok(managers.into_iter().next().flatten())
}

/// When the right ends by which the transaction's viewer gives others there, or the token does by which they are known; null:
/// neither does, or the hub itself gives them.
async fn own_end(tx: &mut Tx, on: On, managed_by: Option<Uuid>) -> Result<Option<DateTime<Utc>>, Fault> {
    let viewer = tx.viewer();
    let Some(identity) = viewer.identity() else { return Ok(None) };
    let (right, id) = match on {
        On::Hub => (Right::Administrator, None),
        On::Organization(id) => (Right::Administrator, Some(id)),
        On::Community(id) => (Right::Coordinator, Some(id)),
    };
    // SQL: by grants_account. Nulls come first in descending order: one without an end is the longest.
    let ends: Vec<Option<DateTime<Utc>>> = Sql::new("SELECT ends_at FROM grants WHERE holds AND account_id = ")
        .uuid(identity.account())
        .push(
            " AND (held_right = 'ADMINISTRATOR' AND organization_id IS NULL AND community_id IS NULL OR held_right = ",
        )
        .text(right.as_ref())
        .push(" AND coalesce(organization_id, community_id) = ")
        .uuid_or_null(id)
        .push(" OR held_right = 'ADMINISTRATOR' AND organization_id = ")
        .uuid_or_null(managed_by)
        .push(") ORDER BY ends_at DESC")
        .limit(1)
        .returning::<Nullable<Timestamptz>>()
        .load(tx.conn())
        .await
        .map_err(|error| Fault::database("reading rights", error))?;
    let own = ends.into_iter().next().ok_or_else(permission::absent)?;
    let token = match identity.credential() {
        // A token that reaches all of its account may make others that last longer; one that does not may not.
        Credential::Token(token) if !identity.is_unlimited() => {
            // SQL: by primary key.
            let sql = Sql::new("SELECT expires_at FROM tokens WHERE id = ").uuid(token).returning::<Timestamptz>();
            let ends: Vec<DateTime<Utc>> =
                sql.load(tx.conn()).await.map_err(|error| Fault::database("reading a token", error))?;
            ends.into_iter().next()
        }
        Credential::Token(_) | Credential::Session(_) => None,
    };
    Ok([own, token].into_iter().flatten().min())
}

async fn note(tx: &mut Tx, deed: Deed, id: Uuid, grant: Grant, account: Uuid) -> Result<(), Fault> {
    // SQL: by primary key.
    let person: Vec<Option<Uuid>> = Sql::new("SELECT person_id FROM accounts WHERE id = ")
        .uuid(account)
        .returning::<Nullable<SqlUuid>>()
        .load(tx.conn())
        .await
        .map_err(|error| Fault::database("looking at an account", error))?;
    let fields = vec![grant.right.as_ref().to_lowercase()];
    let person = person.into_iter().next().flatten();
    tx.note(Act { deed, kind: "GRANT", subject: Some(id), fields, person });
    Ok(())
}
