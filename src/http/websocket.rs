//! GraphQL over WebSocket: the graphql-transport-ws protocol.
//!
//! A loop of our own, because the stock one leaves sockets open that never begin, closes them with other codes than the
//! protocol's, accepts every origin and any number of operations, and cannot send what is ready already. Its one
//! rule: a socket that reads slowly is simply not written to, and nothing is kept for it but its cursors.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use async_graphql::parser::types::OperationType;
use axum::extract::ws::{CloseFrame, Message as Frame, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use futures_util::{FutureExt, Stream, StreamExt, future, stream};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::error::{Code, Fault};
use crate::http::budget::BASE_COST;
use crate::http::caller::{self, Shown};
use crate::http::execution::{Asker, Parameters, Prepared, Short};
use crate::http::graphql::status_of;
use crate::http::live;
use crate::http::live::operation::Frame as Finished;
use crate::http::metrics::OpenStream;
use crate::http::operations::{Outcome, Transport};
use crate::http::places::Place;
use crate::http::{self, Hub};
use crate::text::language::Languages;
use crate::text::messages::Message;

/// The subprotocol, as clients name it.
const PROTOCOL: &str = "graphql-transport-ws";

/// How long a client may take to begin.
const INIT_WITHIN: Duration = Duration::from_secs(10);

/// How often a socket is pinged, so that nobody in between gives it up, and the machine notices when its peer is gone.
const PING_EVERY: Duration = Duration::from_secs(20);

/// How long the peer may take to say goodbye.
const GOODBYE_WITHIN: Duration = Duration::from_secs(1);

/// The longest id of an operation, in bytes.
const MAX_ID_BYTES: usize = 256;

/// What is read from a socket at once: messages of clients are small, and there may be many sockets.
const READ_BUFFER_BYTES: usize = 2 * 1024;

/// A message of a client.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Said {
    ConnectionInit {
        payload: Option<Map<String, Value>>,
    },
    Subscribe {
        id: String,
        payload: Wanted,
    },
    Complete {
        id: String,
    },
    Ping {
        payload: Option<Map<String, Value>>,
    },
    Pong {
        /// Not looked at, but it has to be of the protocol's form.
        #[serde(rename = "payload")]
        _payload: Option<Map<String, Value>>,
    },
}

/// What a client wants executed, in the form that the protocol asks for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    query: Option<String>,
    document_id: Option<String>,
    operation_name: Option<String>,
    variables: Option<Map<String, Value>>,
    extensions: Option<Map<String, Value>>,
}

impl From<Wanted> for Parameters {
    fn from(wanted: Wanted) -> Self {
        let Wanted { query, document_id, operation_name, variables, extensions } = wanted;
        let (variables, extensions) = (variables.map(Value::Object), extensions.map(Value::Object));
        Self { query, document_id, operation_name, variables, extensions }
    }
}

/// What an operation has to say.
enum Event {
    /// A result.
    Next(Arc<Finished>),
    /// The one result of what is no subscription.
    Result(String),
    /// It ended with errors, or could not begin.
    Error(Vec<Value>),
    /// It ended.
    Complete,
}

type Events = Pin<Box<dyn Stream<Item = Event> + Send>>;

/// An operation in progress.
struct Operation {
    id: String,
    /// What precedes a result.
    prefix: String,
    events: Events,
}

/// Why a socket is closed, with the protocol's code.
struct Close(u16, String);

struct Socket {
    socket: WebSocket,
    asker: Asker,
    /// What the upgrade showed of who asks.
    shown: Result<Option<Shown>, Fault>,
    operations: Vec<Operation>,
    stopping: watch::Receiver<bool>,
    is_begun: bool,
    place: Place,
    _open: OpenStream,
}

