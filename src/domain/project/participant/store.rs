//! The rows of people who work in projects. One is as visible as the person lets their projects be.

use std::collections::HashMap;

use diesel::pg::Pg;
use diesel::{ExpressionMethods, Insertable, QueryDsl, Queryable, Selectable, SelectableHelper};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt;
use uuid::Uuid;

use crate::db::column::Word;
use crate::db::coverage::TextColumn;
use crate::db::facets::{Dimension, Values};
use crate::db::listing::{Listed, Loaded, Selection};
use crate::db::page::{SortColumn, SortKey};
use crate::db::per_parent::PerParent;
use crate::db::schema::project_people;
use crate::db::statement::{Rows, Sql};
use crate::db::write::Tx;
use crate::domain::person;
use crate::domain::person::record::PersonField;
use crate::domain::project::record::ProjectRole;
use crate::error::Fault;
use crate::policy::Viewer;
use crate::text::language::Languages;

/// Somebody who works in a project.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = project_people, check_for_backend(Pg))]
pub struct ParticipantRow {
    /// The row; ids of a project ascend in its own order.
    pub id: Uuid,
    /// The project.
    pub project_id: Uuid,
    /// The person.
    pub person_id: Uuid,
    /// What the person does in it.
    pub role: Word<ProjectRole>,
}

/// People in projects, listed by project in its own order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Participants;

/// What a list of them hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ParticipantsOf {
    /// The project.
    Project,
}

/// What they are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::AsRefStr)]
pub enum ParticipantOrder {
    /// The project's own order.
    Position,
}

/// What a list of them is narrowed by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, serde::Serialize)]
pub struct ParticipantFilter {
    /// Those with one of these roles.
    pub roles: Option<Vec<String>>,
}

impl Listed for Participants {
    type Row = ParticipantRow;
    type Filter = ParticipantFilter;
    type Order = ParticipantOrder;
    type Of = ParticipantsOf;

    const TABLE: &'static str = "project_people";
    const ID: &'static str = "project_people.id";
    const TEXTS: &'static [TextColumn] = &[];

    fn condition(filter: &ParticipantFilter, _viewer: &Viewer) -> Sql {
        match &filter.roles {
            None => Sql::new("TRUE"),
            Some(roles) => Sql::new("project_people.role = ANY (").texts(roles.clone()).push(")"),
        }
    }

    fn hangs_on(of: ParticipantsOf, _viewer: &Viewer) -> Sql {
        match of {
            ParticipantsOf::Project => Sql::new("project_people.project_id = parent.id"),
        }
    }

    fn columns(order: ParticipantOrder, _languages: &Languages) -> Vec<SortColumn> {
        match order {
            // Ids ascend in the project's own order.
            ParticipantOrder::Position => Vec::new(),
        }
    }

    fn keys(_row: &ParticipantRow, order: ParticipantOrder, _languages: &Languages) -> Vec<SortKey> {
        match order {
            ParticipantOrder::Position => Vec::new(),
        }
    }

    fn id(row: &ParticipantRow) -> Uuid {
        row.id
    }

    fn values(_by: Dimension, _viewer: &Viewer) -> Option<Values> {
        None
    }

    fn visible(viewer: &Viewer) -> Sql {
        // SQL: the person by primary key.
        Sql::new("EXISTS (SELECT 1 FROM people WHERE people.id = project_people.person_id")
            .and(person::store::visible_with(PersonField::Projects, viewer))
            .push(")")
    }

    fn load<'a>(rows: Rows<Selection<Self>>, conn: &'a mut AsyncPgConnection) -> Loaded<'a, ParticipantRow> {
        rows.load(conn).boxed()
    }

    fn load_per_parent<'a>(
        rows: PerParent<Rows<Selection<Self>>>,
        conn: &'a mut AsyncPgConnection,
    ) -> Loaded<'a, (Uuid, ParticipantRow)> {
        rows.load(conn).boxed()
    }
}

/// Puts these people in the place of those who worked in a project.
pub async fn replace(tx: &mut Tx, project_id: Uuid, people: Vec<(Uuid, ProjectRole)>) -> Result<(), Fault> {
    let doing = |error: diesel::result::Error| Fault::database("writing who works in a project", error);
    let old = project_people::table.filter(project_people::project_id.eq(project_id));
    diesel::delete(old).execute(tx.conn()).await.map_err(doing)?;
    let mut rows = Vec::new();
    for (person_id, role) in people {
        rows.push(ParticipantRow { id: tx.new_id(), project_id, person_id, role: Word(role) });
    }
    diesel::insert_into(project_people::table).values(rows).execute(tx.conn()).await.map(|_| ()).map_err(doing)
}

/// Who works in many projects, for the hub itself: comparing and exporting.
pub async fn of_projects(
    conn: &mut AsyncPgConnection,
    viewer: &Viewer,
    projects: Vec<Uuid>,
) -> Result<HashMap<Uuid, Vec<ParticipantRow>>, Fault> {
    let rows = Rows {
        selection: ParticipantRow::as_select(),
        table: Participants::TABLE,
        condition: Participants::visible(viewer)
            .and(Sql::new("project_people.project_id = ANY (").uuids(projects).push(")")),
        order: Sql::new(" ORDER BY project_people.id"),
    };
    let found: Vec<ParticipantRow> =
        rows.load(conn).await.map_err(|error| Fault::database("reading who works in projects", error))?;
    let mut grouped: HashMap<Uuid, Vec<ParticipantRow>> = HashMap::new();
    for row in found {
        grouped.entry(row.project_id).or_default().push(row);
    }
    Ok(grouped)
}
