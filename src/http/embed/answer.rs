//! How a listing is answered: compressed once, known by a tag for each encoding, kept by browsers and caches for a stated time.

use std::io::Write as _;
use std::sync::OnceLock;

use axum::body::{Body, Bytes};
use axum::http::header::{
    ACCEPT_ENCODING, ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LANGUAGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use crate::http::files;

/// How long browsers and caches may show a listing: five minutes, five more while they ask again, a day when the hub is away.
pub const SHARED: &str = "public, max-age=300, stale-while-revalidate=300, stale-if-error=86400";

/// Pages of every site may load what partners show.
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// A body in the encodings that it is asked for.
pub struct Encoded {
    plain: Bytes,
    compressed: OnceLock<Bytes>,
    /// Its tag as it is, and compressed.
    tags: [HeaderValue; 2],
}

/// What says how a body is to be taken.
pub struct Told {
    /// `Content-Type`.
    pub media_type: &'static str,
    /// `Content-Language`; null: it is in none.
    pub languages: Option<HeaderValue>,
    /// `Cache-Control`.
    pub caching: HeaderValue,
    /// `Content-Security-Policy`; null: it is no document.
    pub policy: Option<HeaderValue>,
    /// `Access-Control-Allow-Origin`; null: pages of other origins do not get it.
    pub origin: Option<HeaderValue>,
    /// On what it depends besides the encoding.
    pub varies: &'static str,
}

impl Encoded {
    /// A body of this text.
    pub fn new(text: String) -> Self {
        let digest = Sha256::digest(text.as_bytes());
        let tag = files::hex(digest.get(..16).unwrap_or_default());
        // Hexadecimal digits, a word and quotation marks; a tag that could not be written would match nothing.
        let tags = ["", "-gzip"].map(|encoding| {
            HeaderValue::try_from(format!("\"{tag}{encoding}\"")).unwrap_or(HeaderValue::from_static("\"\""))
        });
        Self { plain: Bytes::from(text.into_boxed_str().into_boxed_bytes()), compressed: OnceLock::new(), tags }
    }

    /// The body as it is.
    pub fn plain(&self) -> &Bytes {
        &self.plain
    }

    /// About how many bytes it takes, compressed too.
    pub fn bytes(&self) -> usize {
        self.plain.len().saturating_add(self.plain.len() / 2)
    }

    /// The body for whoever sent these headers; nothing but its headers for those who have it already.
    pub fn answer(&self, told: Told, headers: &HeaderMap) -> Response {
        let is_compressed = takes_gzip(headers);
        let [plain, compressed] = &self.tags;
        let tag = if is_compressed { compressed } else { plain };
        let mut response = if files::is_known(tag.to_str().unwrap_or_default(), headers) {
            StatusCode::NOT_MODIFIED.into_response()
        } else if is_compressed {
            let mut response = Body::from(self.compressed()).into_response();
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            response
        } else {
            Body::from(self.plain.clone()).into_response()
        };
        let is_known = response.status() == StatusCode::NOT_MODIFIED;
        let own = response.headers_mut();
        own.insert(ETAG, tag.clone());
        told.put_into(own);
        if is_known {
            own.remove(CONTENT_TYPE);
        }
        response
    }

    fn compressed(&self) -> Bytes {
        self.compressed.get_or_init(|| gzip(&self.plain)).clone()
    }
}

impl Told {
    /// Adds the headers.
    pub fn put_into(self, headers: &mut HeaderMap) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        headers.insert(CACHE_CONTROL, self.caching);
        headers.insert(VARY, HeaderValue::from_static(self.varies));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        headers.insert(RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
        for (name, value) in [
            (CONTENT_LANGUAGE, self.languages),
            (CONTENT_SECURITY_POLICY, self.policy),
            (ACCESS_CONTROL_ALLOW_ORIGIN, self.origin),
        ] {
            if let Some(value) = value {
                headers.insert(name, value);
            }
        }
    }
}

fn gzip(plain: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(9));
    // Writing to memory never fails; if it did, an empty body would be no gzip and no client would take it.
    let written = encoder.write_all(plain).and_then(|()| encoder.finish());
    written.unwrap_or_default().into_boxed_slice().into()
}

/// Whether a client takes gzip (RFC 9110 §12.5.3).
fn takes_gzip(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    let mut any = false;
    for entry in lines.flat_map(|line| line.split(',')) {
        let mut parts = entry.split(';').map(str::trim);
        let coding = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix("q=")?.trim().parse::<f32>().ok());
        let is_wanted = weight.is_none_or(|weight| weight > 0.0);
        if coding.eq_ignore_ascii_case("gzip") || coding.eq_ignore_ascii_case("x-gzip") {
            return is_wanted;
        }
        any |= coding == "*" && is_wanted;
    }
    any
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;
    use proptest::prelude::*;

    use super::*;

    fn accepting(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn gzip_is_sent_to_whoever_takes_it() {
        for (accept, expected) in [
            ("", false),
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("*;q=0.1", true),
            ("*, gzip;q=0", false),
            ("identity", false),
            ("*;q=0", false),
            ("br", false),
        ] {
            assert_eq!(takes_gzip(&accepting(accept)), expected, "{accept}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }

    proptest! {
        #[test]
        fn what_is_compressed_comes_back(text in "\\PC{0,300}", accept in "[ -~]{0,60}") {
            takes_gzip(&accepting(&accept));
            let body = Encoded::new(text.clone());
            let mut back = String::new();
            GzDecoder::new(body.compressed().as_ref()).read_to_string(&mut back).unwrap();
            prop_assert_eq!(back, text);
        }
    }
}
