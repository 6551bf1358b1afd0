//! One page of an ordered list: where it starts, which way it goes, and the SQL for both.

use std::ops::RangeInclusive;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::db::statement::Sql;
use crate::text::language::{LanguageTag, Languages};
use crate::text::texts::Texts;

/// The years that PostgreSQL can hold as a day and as a moment, from 4712 BC on.
const YEARS: RangeInclusive<i32> = -4711..=200_000;

/// Which way a list runs. Nulls come last both ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// From the least to the greatest.
    Ascending,
    /// From the greatest to the least.
    Descending,
}

/// The value of one sort column for one row; the same kinds as [`SortColumn`] has.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SortKey {
    /// A text, compared under the root collation of ICU.
    Text(Option<String>),
    /// A day.
    Date(Option<NaiveDate>),
    /// A moment, with the database's microseconds.
    Time(DateTime<Utc>),
    /// A whole number.
    Number(i32),
}

impl SortKey {
    /// The text of a row as the reader is served it; twin of [`crate::db::listing::served`].
    pub fn served(texts: Option<&Texts>, original: &LanguageTag, languages: &Languages) -> Self {
        let served = texts.and_then(|texts| texts.look_up(languages, original));
        Self::Text(served.map(|served| served.text.to_owned()))
    }
}

/// Where a row stands in an order: its sort keys, then its id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// One key for each sort column.
    pub keys: Vec<SortKey>,
    /// The row's id, which decides among equals.
    pub id: Uuid,
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Page {
    /// How many rows at the most.
    pub size: i64,
    /// True when the page is the end of the list (or what comes before a place), not its start.
    pub backward: bool,
    /// Rows after this place only.
    pub after: Option<Place>,
    /// Rows before this place only.
    pub before: Option<Place>,
}

/// A column, or an expression, that a list is sorted by.
#[derive(Clone, Debug)]
pub struct SortColumn {
    /// The expression, with its collation where it is text.
    pub sql: Sql,
    kind: KeyKind,
    nullable: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyKind {
    Text,
    Date,
    Time,
    Number,
}

impl SortColumn {
    /// A text that every row has, with its collation.
    pub fn text(sql: Sql) -> Self {
        Self { sql, kind: KeyKind::Text, nullable: false }
    }

    /// A text that may be null, with its collation.
    pub fn nullable_text(sql: Sql) -> Self {
        Self { sql, kind: KeyKind::Text, nullable: true }
    }

    /// A day that may be null.
    pub fn nullable_date(sql: Sql) -> Self {
        Self { sql, kind: KeyKind::Date, nullable: true }
    }

    /// A moment that every row has.
    pub fn time(sql: Sql) -> Self {
        Self { sql, kind: KeyKind::Time, nullable: false }
    }

    /// A whole number that every row has.
    pub fn number(sql: Sql) -> Self {
        Self { sql, kind: KeyKind::Number, nullable: false }
    }

    /// Whether a key, which may come from a forged cursor, can stand for a value of the column.
    pub fn fits(&self, key: &SortKey) -> bool {
        match key {
            SortKey::Text(Some(text)) => self.kind == KeyKind::Text && !text.contains('\0'),
            SortKey::Date(Some(day)) => self.kind == KeyKind::Date && YEARS.contains(&day.year()),
            SortKey::Text(None) => self.kind == KeyKind::Text && self.nullable,
            SortKey::Date(None) => self.kind == KeyKind::Date && self.nullable,
            SortKey::Number(_) => self.kind == KeyKind::Number,
            SortKey::Time(moment) => self.kind == KeyKind::Time && YEARS.contains(&moment.year()),
        }
    }
}

/// ORDER BY and LIMIT for a page. One row more than the page is asked for, which tells whether there is more.
pub fn order(columns: &[SortColumn], id: &'static str, direction: Direction, page: &Page) -> Sql {
    let ascending = (direction == Direction::Ascending) != page.backward;
    let word = if ascending { " ASC" } else { " DESC" };
    // Nulls are last in reading order, so they are first when the list is read from its end.
    let nulls = if page.backward { " NULLS FIRST" } else { " NULLS LAST" };
    let mut sql = Sql::new(" ORDER BY ");
    for column in columns {
        sql = sql.append(column.sql.clone()).push(word);
        if column.nullable {
            sql = sql.push(nulls);
        }
        sql = sql.push(", ");
    }
    sql.push(id).push(word).limit(page.size.saturating_add(1))
}

/// The condition that keeps the rows between the page's places; null when there is none.
pub fn between(columns: &[SortColumn], id: &'static str, direction: Direction, page: &Page) -> Option<Sql> {
    let after = page.after.as_ref().map(|place| beyond(columns, id, direction == Direction::Ascending, true, place));
    let before = page.before.as_ref().map(|place| beyond(columns, id, direction != Direction::Ascending, false, place));
    match (after, before) {
        (Some(after), Some(before)) => Some(Sql::new("(").append(after).push(")").and(before)),
        (after, before) => after.or(before),
    }
}

/// `(a, b, id)` lies beyond the place: a beyond, or a equal and b beyond, or both equal and id beyond.
/// `greater` says which way the values go, `nulls_beyond` whether nulls lie that way (they end every list).
fn beyond(columns: &[SortColumn], id: &'static str, greater: bool, nulls_beyond: bool, place: &Place) -> Sql {
    let sign = if greater { " > " } else { " < " };
    let values: Vec<Option<Sql>> = place.keys.iter().map(bound).collect();
    if columns.iter().all(|column| !column.nullable) {
        return row_comparison(columns, id, sign, values, place.id);
    }
    let mut equal = Sql::new("TRUE");
    let mut any = Sql::new("(");
    for (column, value) in columns.iter().zip(values) {
        let expression = column.sql.clone();
        let (further, same) = match value {
            Some(value) => {
                let mut further = expression.clone().push(sign).append(value.clone());
                if column.nullable && nulls_beyond {
                    further = further.push(" OR ").append(expression.clone()).push(" IS NULL");
                }
                (further, expression.push(" = ").append(value))
            }
            None if nulls_beyond => (Sql::new("FALSE"), expression.push(" IS NULL")),
            None => (expression.clone().push(" IS NOT NULL"), expression.push(" IS NULL")),
        };
        any = any.append(equal.clone()).and(further).push(") OR (");
        equal = equal.and(same);
    }
    any.append(equal).and(Sql::new(id).push(sign).uuid(place.id)).push(")")
}

/// `(a, b, id) > ($1, $2, $3)`: the same where nothing can be null, and an index range for the planner.
fn row_comparison(
    columns: &[SortColumn],
    id: &'static str,
    sign: &'static str,
    values: Vec<Option<Sql>>,
    place: Uuid,
) -> Sql {
    let mut left = Sql::new("(");
    let mut right = Sql::new("(");
    for (column, value) in columns.iter().zip(values) {
        left = left.append(column.sql.clone()).push(", ");
        right = right.append(value.unwrap_or_else(|| Sql::new("NULL"))).push(", ");
    }
    left.push(id).push(")").push(sign).append(right).uuid(place).push(")")
}

fn bound(key: &SortKey) -> Option<Sql> {
    match key {
        SortKey::Text(value) => value.as_ref().map(|text| Sql::default().text(text.clone())),
        SortKey::Date(value) => value.map(|day| Sql::default().date(day)),
        SortKey::Time(value) => Some(Sql::default().time(*value)),
        SortKey::Number(value) => Some(Sql::default().number(*value)),
    }
}
