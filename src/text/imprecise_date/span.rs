//! Which days an EDTF notation can mean.

use chrono::NaiveDate;

use super::super::messages::{Message, excerpt};
use super::{Qualifier, ordered};

/// The days that a notation can mean.
pub(super) struct Span {
    pub(super) earliest: Option<NaiveDate>,
    pub(super) latest: Option<NaiveDate>,
    pub(super) qualifier: Qualifier,
}

/// Why a notation is refused.
pub(super) enum Refusal {
    IllFormed,
    YearTooFar,
    Backwards,
}

impl Span {
    /// Reads a date or an interval.
    pub(super) fn read(text: &str) -> Result<Self, Refusal> {
        match text.split_once('/') {
            Some((start, end)) => interval(start, end),
            None => date(text),
        }
    }
}

impl Refusal {
    pub(super) fn message(self, text: &str) -> Message {
        match self {
            Self::IllFormed => Message::new("date-ill-formed").with("text", excerpt(text)),
            Self::YearTooFar => Message::new("date-year-too-far").with("text", excerpt(text)),
            Self::Backwards => Message::new("date-backwards").with("text", excerpt(text)),
        }
    }
}

fn interval(start: &str, end: &str) -> Result<Span, Refusal> {
    let start = interval_end(start)?;
    let end = interval_end(end)?;
    let (earliest, latest) = (start.earliest, end.latest);
    if earliest.is_none() && latest.is_none() {
        // `../..` and its like date nothing.
        return Err(Refusal::IllFormed);
    }
    if !ordered(earliest, latest) {
        return Err(Refusal::Backwards);
    }
    Ok(Span { earliest, latest, qualifier: start.qualifier.and(end.qualifier) })
}

fn interval_end(text: &str) -> Result<Span, Refusal> {
    match text {
        // Open (`..`) and unknown (nothing) both set no bound.
        "" | ".." => Ok(Span { earliest: None, latest: None, qualifier: Qualifier::None }),
        text => date(text),
    }
}

fn date(text: &str) -> Result<Span, Refusal> {
    let (digits, qualifier) = split_qualifier(text);
    let (earliest, latest) = match digits.strip_prefix('Y') {
        Some(year) => long_year(year)?,
        None => days(digits).ok_or(Refusal::IllFormed)?,
    };
    Ok(Span { earliest: Some(earliest), latest: Some(latest), qualifier })
}

fn split_qualifier(text: &str) -> (&str, Qualifier) {
    if let Some(rest) = text.strip_suffix('?') {
        (rest, Qualifier::Uncertain)
    } else if let Some(rest) = text.strip_suffix('~') {
        (rest, Qualifier::Approximate)
    } else if let Some(rest) = text.strip_suffix('%') {
        (rest, Qualifier::Both)
    } else {
        (text, Qualifier::None)
    }
}

/// The first and last day of what follows `Y`: a year of five digits or more.
fn long_year(text: &str) -> Result<(NaiveDate, NaiveDate), Refusal> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number || digits.len() < 5 || digits.starts_with('0') {
        return Err(Refusal::IllFormed);
    }
    // The sign belongs to the number; a number that does not fit is too far, too.
    let year: i32 = text.parse().map_err(|_| Refusal::YearTooFar)?;
    whole_years(year, year).ok_or(Refusal::YearTooFar)
}

/// The first and last day of a date without qualifier and `Y`, None if it is ill-formed.
fn days(text: &str) -> Option<(NaiveDate, NaiveDate)> {
    let (is_negative, unsigned) = match text.strip_prefix('-') {
        Some(unsigned) => (true, unsigned),
        None => (false, text),
    };
    let mut parts = unsigned.split('-');
    let (year, month, day) = (parts.next()?, parts.next(), parts.next());
    if parts.next().is_some() {
        return None;
    }
    let (first_year, last_year) = years(year, is_negative)?;
    let Some(month) = month else {
        return whole_years(first_year, last_year);
    };
    if first_year != last_year {
        // A month of an unspecified year is level 2.
        return None;
    }
    match (month, day) {
        ("XX", None | Some("XX")) => whole_years(first_year, last_year),
        (month, None) => month_or_season(first_year, digits(month, 2)?),
        (month, Some("XX")) => whole_month(first_year, digits(month, 2)?),
        (month, Some(day)) => {
            let day = NaiveDate::from_ymd_opt(first_year, digits(month, 2)?, digits(day, 2)?)?;
            Some((day, day))
        }
    }
}

