//! What the templates of listings say: sentences of the catalogues, texts with their language, dates, counts and addresses.
//!
//! A template finds who reads in its own values: `lang`, the language that is wanted, and `interface`, the one that the
//! catalogues have for it. Everything is escaped on its way into the page, here or by the engine.

use std::fmt::Write as _;

use chrono::{Datelike, NaiveDate};
use minijinja::value::{Kwargs, Serde};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, Value, escape_formatter};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use url::{Url, form_urlencoded};

use crate::http::files;
use crate::text::language::{LanguageTag, Languages};
use crate::text::messages::{self, Argument};

/// The longest name that a title repeats, in characters.
const MAX_NAME_CHARS: usize = 120;

/// Adds the words to an environment.
pub fn add_to(environment: &mut Environment<'_>) {
    environment.set_formatter(written);
    environment.add_function("t", sentence);
    environment.add_function("text", text);
    environment.add_function("mark", mark);
    environment.add_function("count", count);
    environment.add_function("as_of", as_of);
    environment.add_function("when", when);
    environment.add_function("address_of", address_of);
    environment.add_filter("day", day);
    environment.add_filter("word", word);
    environment.add_filter("plain", plain);
    environment.add_filter("web", web);
    environment.add_filter("mailto", mailto);
    environment.add_filter("source", source);
    environment.add_filter("language_name", language_name);
    environment.add_filter("number", number);
    environment.add_filter("forceescape", escaped);
}

/// Writes a value into a page. The engine's own way writes every slash of an address as five signs.
fn written(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    match (state.auto_escape(), value.as_str()) {
        (AutoEscape::Html, Some(text)) if !value.is_safe() => Ok(out.write_str(&files::escaped(text))?),
        _ => escape_formatter(out, state, value),
    }
}

