//! The example pages: static, over the public API, compiled in from `examples/dashboard` and `examples/follow`.

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use rust_embed::Embed;

use crate::http::files;

/// What the page may load: its own host's files alone. `data:` is for small pictures in its style sheet.
const CONTENT_POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

#[derive(Embed)]
#[folder = "examples/dashboard/"]
struct Dashboard;

#[derive(Embed)]
#[folder = "examples/follow/"]
struct Follow;

/// The routes of the pages: `/dashboard/`, `/follow/` and what lies below them.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/dashboard", get(async |RawQuery(query): RawQuery| to_folder("dashboard", query)))
        .route("/dashboard/", get(index::<Dashboard>))
        .route("/dashboard/{*path}", get(file::<Dashboard>))
        .route("/follow", get(async |RawQuery(query): RawQuery| to_folder("follow", query)))
        .route("/follow/", get(index::<Follow>))
        .route("/follow/{*path}", get(file::<Follow>))
}

/// The texts that hold the documents of the pages.
pub fn documents() -> Vec<String> {
    let files = [Dashboard::get("queries.js"), Follow::get("follow.js")];
    files.into_iter().flatten().map(|file| String::from_utf8_lossy(&file.data).into_owned()).collect()
}

/// The page's addresses are relative to its folder; what is asked for goes along.
fn to_folder(folder: &str, query: Option<String>) -> Redirect {
    match query {
        Some(query) => Redirect::permanent(&format!("{folder}/?{query}")),
        None => Redirect::permanent(&format!("{folder}/")),
    }
}

async fn index<Files: Embed>(headers: HeaderMap) -> Response {
    answer::<Files>("index.html", &headers)
}

async fn file<Files: Embed>(path: Result<Path<String>, PathRejection>, headers: HeaderMap) -> Response {
    // A path that cannot be decoded names no file either.
    match path {
        Ok(Path(path)) => answer::<Files>(&path, &headers),
        Err(_) => files::missing(&headers),
    }
}

fn answer<Files: Embed>(path: &str, headers: &HeaderMap) -> Response {
    let Some(file) = Files::get(path) else { return files::missing(headers) };
    let tag = format!("\"{}\"", files::hex(&file.metadata.sha256_hash()));
    let common = [
        (ETAG, tag.as_str()),
        // Its files name each other without a version, so a cache must not mix two of them.
        (CACHE_CONTROL, "no-cache"),
        (CONTENT_SECURITY_POLICY, CONTENT_POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
    ];
    if files::is_known(&tag, headers) {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    let media_type = match file.metadata.mimetype() {
        media_type if media_type.starts_with("text/") => format!("{media_type}; charset=utf-8"),
        media_type => media_type.to_owned(),
    };
    (common, [(CONTENT_TYPE, media_type)], Body::from(file.data)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_page_and_its_files_are_there_with_their_types_and_policy() {
        let followed = answer::<Follow>("follow.js", &HeaderMap::new());
        assert_eq!(followed.headers()[CONTENT_TYPE], "text/javascript; charset=utf-8");
        for (path, media_type) in [
            ("index.html", "text/html; charset=utf-8"),
            ("dashboard.js", "text/javascript; charset=utf-8"),
            ("dashboard.css", "text/css; charset=utf-8"),
            ("texts/fr.js", "text/javascript; charset=utf-8"),
        ] {
            let response = answer::<Dashboard>(path, &HeaderMap::new());
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            assert_eq!(response.headers()[CONTENT_TYPE], media_type, "{path}");
            assert_eq!(response.headers()[CONTENT_SECURITY_POLICY], CONTENT_POLICY);
            let known = HeaderMap::from_iter([(axum::http::header::IF_NONE_MATCH, response.headers()[ETAG].clone())]);
            assert_eq!(answer::<Dashboard>(path, &known).status(), StatusCode::NOT_MODIFIED, "{path}");
        }
    }

    #[tokio::test]
    async fn what_is_not_there_is_missing() {
        for path in ["", "nothing.js", "../hub.css", "vendor/", "index.html/"] {
            assert_eq!(answer::<Dashboard>(path, &HeaderMap::new()).status(), StatusCode::NOT_FOUND, "{path}");
        }
    }

    #[tokio::test]
    async fn the_address_without_its_slash_leads_to_the_folder_with_what_it_asks() {
        for (query, location) in
            [(None, "dashboard/"), (Some("lang=fr&text=a%26b".to_owned()), "dashboard/?lang=fr&text=a%26b")]
        {
            let response = to_folder("dashboard", query).into_response();
            assert_eq!(response.status(), StatusCode::PERMANENT_REDIRECT);
            assert_eq!(response.headers()[axum::http::header::LOCATION], location);
        }
    }
}
