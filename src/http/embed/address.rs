//! What the address of a listing asks for.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde_json::Value;
use strum::{AsRefStr, EnumString, VariantArray};
use url::form_urlencoded;

use crate::error::{Code, Fault};
use crate::http::embed::listings::{Form, Listing};
use crate::text::language::LanguageTag;
use crate::text::messages::{Message, excerpt};

/// The longest query part that is read, in bytes.
const MAX_QUERY_BYTES: usize = 2_000;

/// The longest value of a variable, in characters: longer than any slug, tag or cursor.
const MAX_VALUE_CHARS: usize = 500;

/// How a listing looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, AsRefStr, EnumString, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Layout {
    /// One below the other, with everything.
    #[default]
    List,
    /// Side by side where there is room, with everything.
    Cards,
    /// Names, and a line each.
    Compact,
}

/// The colours of a whole page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, AsRefStr, EnumString, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Theme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
    /// As the reader has their device.
    Auto,
}

/// What is asked for.
#[derive(Clone)]
pub struct Wish {
    /// The kind of listing.
    pub listing: &'static Listing,
    /// The values of its variables, of their types.
    pub variables: BTreeMap<String, Value>,
    /// In which language; null: the reader's own.
    pub lang: Option<LanguageTag>,
    /// How it looks.
    pub layout: Layout,
    /// The colours of the page; null: light, as most pages are.
    pub theme: Option<Theme>,
    /// The colour of links and edges, six hexadecimal digits; null: the hub's.
    pub accent: Option<String>,
    /// At which level its heading stands, 1 to 5; null: 1 on a page of its own, else 2.
    pub heading: Option<u8>,
    /// The site that shows it, as its id; null: none is named.
    pub site: Option<String>,
}

impl Wish {
    /// Reads the query part of an address. What is named twice counts once, the first; what has no value is not given; a name that
    /// is not ours is somebody else's, such as a mark of a newsletter.
    pub fn read(listing: &'static Listing, query: Option<&str>) -> Result<Self, Fault> {
        let query = query.unwrap_or_default();
        if query.len() > MAX_QUERY_BYTES {
            return Err(refusal(Message::new("embed-address-too-long").with("max", MAX_QUERY_BYTES)));
        }
        let mut given: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.trim();
            if !value.is_empty() {
                given.entry(name.into_owned()).or_insert_with(|| value.to_owned());
            }
        }
        let mut variables = BTreeMap::new();
        for variable in listing.variables() {
            match given.get(&variable.name) {
                Some(text) => {
                    variables.insert(variable.name.clone(), value(&variable.name, text, variable.form)?);
                }
                None if variable.is_required => {
                    let message = Message::new("embed-parameter-missing").with("name", variable.name.as_str());
                    return Err(refusal(message));
                }
                None => {}
            }
        }
        Ok(Self {
            listing,
            variables,
            lang: given.get("lang").map(|tag| LanguageTag::parse(tag)).transpose().map_err(refusal)?,
            layout: one_of(&given, "layout")?.unwrap_or_default(),
            theme: one_of(&given, "theme")?,
            accent: given.get("accent").map(|colour| accent(colour)).transpose()?,
            heading: one_of::<u8>(&given, "heading")?.map(|level| level.clamp(1, 5)),
            site: given.remove("site"),
        })
    }

    /// What it asks for, as an address has it, in one order: the variables, then layout and language.
    fn pairs(&self, lang: Option<&LanguageTag>) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        for (name, value) in &self.variables {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Array(texts) => texts.iter().filter_map(Value::as_str).collect::<Vec<&str>>().join(","),
                other => other.to_string(),
            };
            pairs.push((name.clone(), text));
        }
        if self.layout != Layout::default() {
            pairs.push(("layout".to_owned(), self.layout.as_ref().to_owned()));
        }
        if let Some(lang) = lang {
            pairs.push(("lang".to_owned(), lang.to_string()));
        }
        pairs
    }

    /// How it looks and by whom it is shown, as an address has it.
    pub fn dress(&self) -> Vec<(&'static str, String)> {
        let theme = self.theme.map(|theme| theme.as_ref().to_owned());
        let heading = self.heading.map(|level| level.to_string());
        let given =
            [("theme", theme), ("accent", self.accent.clone()), ("heading", heading), ("site", self.site.clone())];
        given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// The path and query part of the page that shows it in a language, by which it is known.
    pub fn page(&self, lang: &LanguageTag) -> String {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(self.pairs(Some(lang))).finish();
        format!("embed/{}.html?{query}", self.listing.name())
    }

    /// The path and query part of the page that shows it as it is asked for, in the reader's language if none is.
    pub fn whole_page(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.pairs(self.lang.as_ref())).extend_pairs(self.dress());
        format!("embed/{}.html?{}", self.listing.name(), query.finish())
    }
}

