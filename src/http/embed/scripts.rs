//! The scripts and styles that partners load: by an address that stays and follows the hub, and by one for each release, whose
//! bytes never change, so that a page can say which ones it expects.

use std::borrow::Cow;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minijinja::{Value, context};
use rust_embed::Embed;
use sha2::{Digest, Sha384};

use crate::http::embed::answer::{Encoded, Told};
use crate::http::files;

/// The first part of the version, in the address that follows the hub.
const FLOATING: &str = "v1";

/// How long a cache may keep what can change: an hour.
const FOR_AN_HOUR: &str = "public, max-age=3600, stale-while-revalidate=86400, stale-if-error=86400";

/// How long a cache may keep what never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// Where the style sheet goes in the script.
const STYLE_PLACE: &str = "\"{{STYLE}}\"";

#[derive(Embed)]
#[folder = "src/http/assets/embed"]
struct Sources;

#[derive(Embed)]
#[folder = "releases/embed"]
#[include = "*.js"]
struct Releases;

/// A file that is served, compressed once.
struct Script {
    name: String,
    version: String,
    body: Encoded,
}

/// The newest release of the component: its version, and the digest that a page can ask for.
pub struct Release {
    /// Such as `1.0.0`.
    pub version: String,
    /// Such as `sha384-…`.
    pub integrity: String,
}

static SCRIPTS: LazyLock<Vec<Script>> = LazyLock::new(|| {
    let mut scripts = Vec::new();
    for name in ["listing.js", "listing.css", "resize.js", "frame.js", "configurator.js", "configurator.css"] {
        scripts.push(Script { name: name.to_owned(), version: FLOATING.to_owned(), body: Encoded::new(source(name)) });
    }
    for file in Releases::iter() {
        let Some(version) = file.strip_suffix(".js") else { continue };
        scripts.push(Script {
            name: "listing.js".to_owned(),
            version: format!("v{version}"),
            body: Encoded::new(released(&file)),
        });
    }
    scripts
});

/// The newest release; null: there is none yet.
pub fn newest() -> Option<Release> {
    let number = |version: &str| version.split('.').map(|part| part.parse().unwrap_or(0)).collect::<Vec<u32>>();
    let versions = Releases::iter().filter_map(|file| file.strip_suffix(".js").map(str::to_owned));
    let version = versions.max_by_key(|version| number(version))?;
    let digest = Sha384::digest(released(&format!("{version}.js")).as_bytes());
    Some(Release { integrity: format!("sha384-{}", STANDARD.encode(digest)), version })
}

/// The addresses that pages beside the listings load their files by.
pub fn addresses() -> Result<Value, minijinja::Error> {
    Ok(context! {
        style_address => address("listing.css"),
        script_address => address("frame.js"),
        icon => files::address("icon.svg")?,
    })
}

/// The address of a file beside the listings, which changes with the file.
pub fn address(name: &str) -> String {
    format!("{FLOATING}/{name}?v={}", mark(name))
}

/// Sends a file.
pub async fn file(path: Result<Path<(String, String)>, PathRejection>, headers: HeaderMap) -> Response {
    let asked = path.ok().map(|Path(parts)| parts);
    let found = asked
        .and_then(|(version, name)| SCRIPTS.iter().find(|script| script.version == version && script.name == name));
    let Some(script) = found else { return files::missing(&headers) };
    let caching = if script.version == FLOATING { FOR_AN_HOUR } else { FOR_EVER };
    let told = Told {
        media_type: if script.name.ends_with(".css") {
            "text/css; charset=utf-8"
        } else {
            "text/javascript; charset=utf-8"
        },
        languages: None,
        caching: HeaderValue::from_static(caching),
        policy: None,
        origin: Some(HeaderValue::from_static("*")),
        varies: "Accept-Encoding",
    };
    script.body.answer(told, &headers)
}

/// A few digits of a file's hash.
fn mark(name: &str) -> String {
    let script = SCRIPTS.iter().find(|script| script.version == FLOATING && script.name == name);
    script.map(|script| files::hex(&Sha384::digest(script.body.plain())).chars().take(8).collect()).unwrap_or_default()
}

/// A source as it is served: the component has the style sheet in itself, as a page may forbid style sheets of other hosts.
fn source(name: &str) -> String {
    let text = text_of(Sources::get(name).map(|file| file.data));
    if !text.contains(STYLE_PLACE) {
        return text;
    }
    let style = text_of(Sources::get("listing.css").map(|file| file.data));
    // A text of JSON is one of JavaScript.
    text.replace(STYLE_PLACE, &serde_json::Value::from(style).to_string())
}

fn released(file: &str) -> String {
    text_of(Releases::get(file).map(|file| file.data))
}

fn text_of(data: Option<Cow<'static, [u8]>>) -> String {
    data.map(|data| String::from_utf8_lossy(&data).into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_release_is_the_component_that_is_served() {
        let newest = newest().expect("releases/embed has a file");
        assert!(
            released(&format!("{}.js", newest.version)) == source("listing.js"),
            "the component changed: save /embed/v1/listing.js as the next releases/embed/X.Y.Z.js",
        );
    }

    #[test]
    fn no_release_ever_changes() {
        let digests: Vec<String> = Releases::iter()
            .map(|file| {
                let digest = Sha384::digest(released(&file).as_bytes());
                format!("{} sha384-{}", file.trim_end_matches(".js"), STANDARD.encode(digest))
            })
            .collect();
        let mut written: Vec<&str> = include_str!("../../../releases/embed/INTEGRITY").lines().collect();
        written.sort_unstable();
        assert_eq!(digests, written, "a page that asks for the digest of a release gets other bytes");
    }

    #[test]
    fn the_component_is_small_and_has_its_style_in_itself() {
        let component = SCRIPTS.iter().find(|script| script.name == "listing.js").unwrap();
        assert!(!String::from_utf8_lossy(component.body.plain()).contains("{{STYLE}}"));
        let headers = HeaderMap::from_iter([(axum::http::header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"))]);
        let told = Told {
            media_type: "text/javascript",
            languages: None,
            caching: HeaderValue::from_static(FOR_EVER),
            policy: None,
            origin: None,
            varies: "",
        };
        let response = component.body.answer(told, &headers);
        let length = axum::body::HttpBody::size_hint(response.body()).exact().unwrap();
        assert!((1_000..=12 * 1024).contains(&length), "{length} bytes gzipped");
    }
}
