//! The id of a request: the sender's own, or one of the hub's, given back in the answer and written in the log.

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

use crate::http::Hub;

/// Where it stands, in a request and in its answer.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken from a sender, in bytes.
const MAX_BYTES: usize = 64;

/// Whether a sender's id can be taken as it is: it is written in the log.
pub fn is_well_formed(id: &HeaderValue) -> bool {
    let id = id.as_bytes();
    let is_fit = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(byte);
    (1..=MAX_BYTES).contains(&id.len()) && id.iter().all(is_fit)
}

/// Gives a request its id, and the answer the same. Whoever reads the request finds a well-formed one in its header.
pub async fn identify(State(hub): State<Hub>, mut request: Request, next: Next) -> Response {
    let given = request.headers().get(REQUEST_ID).filter(|id| is_well_formed(id)).cloned();
    let id = given.or_else(|| HeaderValue::from_str(&hub.operations().new_request_id()).ok());
    let Some(id) = id else { return next.run(request).await };
    request.headers_mut().insert(REQUEST_ID, id.clone());
    let mut response = next.run(request).await;
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_short_and_plain() {
        let long = "a".repeat(MAX_BYTES);
        for good in ["1", "a-B_c.d:9", &long] {
            assert!(is_well_formed(&HeaderValue::from_str(good).unwrap()), "{good}");
        }
        let longer = "a".repeat(MAX_BYTES + 1);
        for bad in ["", "a b", "a\"b", "a,b", "é", "{}", &longer] {
            assert!(!is_well_formed(&HeaderValue::from_str(bad).unwrap()), "{bad}");
        }
    }
}