/// The first and last year of `2018`, `201X` or `20XX`. `-0000` is refused: there is one year 0.
fn years(text: &str, is_negative: bool) -> Option<(i32, i32)> {
    let (lowest, highest) = if let Some(century) = text.strip_suffix("XX") {
        let hundreds = digits(century, 2)?;
        (hundreds * 100, hundreds * 100 + 99)
    } else if let Some(decade) = text.strip_suffix('X') {
        let tens = digits(decade, 3)?;
        (tens * 10, tens * 10 + 9)
    } else {
        let year = digits(text, 4)?;
        (year, year)
    };
    let (lowest, highest) = (i32::try_from(lowest).ok()?, i32::try_from(highest).ok()?);
    match (is_negative, highest) {
        (false, _) => Some((lowest, highest)),
        (true, 0) => None,
        (true, _) => Some((-highest, -lowest)),
    }
}

fn whole_years(first: i32, last: i32) -> Option<(NaiveDate, NaiveDate)> {
    let earliest = NaiveDate::from_ymd_opt(first, 1, 1)?;
    let latest = NaiveDate::from_ymd_opt(last, 12, 31)?;
    Some((earliest, latest))
}

fn month_or_season(year: i32, number: u32) -> Option<(NaiveDate, NaiveDate)> {
    match number {
        21 => months(year, 3, year, 5),
        22 => months(year, 6, year, 8),
        23 => months(year, 9, year, 11),
        24 => months(year - 1, 12, year, 2),
        month => whole_month(year, month),
    }
}

fn whole_month(year: i32, month: u32) -> Option<(NaiveDate, NaiveDate)> {
    months(year, month, year, month)
}

/// The first day of the first month and the last day of the last.
fn months(first_year: i32, first_month: u32, last_year: i32, last_month: u32) -> Option<(NaiveDate, NaiveDate)> {
    let earliest = NaiveDate::from_ymd_opt(first_year, first_month, 1)?;
    let (next_year, next_month) = match last_month {
        12 => (last_year + 1, 1),
        month => (last_year, month + 1),
    };
    let latest = NaiveDate::from_ymd_opt(next_year, next_month, 1)?.pred_opt()?;
    Some((earliest, latest))
}