/// Opens a socket, unless the page that asks for it is of an origin that may not.
pub fn open(hub: Hub, peer: SocketAddr, headers: &HeaderMap, upgrade: WebSocketUpgrade) -> Response {
    let asker = Asker::of_request(hub, peer, headers);
    if !is_trusted(&asker.hub, headers) {
        return refuse(&asker, &Fault::new(Code::Forbidden, Message::new("http-origin")));
    }
    let place = match asker.enter(headers, BASE_COST).and_then(|()| asker.place()) {
        Ok(place) => place,
        Err(fault) => return refuse(&asker, &fault),
    };
    // A page of a partner speaks for nobody who is signed in here, unless the operator says so.
    let speaks_for = |origin: &str| asker.hub.is_trusted_with_credentials(origin);
    let shown = Shown::of_page(headers, speaks_for).or_else(|fault| match fault.code() {
        Code::Forbidden => Ok(None),
        _ => Err(fault),
    });
    let max_bytes = asker.hub.limits().body_bytes;
    upgrade
        .protocols([PROTOCOL])
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_message_size(max_bytes)
        .max_frame_size(max_bytes)
        .on_upgrade(move |socket| {
            let stopping = asker.hub.stopping();
            let operations = Vec::new();
            let open = asker.hub.operations().metrics().open_stream(Transport::WebSocket);
            Socket { socket, asker, shown, operations, stopping, is_begun: false, place, _open: open }.run()
        })
}

fn refuse(asker: &Asker, fault: &Fault) -> Response {
    (status_of(fault.code()), axum::Json(json!({ "errors": [asker.error_of(fault)] }))).into_response()
}

/// Browsers say which page opens a socket: one of the hub's own, or of a site that it was told of. Other programs say
/// nothing.
fn is_trusted(hub: &Hub, headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    caller::is_own_page(headers) || hub.is_trusted(origin)
}

impl Socket {
    async fn run(mut self) {
        let close = match self.socket.protocol().is_some() {
            true => self.converse().await,
            false => Some(Close(4406, "Subprotocol not acceptable".to_owned())),
        };
        self.operations.clear();
        let goodbye = async {
            // Whoever went away by themselves is not told to.
            if let Some(Close(code, mut reason)) = close {
                // A control frame has room for 123 bytes of it.
                while reason.len() > 123 {
                    reason.pop();
                }
                let frame = CloseFrame { code, reason: reason.into() };
                if self.socket.send(Frame::Close(Some(frame))).await.is_err() {
                    return;
                }
            }
            // What the peer still says is read, or it might never see the goodbye; its own is answered by that.
            while let Some(Ok(_)) = self.socket.recv().await {}
        };
        // A peer who does not answer is left all the same.
        let _ = tokio::time::timeout(GOODBYE_WITHIN, goodbye).await;
    }

    /// Talks until the peer goes (null) or has to be told to.
    async fn converse(&mut self) -> Option<Close> {
        let mut stopping = self.stopping.clone();
        let begin_by = Instant::now() + INIT_WITHIN;
        let mut ping = tokio::time::interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        loop {
            let outcome = tokio::select! {
                () = http::is_stopping(&mut stopping) => Err(Some(Close(1012, "Service restart".to_owned()))),
                () = tokio::time::sleep_until(begin_by), if !self.is_begun => {
                    Err(Some(Close(4408, "Connection initialisation timeout".to_owned())))
                }
                frame = self.socket.recv() => self.hear(frame).await,
                (index, event) = next_event(&mut self.operations) => self.tell(index, event).await,
                _ = ping.tick() => self.send(Frame::Ping(Default::default())).await,
            };
            if let Err(close) = outcome {
                return close;
            }
        }
    }