fn value(name: &str, text: &str, form: Form) -> Result<Value, Fault> {
    if text.chars().count() > MAX_VALUE_CHARS {
        return Err(refusal(Message::new("embed-parameter-too-long").with("name", name).with("max", MAX_VALUE_CHARS)));
    }
    match form {
        Form::Text => Ok(text.into()),
        Form::Whole => Ok(text.parse::<i32>().map_err(|_| wrong(name, text))?.into()),
        Form::Several => Ok(text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect()),
    }
}

fn one_of<T: FromStr>(given: &BTreeMap<String, String>, name: &str) -> Result<Option<T>, Fault> {
    given.get(name).map(|text| text.parse().map_err(|_| wrong(name, text))).transpose()
}

/// Six digits, of three or six, with or without the sign of number before them.
fn accent(colour: &str) -> Result<String, Fault> {
    let digits = colour.strip_prefix('#').unwrap_or(colour).to_ascii_lowercase();
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(wrong("accent", colour));
    }
    match digits.len() {
        3 => Ok(digits.chars().flat_map(|digit| [digit, digit]).collect()),
        6 => Ok(digits),
        _ => Err(wrong("accent", colour)),
    }
}

fn wrong(name: &str, text: &str) -> Fault {
    refusal(Message::new("embed-parameter-wrong").with("name", name).with("value", excerpt(text)))
}

fn refusal(message: Message) -> Fault {
    Fault::new(Code::BadRequest, message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::http::embed::listings;

    fn read(query: &str) -> Result<Wish, &'static str> {
        let listing = listings::by_name("communities-of-organization").unwrap();
        Wish::read(listing, Some(query)).map_err(|fault| fault.message().id())
    }

    #[test]
    fn an_address_is_read_as_far_as_it_is_ours() {
        let wish = read("organization=hpco&lang=FR-ca&layout=cards&utm_source=letter&first=5&theme=dark&accent=%23A0b")
            .unwrap();
        assert_eq!(wish.variables["organization"], json!("hpco"));
        assert_eq!(wish.variables["first"], json!(5));
        assert_eq!(wish.lang.as_ref().unwrap().as_str(), "fr-CA");
        assert_eq!((wish.layout, wish.theme), (Layout::Cards, Some(Theme::Dark)));
        assert_eq!(wish.accent.as_deref(), Some("aa00bb"));
        let page = wish.page(&LanguageTag::english());
        assert_eq!(page, "embed/communities-of-organization.html?first=5&organization=hpco&layout=cards&lang=en");
        let whole = "embed/communities-of-organization.html?first=5&organization=hpco&layout=cards&lang=fr-CA&theme=dark&accent=aa00bb";
        assert_eq!(wish.whole_page(), whole);
    }

    #[test]
    fn what_is_wrong_with_an_address_is_told() {
        for (query, id) in [
            ("", "embed-parameter-missing"),
            ("organization=+", "embed-parameter-missing"),
            ("organization=hpco&first=many", "embed-parameter-wrong"),
            ("organization=hpco&layout=table", "embed-parameter-wrong"),
            ("organization=hpco&theme=blue", "embed-parameter-wrong"),
            ("organization=hpco&accent=red", "embed-parameter-wrong"),
            ("organization=hpco&accent=1234", "embed-parameter-wrong"),
            ("organization=hpco&heading=one", "embed-parameter-wrong"),
            ("organization=hpco&lang=fr_CA", "language-ill-formed"),
        ] {
            assert_eq!(read(query).err(), Some(id), "{query}");
        }
        assert_eq!(read(&format!("organization={}", "a".repeat(501))).err(), Some("embed-parameter-too-long"));
        assert_eq!(read(&format!("organization={}", "a".repeat(2_000))).err(), Some("embed-address-too-long"));
    }

    proptest! {
        #[test]
        fn no_address_panics_and_what_is_read_is_written_again(query in "\\PC{0,200}", slug in "\\PC{1,40}") {
            let _ = read(&query);
            let written = form_urlencoded::Serializer::new(String::new()).append_pair("organization", &slug).finish();
            if let Ok(wish) = read(&written) {
                let page = wish.page(&LanguageTag::english());
                let again = read(page.split_once('?').unwrap().1).unwrap();
                prop_assert_eq!(again.variables, wish.variables);
            }
        }
    }
}