/// Characters that say in which direction others run. In a title or an attribute nothing keeps what they do inside.
fn turns(char: char) -> bool {
    matches!(char, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text for places where no markup is possible: one line, without marks of direction, not over 120 characters.
pub fn plain(text: &str) -> String {
    let mut plain = String::new();
    for (count, char) in text.chars().filter(|char| !turns(*char)).enumerate() {
        if count == MAX_NAME_CHARS {
            plain.push('…');
            break;
        }
        plain.push(if char.is_control() { ' ' } else { char });
    }
    plain
}

/// An address of the web as it is; empty: it is none, or one that runs something.
pub fn web(address: Option<&str>) -> String {
    let parsed = address.and_then(|address| Url::parse(address).ok());
    let is_web = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    parsed.filter(is_web).map(String::from).unwrap_or_default()
}

/// The language that the catalogues have for a reader of `lang`.
pub fn interface_of(lang: &LanguageTag, default: &LanguageTag) -> LanguageTag {
    messages::language_for(&Languages::new(vec![lang.clone()], default.clone()))
}

/// A sentence of the catalogues in the language that a reader of `interface` understands.
pub fn say(id: &str, values: &[(String, Argument)], interface: &LanguageTag) -> Result<String, Error> {
    let languages = Languages::new(vec![interface.clone()], LanguageTag::english());
    let missing = || Error::new(ErrorKind::InvalidOperation, format!("no sentence {id} with these values"));
    messages::find(id, values, &languages).ok_or_else(missing)
}

/// `t("embed-verified", day=…)`.
fn sentence(state: &State<'_, '_>, id: &str, values: Kwargs) -> Result<String, Error> {
    let mut arguments = Vec::new();
    for name in values.args() {
        let value: Value = values.get(name)?;
        let argument = match i64::try_from(value.clone()) {
            Ok(number) if value.is_number() => Argument::Number(number),
            _ => Argument::Text(plain(value.as_str().unwrap_or_default())),
        };
        arguments.push((name.to_owned(), argument));
    }
    say(id, &arguments, &tag(state, "interface")?)
}

/// The language of a text of a node, and whether it is another than the reader's.
fn served(state: &State<'_, '_>, node: &Value, field: &str) -> Result<(String, bool), Error> {
    let wanted = tag(state, "lang")?;
    let other = |language: &str| (language.to_owned(), primary(language) != wanted.primary());
    for fallback in node.get_attr("fallbackFields")?.try_iter().into_iter().flatten() {
        if fallback.get_attr("field")?.as_str() == Some(if field == "displayName" { "name" } else { field }) {
            return Ok(other(fallback.get_attr("language")?.as_str().unwrap_or_default()));
        }
    }
    let is_name = matches!(field, "displayName" | "name" | "title");
    let language = node.get_attr("language")?;
    match language.as_str() {
        Some(language) if is_name => Ok(other(language)),
        // The hub's own words for something without a name.
        None if is_name && node.get_attr("displayNameIsEditorial")?.is_true() => {
            Ok((tag(state, "interface")?.to_string(), false))
        }
        _ => Ok((wanted.to_string(), false)),
    }
}

/// `text(node, "field")`, or with the most characters as third: the text as what has its own language and direction.
fn text(state: &State<'_, '_>, node: &Value, field: &str, most: Option<usize>) -> Result<Value, Error> {
    let value = at(node, field)?;
    let Some(text) = value.as_str() else { return Ok(Value::from("")) };
    let (language, _) = served(state, node, field)?;
    let mut html = String::from("<span dir=\"auto\"");
    let has_language = !node.get_attr("fallbackFields")?.is_undefined();
    if has_language && primary(&language) != tag(state, "interface")?.primary() {
        html.push_str(" lang=\"");
        escape(&mut html, &language);
        html.push('"');
    }
    html.push('>');
    match most.and_then(|most| text.char_indices().nth(most)) {
        Some((end, _)) => {
            escape(&mut html, text.get(..end).unwrap_or_default().trim_end());
            html.push('…');
        }
        None => escape(&mut html, text),
    }
    html.push_str("</span>");
    Ok(Value::from_safe_string(html))
}

/// `mark(node, "field")`: a small mark where a text is in another language than the reader's; else nothing.
fn mark(state: &State<'_, '_>, node: &Value, field: &str) -> Result<Value, Error> {
    let (language, is_other) = served(state, node, field)?;
    if !is_other {
        return Ok(Value::from(""));
    }
    let interface = tag(state, "interface")?;
    let name = name_of(&language, &interface)?;
    let words = say("embed-in-language", &[("language".to_owned(), Argument::Text(name))], &interface)?;
    let mut html = String::from(" <span class=\"kh-mark\" part=\"mark\" title=\"");
    escape(&mut html, &words);
    html.push_str("\"><span aria-hidden=\"true\">");
    escape(&mut html, &language.to_uppercase());
    html.push_str("</span><span class=\"kh-hidden\"> (");
    escape(&mut html, &words);
    html.push_str(")</span></span>");
    Ok(Value::from_safe_string(html))
}

/// `count(node, "memberCount", "members")`: a number as vague as its source, with what is counted.
fn count(state: &State<'_, '_>, node: &Value, field: &str, what: &str) -> Result<Value, Error> {
    let interface = tag(state, "interface")?;
    let count = at(node, field)?;
    let bound = |name: &str| count.get_attr(name).ok().and_then(|value| i64::try_from(value).ok());
    let (min, max) = (bound("min"), bound("max"));
    let (id, least, most) = match (count.get_attr("qualifier")?.as_str().unwrap_or_default(), min, max) {
        ("AT_LEAST", Some(min), _) if min > 1 => ("embed-count-more-than", min.saturating_sub(1), None),
        ("AT_LEAST", Some(min), _) => ("embed-count-at-least", min, None),
        ("NEARLY", _, Some(max)) => ("embed-count-nearly", max, None),
        ("ABOUT", Some(min), Some(max)) => ("embed-count-about", min, Some(max)),
        (_, Some(min), max) => ("embed-count-exact", min, max),
        // Nothing but the source's own words.
        (_, None, _) => return text(state, node, &format!("{field}/label"), None),
    };
    let number = match most.filter(|most| *most != least) {
        Some(most) => format!("{}–{}", grouped(least, &interface), grouped(most, &interface)),
        None => grouped(least, &interface),
    };
    // The source's unit where the reader understands it, else the hub's word for it.
    let unit = at(node, &format!("{field}/unit"))?;
    let (_, is_other) = served(state, node, &format!("{field}/unit"))?;
    let unit = match unit.as_str() {
        Some(unit) if !is_other => unit.to_owned(),
        _ => {
            let id = if what == "members" { "embed-unit-members" } else { "embed-unit-centres" };
            say(id, &[("number".to_owned(), Argument::Number(most.unwrap_or(least)))], &interface)?
        }
    };
    let values = [("number".to_owned(), Argument::Text(number)), ("unit".to_owned(), Argument::Text(unit))];
    Ok(Value::from(say(id, &values, &interface)?))
}

/// The day on which a count was true, or that nobody states it.
fn as_of(state: &State<'_, '_>, day_text: Option<&str>) -> Result<Value, Error> {
    let interface = tag(state, "interface")?;
    let words = match day_text {
        Some(text) => {
            say("embed-as-of", &[("day".to_owned(), Argument::Text(written_day(text, &interface)?))], &interface)?
        }
        None => say("embed-date-not-stated", &[], &interface)?,
    };
    let mut html = String::from(" <span class=\"kh-aside\">(");
    escape(&mut html, &words);
    html.push_str(")</span>");
    Ok(Value::from_safe_string(html))
}

/// `when(node, "launched")`: the source's own words for a date, else what it can mean.
fn when(state: &State<'_, '_>, node: &Value, field: &str) -> Result<Value, Error> {
    let label = format!("{field}/label");
    let edtf = at(node, &format!("{field}/edtf"))?;
    let edtf = edtf.as_str().unwrap_or_default();
    // A year or a day needs no words, if they are in a language that the reader did not ask for.
    let is_year = edtf.len() == 4 && edtf.bytes().all(|byte| byte.is_ascii_digit());
    let is_enough = (is_year || edtf.parse::<NaiveDate>().is_ok()) && served(state, node, &label)?.1;
    if !is_enough && at(node, &label)?.as_str().is_some() {
        let (words, mark) = (text(state, node, &label, None)?, mark(state, node, &label)?);
        return Ok(Value::from_safe_string(format!("{words}{mark}")));
    }
    Ok(Value::from(written_day(edtf, &tag(state, "interface")?)?))
}

/// `address_of("community", community=…)`: where the hub shows a listing by itself, in the reader's language.
fn address_of(state: &State<'_, '_>, listing: &str, values: Kwargs) -> Result<String, Error> {
    let root = state.lookup("root").and_then(|root| root.as_str().map(str::to_owned)).unwrap_or_default();
    let mut pairs = form_urlencoded::Serializer::new(String::new());
    let own = state.lookup("listing").is_some_and(|own| own.as_str() == Some(listing));
    // The next page of the same listing asks for the same.
    if own && let Some(variables) = state.lookup("variables") {
        for name in variables.try_iter()? {
            let is_given = name.as_str().is_some_and(|name| values.has(name));
            if let (false, Some(name)) = (is_given, name.as_str()) {
                pairs.append_pair(name, &variables.get_attr(name)?.to_string());
            }
        }
        if let Some(layout) = state.lookup("layout").and_then(|layout| layout.as_str().map(str::to_owned)) {
            pairs.append_pair("layout", &layout);
        }
        for pair in state.lookup("dress").into_iter().flat_map(|dress| dress.try_iter().ok()).flatten() {
            let [name, value] = [pair.get_item_by_index(0)?, pair.get_item_by_index(1)?];
            pairs.append_pair(name.as_str().unwrap_or_default(), value.as_str().unwrap_or_default());
        }
    }
    for name in values.args() {
        let value: Value = values.get(name)?;
        pairs.append_pair(name, value.as_str().unwrap_or_default());
    }
    pairs.append_pair("lang", tag(state, "lang")?.as_str());
    Ok(format!("{root}embed/{listing}.html?{}", pairs.finish()))
}

/// A day, or the day of a moment, as it is written.
fn day(state: &State<'_, '_>, day_text: &str) -> Result<String, Error> {
    written_day(day_text, &tag(state, "interface")?)
}

fn written_day(day_text: &str, interface: &LanguageTag) -> Result<String, Error> {
    let day: Option<NaiveDate> = day_text.get(..10).and_then(|day| day.parse().ok());
    let Some(day) = day else { return Ok(day_text.to_owned()) };
    let values = [
        ("day".to_owned(), Argument::Number(day.day().into())),
        ("month".to_owned(), Argument::Number(day.month().into())),
        ("year".to_owned(), Argument::Number(day.year().into())),
    ];
    say("embed-day", &values, interface)
}

/// A word of an enum as the catalogues have it in their ids: `by-application` of `BY_APPLICATION`.
fn word(word: &str) -> String {
    word.to_ascii_lowercase().replace('_', "-")
}

/// The address that writes to an e-mail address.
fn mailto(address: &str) -> String {
    // The sign is what makes it an address; it stays readable.
    let encoded = utf8_percent_encode(address, NON_ALPHANUMERIC).to_string();
    format!("mailto:{}", encoded.replace("%40", "@").replace("%2E", ".").replace("%2D", "-"))
}

/// The source that speaks of the whole node, else the first.
fn source(sources: Serde<Vec<serde_json::Value>>) -> Value {
    let whole = sources.iter().find(|source| source.get("field").is_none_or(serde_json::Value::is_null));
    whole.or(sources.first()).map(|source| Value::from(Serde(source))).unwrap_or_default()
}

/// What a language is called in the reader's own.
fn language_name(state: &State<'_, '_>, language: &str) -> Result<String, Error> {
    name_of(language, &tag(state, "interface")?)
}

fn name_of(language: &str, interface: &LanguageTag) -> Result<String, Error> {
    let values = [("tag".to_owned(), Argument::Text(primary(language).to_owned()))];
    say("embed-language-name", &values, interface)
}

/// The primary language of a tag that the hub wrote itself.
fn primary(language: &str) -> &str {
    language.split('-').next().unwrap_or_default()
}

/// A text as an attribute holds it, whatever it is.
fn escaped(value: &Value) -> Value {
    let mut html = String::new();
    escape(&mut html, &value.to_string());
    Value::from_safe_string(html)
}

fn escape(html: &mut String, text: &str) {
    html.push_str(&files::escaped(text));
}

/// `total|number`.
fn number(state: &State<'_, '_>, number: i64) -> Result<String, Error> {
    Ok(grouped(number, &tag(state, "interface")?))
}

/// A whole number with its thousands apart, as the language has it.
fn grouped(number: i64, interface: &LanguageTag) -> String {
    let digits = number.unsigned_abs().to_string();
    let apart = if interface.primary() == "fr" { '\u{202f}' } else { ',' };
    let mut text = String::new();
    if number < 0 {
        text.push('−');
    }
    for (index, digit) in digits.chars().enumerate() {
        let left = digits.len().saturating_sub(index);
        // French leaves four digits together.
        let is_split = index > 0 && left.is_multiple_of(3) && (digits.len() > 4 || interface.primary() != "fr");
        if is_split {
            text.push(apart);
        }
        // Writing to a string never fails.
        let _ = write!(text, "{digit}");
    }
    text
}

/// What is at a path such as `memberCount/unit`.
fn at(node: &Value, path: &str) -> Result<Value, Error> {
    let mut value = node.clone();
    for step in path.split('/') {
        if value.is_none() || value.is_undefined() {
            return Ok(Value::from(()));
        }
        value = value.get_attr(step)?;
    }
    Ok(value)
}

fn tag(state: &State<'_, '_>, name: &str) -> Result<LanguageTag, Error> {
    let value = state.lookup(name);
    let parsed = value.and_then(|value| value.as_str().and_then(|text| LanguageTag::parse(text).ok()));
    parsed.ok_or_else(|| Error::new(ErrorKind::InvalidOperation, format!("{name} is no language")))
}

#[cfg(test)]
mod tests {
    use strum::VariantArray;

    use super::*;
    use crate::domain::community::record::JoinPolicy;
    use crate::domain::item::record::ItemKind;
    use crate::domain::project::record::ProjectStatus;
    use crate::http::embed::address::{Layout, Theme};
    use crate::http::embed::listings;

    #[test]
    fn every_word_that_a_template_makes_a_sentence_of_has_one() {
        fn of<T: VariantArray + AsRef<str>>(begin: &str) -> Vec<String> {
            T::VARIANTS.iter().map(|variant| format!("{begin}{}", word(variant.as_ref()))).collect()
        }
        let mut ids = of::<JoinPolicy>("embed-join-");
        ids.extend(of::<ItemKind>("embed-item-"));
        ids.extend(of::<ProjectStatus>("embed-project-"));
        ids.extend(of::<Layout>("embed-look-"));
        ids.extend(of::<Theme>("embed-theme-"));
        // The kinds of role that the documents ask for.
        ids.extend(["leader", "coordinator", "chair"].map(|kind| format!("embed-role-{kind}")));
        for listing in listings::all() {
            ids.push(format!("embed-kind-{}", listing.name()));
            ids.extend(
                listing.variables().iter().filter(|own| own.is_required).map(|own| format!("embed-field-{}", own.name)),
            );
        }
        for id in ids {
            assert!(say(&id, &[], &LanguageTag::english()).is_ok(), "{id}");
        }
    }

    #[test]
    fn addresses_of_the_web_alone_are_linked() {
        for (address, expected) in [
            ("https://example.org/a?b=c", "https://example.org/a?b=c"),
            ("http://example.org", "http://example.org/"),
            ("javascript:alert(1)", ""),
            (" JaVaScRiPt:alert(1)", ""),
            ("data:text/html,x", ""),
            ("//example.org", ""),
            ("guide", ""),
            ("https://", ""),
        ] {
            assert_eq!(web(Some(address)), expected, "{address}");
        }
        assert_eq!(web(None), "");
    }

    #[test]
    fn numbers_are_written_as_the_language_has_them() {
        let french = LanguageTag::parse("fr").unwrap();
        for (number, in_english, in_french) in [
            (0, "0", "0"),
            (999, "999", "999"),
            (1_200, "1,200", "1200"),
            (12_345, "12,345", "12\u{202f}345"),
            (1_234_567, "1,234,567", "1\u{202f}234\u{202f}567"),
        ] {
            assert_eq!(grouped(number, &LanguageTag::english()), in_english);
            assert_eq!(grouped(number, &french), in_french);
        }
    }

    #[test]
    fn what_turns_a_line_around_does_not_reach_a_title() {
        assert_eq!(plain("a\u{202e}b\u{2066}c\nd"), "abc d");
        assert_eq!(plain(&"é".repeat(200)).chars().count(), MAX_NAME_CHARS + 1);
    }
}
