//! SQL text with bound values, executed as cached prepared statements.
//!
//! `diesel::sql_query` and `diesel::dsl::sql` are never cached as prepared statements, which costs 0.1–0.5 ms of
//! planning at every execution; what is built here is cached by its text. Values are always bound, never spliced.

use std::marker::PhantomData;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types;
use uuid::Uuid;

/// A piece of SQL with the values bound in it.
#[derive(Clone, Debug, Default)]
pub struct Sql {
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    Text(&'static str),
    Limit(i64),
    BindUuid(Uuid),
    BindUuidOrNull(Option<Uuid>),
    BindBytes(Vec<u8>),
    BindUuids(Vec<Uuid>),
    BindText(String),
    BindTexts(Vec<String>),
    BindDate(NaiveDate),
    BindTime(DateTime<Utc>),
    BindTimeOrNull(Option<DateTime<Utc>>),
    BindNumber(i32),
}

impl Sql {
    /// Starts with a piece of text.
    pub fn new(text: &'static str) -> Self {
        Self::default().push(text)
    }

    /// Adds a piece of text.
    pub fn push(mut self, text: &'static str) -> Self {
        self.parts.push(Part::Text(text));
        self
    }

    /// Adds another piece with its values.
    pub fn append(mut self, other: Self) -> Self {
        self.parts.extend(other.parts);
        self
    }

    /// Requires a further condition.
    pub fn and(self, condition: Self) -> Self {
        self.push(" AND (").append(condition).push(")")
    }

    /// Adds a limit as a literal, so that the planner knows it.
    pub fn limit(mut self, rows: i64) -> Self {
        self.parts.push(Part::Limit(rows));
        self
    }

    /// Binds an id.
    pub fn uuid(mut self, value: Uuid) -> Self {
        self.parts.push(Part::BindUuid(value));
        self
    }

    /// Binds an id, or none.
    pub fn uuid_or_null(mut self, value: Option<Uuid>) -> Self {
        self.parts.push(Part::BindUuidOrNull(value));
        self
    }

    /// Binds bytes.
    pub fn bytes(mut self, value: Vec<u8>) -> Self {
        self.parts.push(Part::BindBytes(value));
        self
    }

    /// Binds a list of ids.
    pub fn uuids(mut self, value: Vec<Uuid>) -> Self {
        self.parts.push(Part::BindUuids(value));
        self
    }

    /// Binds the keys of a loader. The planner is not told how many they are: it would make a plan at every execution, as
    /// the plan for a few keys looks cheaper than the one for any number, and planning costs more than reading them.
    pub fn keys(self, value: Vec<Uuid>) -> Self {
        self.push("(SELECT ").uuids(value).push(")::uuid[]")
    }

    /// Binds a text.
    pub fn text(mut self, value: impl Into<String>) -> Self {
        self.parts.push(Part::BindText(value.into()));
        self
    }

    /// Binds a list of texts.
    pub fn texts(mut self, value: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.parts.push(Part::BindTexts(value.into_iter().map(Into::into).collect()));
        self
    }

    /// Binds a day.
    pub fn date(mut self, value: NaiveDate) -> Self {
        self.parts.push(Part::BindDate(value));
        self
    }

    /// Binds a moment.
    pub fn time(mut self, value: DateTime<Utc>) -> Self {
        self.parts.push(Part::BindTime(value));
        self
    }

    /// Binds a moment, or none.
    pub fn time_or_null(mut self, value: Option<DateTime<Utc>>) -> Self {
        self.parts.push(Part::BindTimeOrNull(value));
        self
    }

    /// Binds a whole number.
    pub fn number(mut self, value: i32) -> Self {
        self.parts.push(Part::BindNumber(value));
        self
    }

    /// The whole as a statement that returns rows of the given SQL types (`()` for none).
    pub fn returning<ST>(self) -> Statement<ST> {
        Statement { sql: self, types: PhantomData }
    }

    fn walk<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_sql(text),
                Part::Limit(rows) => out.push_sql(&format!(" LIMIT {rows}")),
                Part::BindUuid(value) => out.push_bind_param::<sql_types::Uuid, _>(value)?,
                Part::BindUuidOrNull(value) => {
                    out.push_bind_param::<sql_types::Nullable<sql_types::Uuid>, _>(value)?;
                }
                Part::BindBytes(value) => out.push_bind_param::<sql_types::Binary, _>(value)?,
                Part::BindUuids(value) => out.push_bind_param::<sql_types::Array<sql_types::Uuid>, _>(value)?,
                Part::BindText(value) => out.push_bind_param::<sql_types::Text, _>(value)?,
                Part::BindTexts(value) => out.push_bind_param::<sql_types::Array<sql_types::Text>, _>(value)?,
                Part::BindDate(value) => out.push_bind_param::<sql_types::Date, _>(value)?,
                Part::BindNumber(value) => out.push_bind_param::<sql_types::Integer, _>(value)?,
                Part::BindTime(value) => out.push_bind_param::<sql_types::Timestamptz, _>(value)?,
                Part::BindTimeOrNull(value) => {
                    out.push_bind_param::<sql_types::Nullable<sql_types::Timestamptz>, _>(value)?;
                }
            }
        }
        Ok(())
    }
}

/// A statement written out in SQL.
#[derive(Clone, Debug)]
pub struct Statement<ST> {
    sql: Sql,
    types: PhantomData<ST>,
}

impl<ST> QueryFragment<Pg> for Statement<ST> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.sql.walk(&mut out)
    }
}

impl<ST> QueryId for Statement<ST> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<ST> Query for Statement<ST> {
    type SqlType = ST;
}

/// Rows of one table: typed columns, and a condition and order in SQL.
#[derive(Clone, Debug)]
pub struct Rows<S> {
    /// The columns, from a row type's `as_select()`.
    pub selection: S,
    /// The table's name.
    pub table: &'static str,
    /// What follows WHERE.
    pub condition: Sql,
    /// ORDER BY and LIMIT, or nothing.
    pub order: Sql,
}

impl<S: QueryFragment<Pg>> QueryFragment<Pg> for Rows<S> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT ");
        self.selection.walk_ast(out.reborrow())?;
        out.push_sql(" FROM ");
        out.push_sql(self.table);
        out.push_sql(" WHERE ");
        self.condition.walk(&mut out)?;
        self.order.walk(&mut out)
    }
}

impl<S> QueryId for Rows<S> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<S: diesel::expression::Expression> Query for Rows<S> {
    type SqlType = S::SqlType;
}
