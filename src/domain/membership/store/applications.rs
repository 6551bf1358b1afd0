//! The rows of applications: what somebody sent who wants to join, and what came of it.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::{AsChangeset, Insertable, Queryable, Selectable};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt;
use serde::Serialize;
use strum::{AsRefStr, EnumMessage, EnumString, VariantArray};
use uuid::Uuid;

use crate::db::column::{Json, Word};
use crate::db::coverage::TextColumn;
use crate::db::facets::{Dimension, Values};
use crate::db::listing::{self, Listed, Loaded, Selection};
use crate::db::page::{SortColumn, SortKey};
use crate::db::per_parent::PerParent;
use crate::db::schema::applications;
use crate::db::statement::{Rows, Sql};
use crate::domain::membership::record::{Answer, MembershipStatus, MembershipTier};
use crate::domain::person::record::PersonField;
use crate::domain::person::store::{People, field_visible};
use crate::error::Fault;
use crate::policy::Viewer;
use crate::text::language::{LanguageTag, Languages};
use crate::text::texts::Texts;
use crate::text::vocabulary::Vocabulary;

/// Where an application stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, AsRefStr, EnumString, EnumMessage, VariantArray)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum ApplicationStatus {
    /// Not decided yet.
    Pending,
    /// On the waiting list.
    Waiting,
    /// Accepted.
    Accepted,
    /// Refused.
    Refused,
    /// Taken back by whoever sent it, or overtaken by an invitation.
    Withdrawn,
}

impl Vocabulary for ApplicationStatus {
    const NAME: &'static str = "ApplicationStatus";
    const ABOUT: &'static str = "Where an application stands.";
}

/// Why an application was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, AsRefStr, EnumString, EnumMessage, VariantArray)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum RefusalReason {
    /// The community is for others.
    NotEligible,
    /// It has as many members as it can have, or as many from the region.
    Full,
    /// The answers do not say enough.
    Incomplete,
    /// The organization did not endorse it.
    NotEndorsed,
    /// Another reason, which the note says.
    Other,
}

impl Vocabulary for RefusalReason {
    const NAME: &'static str = "RefusalReason";
    const ABOUT: &'static str = "Why an application was refused.";
}

/// One application.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = applications, check_for_backend(Pg), treat_none_as_null = true)]
pub struct ApplicationRow {
    /// The row.
    pub id: Uuid,
    /// The membership that it is for.
    pub membership_id: Uuid,
    /// The community.
    pub community_id: Uuid,
    /// Who applies.
    pub person_id: Uuid,
    /// Who may see it.
    pub audience: Vec<String>,
    /// Where it stands.
    pub status: Word<ApplicationStatus>,
    /// The tier that it is for.
    pub tier: Word<MembershipTier>,
    /// The answers, each with its question.
    pub answers: Json<Vec<Answer>>,
    /// The version of the charter that was accepted; null: there was none.
    pub charter_version: Option<i32>,
    /// When it was sent.
    pub applied_at: DateTime<Utc>,
    /// The organization that is asked to endorse it; null: none.
    pub endorser_id: Option<Uuid>,
    /// When that endorsed it; null: not yet.
    pub endorsed_at: Option<DateTime<Utc>>,
    /// When it was decided; null: not yet.
    pub decided_at: Option<DateTime<Utc>>,
    /// Why it was refused; null: it was not.
    pub reason: Option<Word<RefusalReason>>,
    /// What the coordinators say to it; null: nothing.
    pub note: Option<Json<Texts>>,
    /// The language of the community, for readers whose languages the note and the questions do not have.
    pub original_language: Word<LanguageTag>,
}

/// Applications, listed by community, membership or the organization that is to endorse them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Applications;

/// What a list of applications hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ApplicationsOf {
    /// The community.
    Community,
    /// The membership.
    Membership,
    /// The organization that is asked for its endorsement.
    Endorser,
}

/// What applications are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, AsRefStr)]
pub enum ApplicationOrder {
    /// When it was sent.
    AppliedAt,
}

/// What a list of applications is narrowed by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct ApplicationFilter {
    /// Those that stand there.
    pub statuses: Option<Vec<String>>,
    /// Those for one of these tiers.
    pub tiers: Option<Vec<String>>,
    /// Those that were sent before this moment.
    pub applied_before: Option<DateTime<Utc>>,
    /// Those of people from one of these regions or countries, as far as the viewer sees where they are from.
    pub regions: Option<Vec<String>>,
    /// Those of people of one of these professions, as far as the viewer sees what they do.
    pub professions: Option<Vec<String>>,
}

