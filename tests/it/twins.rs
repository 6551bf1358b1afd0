//! What is decided twice, in Rust and in SQL, is decided alike.

use diesel::sql_types::{Bool, Nullable, Text};
use diesel_async::RunQueryDsl;
use knowledge_hub::db::dates::{self, DateRange};
use knowledge_hub::db::statement::Sql;
use knowledge_hub::text::imprecise_date::ImpreciseDate;
use knowledge_hub::text::language::{LanguageTag, Languages};
use knowledge_hub::text::texts::Texts;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::support;

const TAGS: [&str; 17] = [
    "en",
    "en-CA",
    "en-GB",
    "fr",
    "fr-CA",
    "fr-Latn-CA",
    "iu",
    "iu-Cans",
    "zh-Hant-TW",
    "zh-Hans",
    "de-x-a-b",
    "de-1996",
    "x-a",
    "x-b",
    "i-klingon",
    "i-lux",
    "x-a-bee",
];

const CASES: usize = 400;

fn tag(text: &str) -> LanguageTag {
    LanguageTag::parse(text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_is_served_alike_by_the_database_and_the_program() {
    let db = support::database("empty", 1).await;
    let mut conn = db.connection().await.unwrap();
    let some = |size| proptest::sample::subsequence(TAGS.to_vec(), size).prop_shuffle();
    let one = || proptest::sample::select(TAGS.to_vec());
    let strategy = (some(0..=5), some(0..=4), one(), one());
    let mut runner = TestRunner::deterministic();
    for _ in 0..CASES {
        let (held, wanted, original, default) = strategy.new_tree(&mut runner).unwrap().current();
        let mut texts = Texts::default();
        for language in &held {
            texts = texts.with(tag(language), format!("in {language}"));
        }
        let languages = Languages::new(wanted.iter().copied().map(tag).collect(), tag(default));
        let here = texts.look_up(&languages, &tag(original)).map(|served| served.text.to_owned());
        let there: Option<String> = Sql::new("SELECT served_text(")
            .text(serde_json::to_string(&texts).unwrap())
            .push("::jsonb, ")
            .texts(wanted.iter().copied())
            .push(", ")
            .text(original)
            .push(", ")
            .text(default)
            .push(")")
            .returning::<Nullable<Text>>()
            .get_result(&mut conn)
            .await
            .unwrap();
        assert_eq!(there, here, "{held:?} for {wanted:?}, original {original}, default {default}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vague_date_lies_in_a_range_alike_in_the_database_and_the_program() {
    let db = support::database("empty", 1).await;
    let mut conn = db.connection().await.unwrap();
    let dates =
        ["2018", "2018-04", "2018-04-15", "2022-24", "2017/..", "../2019", "2010/2012", "201X", "2023-12~", "/2018"];
    let days = [None, Some("2012-06-30"), Some("2018-04-15"), Some("2018-12-31"), Some("2022-02-28")];
    for edtf in dates {
        let date = ImpreciseDate::new(Some(edtf), None).unwrap();
        for from in days {
            for to in days {
                for certain in [false, true] {
                    let day = |text: Option<&str>| text.map(|text| text.parse::<chrono::NaiveDate>().unwrap());
                    let range = DateRange { from: day(from), to: day(to), certain };
                    let here = if certain {
                        date.certainly_within(range.from, range.to)
                    } else {
                        date.may_overlap(range.from, range.to)
                    };
                    let bound = |day: Option<chrono::NaiveDate>| match day {
                        Some(day) => Sql::default().date(day),
                        None => Sql::new("NULL::date"),
                    };
                    let there: bool = Sql::new("SELECT count(*) > 0 FROM (SELECT ")
                        .append(bound(date.earliest()))
                        .push(" AS earliest, ")
                        .append(bound(date.latest()))
                        .push(" AS latest) AS d WHERE ")
                        .append(dates::within("d.earliest", "d.latest", &range))
                        .returning::<Bool>()
                        .get_result(&mut conn)
                        .await
                        .unwrap();
                    assert_eq!(there, here, "{edtf} in {range:?}");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_and_accents_fold_away() {
    let db = support::database("empty", 1).await;
    let mut conn = db.connection().await.unwrap();
    for (text, folded) in
        [("RÉSOT", "resot"), ("Œuvre", "oeuvre"), ("Ḧ", "h"), ("Çà et Là", "ca et la"), ("ΣΊΣΥΦΟΣ", "σισυφος")]
    {
        let found: String =
            Sql::new("SELECT fold(").text(text).push(")").returning::<Text>().get_result(&mut conn).await.unwrap();
        assert_eq!(found, folded, "{text}");
    }
}
