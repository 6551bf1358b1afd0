//! Bodies of requests, read to their end before a deadline and up to a size.

use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::{StreamExt, stream};
use tokio::time::{Instant, timeout_at};

use crate::error::{Code, Fault};
use crate::http::Hub;
use crate::text::messages::Message;

/// Ends bodies with an error that have not come to their end in time. Whoever waits for one goes on then.
pub async fn with_deadline(State(hub): State<Hub>, request: Request, next: Next) -> Response {
    let within = Duration::from_secs(hub.limits().body_seconds);
    next.run(request.map(|body| if body.is_end_stream() { body } else { limited(body, within) })).await
}

fn limited(body: Body, within: Duration) -> Body {
    let deadline = Instant::now() + within;
    Body::from_stream(stream::unfold(Some(body.into_data_stream()), move |data| next_part(data, deadline)))
}

type Part = (Result<Bytes, axum::Error>, Option<BodyDataStream>);

async fn next_part(data: Option<BodyDataStream>, deadline: Instant) -> Option<Part> {
    let mut data = data?;
    match timeout_at(deadline, data.next()).await {
        Ok(part) => part.map(|part| (part, Some(data))),
        Err(late) => Some((Err(axum::Error::new(late)), None)),
    }
}

/// A whole body of at most so many bytes. Whoever says beforehand that it is larger is told so before it is read.
pub async fn read(headers: &HeaderMap, body: Body, max: usize) -> Result<Bytes, Fault> {
    let too_large = || Fault::new(Code::PayloadTooLarge, Message::new("http-body-too-large").with("max", max));
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > max) {
        return Err(too_large());
    }
    let mut data = body.into_data_stream();
    let mut whole = Vec::new();
    while let Some(part) = data.next().await {
        // It came to no end: in time, or at all.
        let part = part.map_err(|_| Fault::new(Code::RequestTimeout, Message::new("http-body-late")))?;
        if whole.len().saturating_add(part.len()) > max {
            return Err(too_large());
        }
        whole.extend_from_slice(&part);
    }
    Ok(whole.into())
}
