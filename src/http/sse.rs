//! GraphQL over Server-Sent Events, "distinct connections" of the graphql-sse protocol: one operation, one response.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::parser::types::OperationType;
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::error::Fault;
use crate::http;
use crate::http::execution::{Asker, Prepared, Short};
use crate::http::live;
use crate::http::live::operation::Frame;
use crate::http::metrics::OpenStream;
use crate::http::operations::{Outcome, Transport};
use crate::http::places::Place;

/// How often a comment is sent while there is nothing to say, so that nobody in between gives the connection up.
const COMMENT_EVERY: Duration = Duration::from_secs(15);

/// How long a client waits before it comes back, in milliseconds.
const RETRY: &str = "retry: 1000\n\n";

/// The end of an operation. An event without data would not be told.
const COMPLETE: &str = "event: complete\ndata: \n\n";

struct Following {
    frames: BoxStream<'static, Result<Arc<Frame>, Fault>>,
    stopping: watch::Receiver<bool>,
    asker: Asker,
    is_over: bool,
    _place: Place,
    _open: OpenStream,
}

/// The response: for a subscription a stream of `next` events, each with its cursor as `id`, for anything else one. What is
/// refused before anything ran is an ordinary answer; a cursor that cannot be followed is told in the stream, where the
/// clients of this protocol look for it.
pub async fn stream(asker: &Asker, prepared: Prepared, last: Option<String>) -> Result<Response, Short> {
    if prepared.operation != Some(OperationType::Subscription) {
        return match asker.execute(prepared, None).await {
            Ok(body) | Err(Short::Partial(body)) => Ok(events(Body::from(only(&String::from_utf8_lossy(&body))))),
            Err(Short::Unexecuted(errors)) => Ok(unfit(asker, &errors)),
            Err(short) => Err(short),
        };
    }
    let place = asker.place()?;
    let stopping = asker.hub.stopping();
    match live::open(asker, prepared, last).await {
        Ok(subscriber) => {
            let open = asker.hub.operations().metrics().open_stream(Transport::Sse);
            // A stream goes on where it was when nobody waited for it any longer.
            let frames =
                stream::unfold(subscriber, |mut subscriber| async move { Some((subscriber.next().await, subscriber)) });
            let frames = frames.boxed();
            let asker = asker.clone();
            let following = Following { frames, stopping, asker, is_over: false, _place: place, _open: open };
            let first = stream::once(async { Ok::<_, std::convert::Infallible>(Bytes::from_static(RETRY.as_bytes())) });
            let rest = stream::unfold(following, |mut following| async move {
                let text = following.next().await?;
                Some((Ok(Bytes::from(text)), following))
            });
            Ok(events(Body::from_stream(first.chain(rest))))
        }
        Err(Short::Refused(fault)) => {
            asker.note(|record| record.ended(Outcome::of_fault(&fault)));
            let payload = json!({ "errors": [asker.error_of(&fault)] });
            Ok(events(Body::from(only(&payload))))
        }
        // What does not fit the contract is told in the stream too: that is where this protocol looks for it.
        Err(Short::Unexecuted(errors)) => Ok(unfit(asker, &errors)),
        Err(short) => Err(short),
    }
}

/// A stream that says why a document does not fit the contract.
fn unfit(asker: &Asker, errors: &[Value]) -> Response {
    asker.note(|record| record.ended(Outcome::of_errors(errors)));
    events(Body::from(only(&json!({ "errors": errors }))))
}

/// A stream that has one thing to say.
fn only(payload: &impl std::fmt::Display) -> String {
    format!("event: next\ndata: {payload}\n\n{COMPLETE}")
}

impl Following {
    /// The next piece of the stream; null: it ends.
    async fn next(&mut self) -> Option<String> {
        if self.is_over || *self.stopping.borrow() {
            return None;
        }
        tokio::select! {
            () = http::is_stopping(&mut self.stopping) => {
                self.is_over = true;
                Some(RETRY.to_owned())
            }
            frame = tokio::time::timeout(COMMENT_EVERY, self.frames.next()) => match frame {
                Err(_) => Some(":\n\n".to_owned()),
                // It has no end of its own.
                Ok(None) => None,
                Ok(Some(Ok(frame))) => {
                    let (id, payload) = (frame.cursor.write(), &frame.payload);
                    Some(format!("event: next\nid: {id}\ndata: {payload}\n\n"))
                }
                Ok(Some(Err(fault))) => {
                    self.is_over = true;
                    let payload = json!({ "errors": [self.asker.error_of(&fault)] });
                    Some(only(&payload))
                }
            }
        }
    }
}

fn events(body: Body) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, body).into_response()
}