    async fn hear(&mut self, frame: Option<Result<Frame, axum::Error>>) -> Result<(), Option<Close>> {
        let text = match frame {
            Some(Ok(Frame::Text(text))) => text,
            Some(Ok(Frame::Binary(_))) => return Err(bad("Messages are text")),
            Some(Ok(Frame::Ping(_) | Frame::Pong(_))) => return Ok(()),
            Some(Ok(Frame::Close(_))) | None => return Err(None),
            Some(Err(error)) if error.to_string().contains("too long") => {
                return Err(Some(Close(1009, "Message too big".to_owned())));
            }
            Some(Err(_)) => return Err(None),
        };
        let said = match serde_json::from_str::<Value>(&text) {
            Ok(Value::Object(object)) => serde_json::from_value(Value::Object(object)),
            Ok(_) => return Err(bad("Messages are objects")),
            Err(_) => return Err(bad("Messages are JSON")),
        };
        match said.map_err(|_| bad("This is no message of the protocol"))? {
            Said::ConnectionInit { .. } if self.is_begun => {
                Err(Some(Close(4429, "Too many initialisation requests".to_owned())))
            }
            Said::ConnectionInit { payload } => {
                self.begin(payload.unwrap_or_default()).await?;
                self.say(&json!({ "type": "connection_ack" })).await
            }
            Said::Ping { payload: None } => self.say(&json!({ "type": "pong" })).await,
            Said::Ping { payload } => self.say(&json!({ "type": "pong", "payload": payload })).await,
            Said::Pong { .. } => Ok(()),
            Said::Subscribe { .. } if !self.is_begun => Err(Some(Close(4401, "Unauthorized".to_owned()))),
            Said::Subscribe { id, payload } => self.subscribe(id, payload.into()).await,
            Said::Complete { id } => {
                self.operations.retain(|operation| operation.id != id);
                Ok(())
            }
        }
    }

    /// Takes the reader's languages from `acceptLanguage`, and who they are from `authorization`, as the header of that name
    /// has it; else what the upgrade's headers say stays.
    async fn begin(&mut self, payload: Map<String, Value>) -> Result<(), Option<Close>> {
        self.is_begun = true;
        if let Some(wished) = payload.get("acceptLanguage").and_then(Value::as_str) {
            self.asker.languages = Languages::accept(wished, self.asker.hub.default_language().clone());
        }
        let shown = match payload.get("authorization") {
            Some(value) => Shown::authorization(value.as_str().unwrap_or_default()).map(Some),
            None => self.shown.clone(),
        };
        let known = match shown {
            Ok(shown) => self.asker.clone().identified(shown).await,
            Err(fault) => Err(fault),
        };
        match known {
            Ok(asker) => {
                if asker.viewer.identity().is_some() {
                    // It is theirs now, no more that of whoever asks from their address.
                    let theirs = self.place.as_of(asker.sender(), asker.most_streams());
                    self.place = theirs.map_err(|_| Some(Close(1013, "Too many streams".to_owned())))?;
                }
                self.asker = asker;
                Ok(())
            }
            Err(fault) if fault.code() == Code::Unauthenticated || fault.code() == Code::Forbidden => {
                Err(Some(Close(4403, "Forbidden".to_owned())))
            }
            // The client comes back by itself.
            Err(_) => Err(Some(Close(1013, "Try again later".to_owned()))),
        }
    }

    async fn subscribe(&mut self, id: String, parameters: Parameters) -> Result<(), Option<Close>> {
        let names_nothing =
            parameters.query.is_none() && parameters.document_id.is_none() && parameters.extensions.is_none();
        if id.is_empty() || id.len() > MAX_ID_BYTES || names_nothing {
            return Err(bad("A subscribe message has an id and a query"));
        }
        if self.operations.iter().any(|operation| operation.id == id) {
            return Err(Some(Close(4409, format!("Subscriber for {id} already exists"))));
        }
        let asker = self.asker.clone().recorded(Transport::WebSocket);
        let most = asker.hub.limits().operations_per_socket;
        if self.operations.len() >= most {
            let message = Message::new("subscription-too-many-here").with("max", most);
            let fault = Fault::new(Code::TooManySubscriptions, message);
            asker.note(|record| record.ended(Outcome::of_fault(&fault)));
            let error = asker.error_of(&fault);
            return self.say(&json!({ "id": id, "type": "error", "payload": [error] })).await;
        }
        let events = match prepare(&asker, parameters) {
            Ok(prepared) => events_of(asker, prepared),
            Err(short) => {
                // Before anything ran there is no result that could be a part of one.
                let errors = asker.errors_of(short).unwrap_or_default();
                return self.say(&json!({ "id": id, "type": "error", "payload": errors })).await;
            }
        };
        let prefix = format!("{{\"id\":{},\"type\":\"next\",\"payload\":", Value::from(id.as_str()));
        self.operations.push(Operation { id, prefix, events });
        Ok(())
    }