/// The number that exactly `count` ASCII digits say.
fn digits(text: &str, count: usize) -> Option<u32> {
    let is_number = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Edtf;
    use super::*;

    /// Earliest and latest in ISO notation, `..` where there is none.
    fn span(text: &str) -> String {
        let edtf = Edtf::parse(text).unwrap_or_else(|message| panic!("{message}"));
        assert_eq!(edtf.text(), text);
        let show = |day: Option<NaiveDate>| day.map_or("..".to_owned(), |day| day.to_string());
        format!("{} {}", show(edtf.earliest()), show(edtf.latest()))
    }

    fn refusal(text: &str) -> &'static str {
        let message = Edtf::parse(text).expect_err(text);
        message.id()
    }

    #[test]
    fn dates_span_the_days_they_name() {
        assert_eq!(span("1985-04-12"), "1985-04-12 1985-04-12");
        assert_eq!(span("1985-04"), "1985-04-01 1985-04-30");
        assert_eq!(span("1985-12"), "1985-12-01 1985-12-31");
        assert_eq!(span("2004-02"), "2004-02-01 2004-02-29");
        assert_eq!(span("1985"), "1985-01-01 1985-12-31");
        assert_eq!(span("0000"), "0000-01-01 0000-12-31");
        assert_eq!(span("9999"), "9999-01-01 9999-12-31");
        assert_eq!(span("-9999"), "-9999-01-01 -9999-12-31");
        assert_eq!(span("-0044-03-15"), "-0044-03-15 -0044-03-15");
    }

    #[test]
    fn seasons_span_their_three_months() {
        assert_eq!(span("2001-21"), "2001-03-01 2001-05-31");
        assert_eq!(span("2001-22"), "2001-06-01 2001-08-31");
        assert_eq!(span("2001-23"), "2001-09-01 2001-11-30");
        assert_eq!(span("2001-24"), "2000-12-01 2001-02-28");
        assert_eq!(span("2004-24"), "2003-12-01 2004-02-29");
        assert_eq!(span("1900-24"), "1899-12-01 1900-02-28");
    }

    #[test]
    fn unspecified_digits_span_what_they_may_be() {
        assert_eq!(span("201X"), "2010-01-01 2019-12-31");
        assert_eq!(span("20XX"), "2000-01-01 2099-12-31");
        assert_eq!(span("-201X"), "-2019-01-01 -2010-12-31");
        assert_eq!(span("2004-XX"), "2004-01-01 2004-12-31");
        assert_eq!(span("1985-04-XX"), "1985-04-01 1985-04-30");
        assert_eq!(span("1985-XX-XX"), "1985-01-01 1985-12-31");
    }

    #[test]
    fn long_years_reach_as_far_as_the_calendar() {
        assert_eq!(span("Y17000"), "+17000-01-01 +17000-12-31");
        assert_eq!(span("Y-17000~"), "-17000-01-01 -17000-12-31");
        assert_eq!(span("Y262142"), "+262142-01-01 +262142-12-31");
        assert_eq!(span("Y-262143"), "-262143-01-01 -262143-12-31");
        for text in ["Y262143", "Y-262144", "Y170000002", "Y99999999999999999999"] {
            assert_eq!(refusal(text), "date-year-too-far", "{text}");
        }
        for text in ["Y", "Y-", "Y2018", "Y02018", "Y--17000", "Y+17000", "Y17000-01", "y17000"] {
            assert_eq!(refusal(text), "date-ill-formed", "{text}");
        }
    }

    #[test]
    fn intervals_reach_from_the_first_day_to_the_last() {
        assert_eq!(span("1964/2008"), "1964-01-01 2008-12-31");
        assert_eq!(span("2004-06/2006-08"), "2004-06-01 2006-08-31");
        assert_eq!(span("2004-06/2004"), "2004-06-01 2004-12-31");
        assert_eq!(span("2004-24/201X"), "2003-12-01 2019-12-31");
        assert_eq!(span("2019/.."), "2019-01-01 ..");
        assert_eq!(span("2019/"), "2019-01-01 ..");
        assert_eq!(span("../2019"), ".. 2019-12-31");
        assert_eq!(span("/2019-02"), ".. 2019-02-28");
        for text in ["2008/1964", "2004-02-02/2004-02-01", "2020/201X"] {
            assert_eq!(refusal(text), "date-backwards", "{text}");
        }
        for text in ["/", "../..", "../", "/..", "2004/2005/2006", "2004/x", "2004/...", "2004-"] {
            assert_eq!(refusal(text), "date-ill-formed", "{text}");
        }
    }

    #[test]
    fn a_qualifier_does_not_widen() {
        for (text, qualifier) in [
            ("1984", Qualifier::None),
            ("1984?", Qualifier::Uncertain),
            ("1984~", Qualifier::Approximate),
            ("1984%", Qualifier::Both),
        ] {
            assert_eq!(Edtf::parse(text).unwrap().qualifier(), qualifier);
            assert_eq!(span(text), "1984-01-01 1984-12-31");
        }
        for (text, qualifier) in [
            ("1984~/2004-06", Qualifier::Approximate),
            ("1984/2004-06?", Qualifier::Uncertain),
            ("1984~/2004-06?", Qualifier::Both),
            ("1984%/2004~", Qualifier::Both),
            ("1984~/..", Qualifier::Approximate),
        ] {
            assert_eq!(Edtf::parse(text).unwrap().qualifier(), qualifier, "{text}");
        }
        assert_eq!(span("2004-06-11%"), "2004-06-11 2004-06-11");
        assert_eq!(span("2001-21~"), "2001-03-01 2001-05-31");
    }

    #[test]
    fn times_and_other_notations_are_refused() {
        for text in [
            "",
            " 2018",
            "2018 ",
            "18",
            "02018",
            "2018-4",
            "2018-13",
            "2018-00",
            "2018-20",
            "2018-25",
            "2018-02-29",
            "2018-04-31",
            "2018-04-00",
            "20180430",
            "2018/04/30",
            "2018-04-30T10:00:00Z",
            "-0000",
            "+2018",
            "--2018",
            "2XXX",
            "XXXX",
            "201x",
            "201X-04",
            "2018-XX-04",
            "2018-0X",
            "2018-04-0X",
            "2018-21-XX",
            "2018-21-01",
            "2018-41",
            "2018?~",
            "?2018",
            "2018-?04",
            "?",
            "2018-04-30-01",
            "{2018,2019}",
            "[2018..2019]",
            "2018..2019",
            "1950S2",
            "about 2018",
            "２０１８",
        ] {
            assert_eq!(refusal(text), "date-ill-formed", "{text}");
        }
        assert_eq!(refusal(&"2".repeat(41)), "date-ill-formed");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in ".*") {
            match Edtf::parse(&text) {
                Ok(edtf) => prop_assert_eq!(edtf.text(), text),
                Err(message) => prop_assert!(message.id().starts_with("date-")),
            }
        }

        #[test]
        fn the_earliest_day_never_comes_after_the_latest(
            text in "(Y?-?[0-9]{2,6}X{0,2}(-[0-2X][0-9X]){0,2}[?~%]?/?){1,2}(\\.\\.)?",
        ) {
            if let Ok(edtf) = Edtf::parse(&text) {
                prop_assert!(ordered(edtf.earliest(), edtf.latest()));
                prop_assert!(edtf.earliest().is_some() || edtf.latest().is_some());
                prop_assert_eq!(edtf.text(), text);
            }
        }
    }
}
