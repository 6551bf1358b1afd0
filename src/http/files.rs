//! The files that pages load, and texts as files hold them.

use std::borrow::Cow;
use std::fmt::Write as _;

use axum::body::Body;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use rust_embed::{Embed, EmbeddedFile};

use crate::http::pages::{self, PageLanguage};
use crate::text::messages::Message;

#[derive(Embed)]
#[folder = "src/http/assets"]
#[exclude = "*.md"]
struct Assets;

/// Sends a file.
pub async fn asset(path: Result<Path<String>, PathRejection>, headers: HeaderMap) -> Response {
    // A path that cannot be decoded names no file either.
    let file = path.ok().and_then(|Path(path)| Assets::get(&path));
    match file {
        Some(file) => asset_response(file, &headers),
        None => missing(&headers),
    }
}

fn asset_response(file: EmbeddedFile, headers: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", hex(&file.metadata.sha256_hash()));
    let caching = [(ETAG, tag.as_str()), (CACHE_CONTROL, "public, max-age=3600"), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
    if is_known(&tag, headers) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    let mut media_type = Cow::Borrowed(file.metadata.mimetype());
    if media_type.starts_with("text/") {
        media_type.to_mut().push_str("; charset=utf-8");
    }
    (caching, [(CONTENT_TYPE, &*media_type)], Body::from(file.data)).into_response()
}

/// Says that there is no such file.
pub fn missing(headers: &HeaderMap) -> Response {
    let language = PageLanguage::of_reader(None, headers);
    let sentence = language.say(&Message::new("page-asset-missing"));
    (
        StatusCode::NOT_FOUND,
        pages::common_headers(language),
        [(CONTENT_TYPE, "text/plain; charset=utf-8")],
        sentence + "\n",
    )
        .into_response()
}

/// Whether the reader holds the file with this tag already (RFC 9110 §13.1.2, weak comparison).
pub fn is_known(tag: &str, headers: &HeaderMap) -> bool {
    let lines = headers.get_all(IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .any(|held| held == "*" || held.trim_start_matches("W/") == tag)
}

/// The address of an embedded file, with the beginning of its hash: a new hub never meets an old file in a cache.
pub fn address(path: &str) -> Result<String, minijinja::Error> {
    let missing = || minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, format!("no asset {path}"));
    let file = Assets::get(path).ok_or_else(missing)?;
    // 8 hex digits: two of a file's few versions share them once in 4 billion.
    let version: String = hex(&file.metadata.sha256_hash()).chars().take(8).collect();
    Ok(format!("assets/{path}?v={version}"))
}

/// A text as it stands between tags and in attributes, of HTML as of XML.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Bytes as hex digits.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string never fails.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use axum::http::HeaderValue;
    use axum::http::header::{ACCEPT_LANGUAGE, CONTENT_LANGUAGE, HeaderName};

    use super::*;

    const HOSTILE: &str = "</textarea><script>alert(\"1\")</script>' onload=x \u{0}";

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
    }

    async fn text(response: Response) -> String {
        String::from_utf8(to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap()
    }

    async fn asset_of(path: &str, headers: HeaderMap) -> Response {
        asset(Ok(Path(path.to_owned())), headers).await
    }

    #[tokio::test]
    async fn a_file_that_the_browser_holds_is_not_sent_again() {
        let first = asset_of("hub.css", HeaderMap::new()).await;
        assert_eq!(first.headers()[CACHE_CONTROL], "public, max-age=3600");
        let tag = first.headers()[ETAG].to_str().unwrap().to_owned();
        assert!(tag.starts_with('"') && tag.len() == 66, "{tag}");
        for held in [tag.clone(), format!("\"x\", W/{tag}"), "*".to_owned()] {
            let again = asset_of("hub.css", headers(&[(IF_NONE_MATCH, &held)])).await;
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{held}");
            assert_eq!(again.headers()[ETAG], tag);
            assert!(text(again).await.is_empty());
        }
        for held in ["", "\"\"", "\"x\"", tag.trim_matches('"')] {
            let again = asset_of("hub.css", headers(&[(IF_NONE_MATCH, held)])).await;
            assert_eq!(again.status(), StatusCode::OK, "{held}");
        }
    }

    #[tokio::test]
    async fn an_unknown_file_is_a_plain_404_in_the_readers_language() {
        for path in ["", "nothing.js", "../pages.rs", "/etc/passwd", "vendor", "vendor/VENDORED.md", HOSTILE] {
            let response = asset_of(path, headers(&[(ACCEPT_LANGUAGE, "fr")])).await;
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
            assert_eq!(response.headers()[CONTENT_TYPE], "text/plain; charset=utf-8");
            assert_eq!(response.headers()[CONTENT_LANGUAGE], "fr");
            assert!(!text(response).await.contains("script"));
        }
    }

    #[test]
    fn every_vendored_folder_holds_its_licence() {
        for folder in ["graphiql", "react", "react-dom"] {
            let licence = Assets::get(&format!("vendor/{folder}/LICENSE.txt")).unwrap();
            assert!(String::from_utf8_lossy(&licence.data).contains("MIT License"));
        }
    }
}
