//! What pages of other origins may ask: anything in public, and as whoever is signed in where the operator named the origin.

use std::time::Duration;

use axum::http::{HeaderName, Method, header};
use tower_http::cors::{AllowCredentials, AllowOrigin, CorsLayer};

use crate::http::Hub;

/// How long a browser may remember what it was told: a day.
const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);

/// Lets browsers show pages of other origins what the hub answers.
pub fn layer(hub: Hub) -> CorsLayer {
    let with_credentials = AllowCredentials::predicate(move |origin, _| {
        origin.to_str().is_ok_and(|origin| hub.is_trusted_with_credentials(origin))
    });
    CorsLayer::new()
        // Not a star: browsers take none where credentials are allowed.
        .allow_origin(AllowOrigin::mirror_request())
        .allow_credentials(with_credentials)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([
            header::ACCEPT,
            header::ACCEPT_LANGUAGE,
            header::AUTHORIZATION,
            header::CACHE_CONTROL,
            header::CONTENT_TYPE,
            HeaderName::from_static("last-event-id"),
            HeaderName::from_static("traceparent"),
            HeaderName::from_static("x-request-id"),
        ])
        .expose_headers([
            HeaderName::from_static("cache-status"),
            header::CONTENT_LANGUAGE,
            header::RETRY_AFTER,
            HeaderName::from_static("x-request-id"),
        ])
        .max_age(REMEMBERED)
}