    async fn tell(&mut self, index: usize, event: Event) -> Result<(), Option<Close>> {
        // The index is that of the operation that was just asked.
        let Some(operation) = self.operations.get(index) else { return Ok(()) };
        let (text, is_over) = match event {
            Event::Next(frame) => (operation.result(&frame.payload), false),
            Event::Result(payload) => (operation.result(&payload), false),
            Event::Error(errors) => {
                (json!({ "id": operation.id, "type": "error", "payload": errors }).to_string(), true)
            }
            Event::Complete => (json!({ "id": operation.id, "type": "complete" }).to_string(), true),
        };
        if is_over {
            self.operations.remove(index);
        } else if self.operations.len() > 1 {
            // The others are asked first next time.
            self.operations.rotate_left(index.saturating_add(1));
        }
        self.send(Frame::text(text)).await
    }

    async fn say(&mut self, message: &Value) -> Result<(), Option<Close>> {
        self.send(Frame::text(message.to_string())).await
    }

    /// Writes a frame, however long the peer takes to read; not beyond the end of the hub.
    async fn send(&mut self, frame: Frame) -> Result<(), Option<Close>> {
        tokio::select! {
            sent = self.socket.send(frame) => sent.map_err(|_| None),
            // There is no saying goodbye in the middle of a frame.
            () = http::is_stopping(&mut self.stopping) => Err(None),
        }
    }
}

impl Operation {
    fn result(&self, payload: &str) -> String {
        let mut text = String::with_capacity(self.prefix.len().saturating_add(payload.len()).saturating_add(1));
        text.push_str(&self.prefix);
        text.push_str(payload);
        text.push('}');
        text
    }
}

/// A request that may be executed as it came, and is paid for.
fn prepare(asker: &Asker, parameters: Parameters) -> Result<Prepared, Short> {
    asker.spend(u64::from(BASE_COST))?;
    let named = asker.hub.documents().resolve(parameters, &asker.viewer)?;
    let prepared = asker.prepare(named.parameters)?;
    asker.spend(prepared.cost)?;
    Ok(prepared)
}

fn bad(reason: &str) -> Option<Close> {
    Some(Close(4400, reason.to_owned()))
}

/// The next event of whichever operation has one.
fn next_event(operations: &mut [Operation]) -> impl Future<Output = (usize, Event)> {
    future::poll_fn(move |cx| {
        for (index, operation) in operations.iter_mut().enumerate() {
            if let Poll::Ready(event) = operation.events.poll_next_unpin(cx) {
                return Poll::Ready((index, event.unwrap_or(Event::Complete)));
            }
        }
        Poll::Pending
    })
}

fn events_of(asker: Asker, prepared: Prepared) -> Events {
    if prepared.operation == Some(OperationType::Subscription) {
        let opening = async move {
            let opened = match asker.current().await {
                Ok(asker) => live::open(&asker, prepared, None).await,
                Err(fault) => Err(fault.into()),
            };
            match opened {
                Ok(subscriber) => stream::unfold(Some((asker, subscriber)), following).boxed(),
                Err(short) => one(Event::Error(asker.errors_of(short).unwrap_or_default())),
            }
        };
        return opening.boxed().flatten_stream().boxed();
    }
    let once = async move {
        let executed = match asker.current().await {
            Ok(asker) => asker.execute(prepared, None).await,
            Err(fault) => Err(fault.into()),
        };
        match executed {
            Ok(body) | Err(Short::Partial(body)) => one(Event::Result(String::from_utf8_lossy(&body).into_owned())),
            Err(short) => one(Event::Error(asker.errors_of(short).unwrap_or_default())),
        }
    };
    once.boxed().flatten_stream().boxed()
}

fn one(event: Event) -> Events {
    stream::once(future::ready(event)).boxed()
}

async fn following(state: Option<(Asker, live::Subscriber)>) -> Option<(Event, Option<(Asker, live::Subscriber)>)> {
    let (asker, mut subscriber) = state?;
    match subscriber.next().await {
        Ok(frame) => Some((Event::Next(frame), Some((asker, subscriber)))),
        Err(fault) => Some((Event::Error(vec![asker.error_of(&fault)]), None)),
    }
}