impl Listed for Applications {
    type Row = ApplicationRow;
    type Filter = ApplicationFilter;
    type Order = ApplicationOrder;
    type Of = ApplicationsOf;

    const TABLE: &'static str = "applications";
    const ID: &'static str = "applications.id";
    const TEXTS: &'static [TextColumn] = &[];

    fn condition(filter: &ApplicationFilter, viewer: &Viewer) -> Sql {
        let mut sql = Sql::new("TRUE");
        for (start, words) in
            [("applications.status = ANY (", &filter.statuses), ("applications.tier = ANY (", &filter.tiers)]
        {
            if let Some(words) = words {
                sql = sql.and(Sql::new(start).texts(words.clone()).push(")"));
            }
        }
        if let Some(before) = filter.applied_before {
            sql = sql.and(Sql::new("applications.applied_at < ").time(before));
        }
        let of_people = [
            (PersonField::Region, "ARRAY[people.region, split_part(people.region, '-', 1)] && ", &filter.regions, ""),
            (PersonField::Profession, "people.profession = ANY (", &filter.professions, ")"),
        ];
        for (field, start, values, end) in of_people {
            if let Some(values) = values {
                // SQL: people by primary key.
                let people = Sql::new("applications.person_id IN (SELECT people.id FROM people WHERE ")
                    .append(Sql::new(start).texts(values.clone()).push(end))
                    .and(field_visible(field, viewer))
                    .and(People::visible(viewer));
                sql = sql.and(people.push(")"));
            }
        }
        sql
    }

    fn hangs_on(of: ApplicationsOf, _viewer: &Viewer) -> Sql {
        match of {
            ApplicationsOf::Community => Sql::new("applications.community_id = parent.id"),
            ApplicationsOf::Membership => Sql::new("applications.membership_id = parent.id"),
            ApplicationsOf::Endorser => Sql::new("applications.endorser_id = parent.id"),
        }
    }

    fn columns(order: ApplicationOrder, _languages: &Languages) -> Vec<SortColumn> {
        match order {
            ApplicationOrder::AppliedAt => vec![SortColumn::time(Sql::new("applications.applied_at"))],
        }
    }

    fn keys(row: &ApplicationRow, order: ApplicationOrder, _languages: &Languages) -> Vec<SortKey> {
        match order {
            ApplicationOrder::AppliedAt => vec![SortKey::Time(row.applied_at)],
        }
    }

    fn id(row: &ApplicationRow) -> Uuid {
        row.id
    }

    fn read_bytes(row: &ApplicationRow) -> usize {
        row.answers.read_bytes()
    }

    fn values(_by: Dimension, _viewer: &Viewer) -> Option<Values> {
        None
    }

    /// Twin of `policy::can` for reading endorsements: the audience and nobody else; it is never public.
    fn visible(viewer: &Viewer) -> Sql {
        listing::visible_to(viewer, "FALSE", "applications.audience")
    }

    fn load<'a>(rows: Rows<Selection<Self>>, conn: &'a mut AsyncPgConnection) -> Loaded<'a, ApplicationRow> {
        rows.load(conn).boxed()
    }

    fn load_per_parent<'a>(
        rows: PerParent<Rows<Selection<Self>>>,
        conn: &'a mut AsyncPgConnection,
    ) -> Loaded<'a, (Uuid, ApplicationRow)> {
        rows.load(conn).boxed()
    }
}

/// Closes an application that is still open for a membership that waits for no decision any more, whoever wrote it. What is
/// taken back is the person's own affair from then on.
pub async fn close_if_settled(
    conn: &mut AsyncPgConnection,
    membership: Uuid,
    status: MembershipStatus,
    is_retired: bool,
) -> Result<(), Fault> {
    let (closed, audience) = match (status, is_retired) {
        (MembershipStatus::Applied | MembershipStatus::Waiting, false) => return Ok(()),
        (MembershipStatus::Active, false) => ("ACCEPTED", "audience"),
        (MembershipStatus::Refused, false) => ("REFUSED", "audience"),
        (MembershipStatus::Invited | MembershipStatus::Ended, false) => ("WITHDRAWN", "audience"),
        (MembershipStatus::Withdrawn, false) | (_, true) => ("WITHDRAWN", "ARRAY['self:' || person_id]"),
    };
    // SQL: by applications_open.
    Sql::new("UPDATE applications SET status = ")
        .text(closed)
        .push(", audience = ")
        .push(audience)
        .push(" WHERE status IN ('PENDING', 'WAITING') AND membership_id = ")
        .uuid(membership)
        .returning::<()>()
        .execute(conn)
        .await
        .map(|_| ())
        .map_err(|error| Fault::database("closing an application", error))
}
