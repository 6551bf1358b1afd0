//! "Between" for imprecise dates in SQL. Twin of `ImpreciseDate::may_overlap` and `certainly_within`.

use chrono::NaiveDate;
use serde::Serialize;

use crate::db::statement::Sql;

/// A span of days to search in; a missing end is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct DateRange {
    /// The first day.
    pub from: Option<NaiveDate>,
    /// The last day.
    pub to: Option<NaiveDate>,
    /// True: only what lies inside for certain. False: whatever may overlap.
    pub certain: bool,
}

/// The condition that the period from `earliest` to `latest` (two columns) lies in the range.
/// A period with neither bound never does.
pub fn within(earliest: &'static str, latest: &'static str, range: &DateRange) -> Sql {
    let mut sql = Sql::new("(").push(earliest).push(" IS NOT NULL OR ").push(latest).push(" IS NOT NULL)");
    let (first, last) = if range.certain { (earliest, latest) } else { (latest, earliest) };
    for (column, sign, day) in [(first, " >= ", range.from), (last, " <= ", range.to)] {
        if let Some(day) = day {
            let mut condition = Sql::new(column).push(sign).date(day);
            if !range.certain {
                condition = condition.push(" OR ").push(column).push(" IS NULL");
            }
            sql = sql.and(condition);
        }
    }
    sql
}
