//! GraphQL over HTTP: POST with JSON, GET for queries alone.
//!
//! Own handlers, because the stock ones run mutations by GET, read any media type as JSON, take bodies of any size and
//! walk doubling fragments for minutes before they refuse them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use async_graphql::parser::types::{DocumentOperations, OperationType};
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{ConnectInfo, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::{Code, Fault};
use crate::http::caller::Shown;
use crate::http::execution::{self, ANSWER_WITHIN, Asker, Parameters, Short, bad_request};
use crate::http::kept::{Asked, Key, Source};
use crate::http::{Hub, sse, websocket};
use crate::policy::Viewer;
use crate::text::messages::Message;

/// The largest request body: 256 KB.
pub const MAX_BODY_BYTES: usize = 256 * 1024;

/// Whether an answer was kept, as RFC 9211 says it.
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// The same parts in an address, where variables are a text of JSON.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AddressParameters {
    query: Option<String>,
    operation_name: Option<String>,
    variables: Option<String>,
    extensions: Option<String>,
}

/// The media types that an answer can have.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    /// `application/graphql-response+json`: the status says whether anything ran.
    Response,
    /// `application/json`, for older clients: 200 for every well-formed request.
    Legacy,
    /// `text/event-stream`, after the event whose id the client saw last, if it saw one.
    Events(Option<String>),
}

/// Who reads an answer: in which languages and in what form, and whether it has to be made anew.
struct Reply {
    asker: Asker,
    answer: Answer,
    anew: bool,
}

/// An answer before its headers.
#[derive(Debug)]
pub struct Answered {
    status: StatusCode,
    body: Bytes,
    /// The methods to name where another one was used.
    allow: Option<&'static str>,
}

/// Executes a document that came in a body.
pub async fn by_post(
    State(hub): State<Hub>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let reply = match Reply::new(hub, peer, &headers) {
        Ok(reply) => reply,
        Err(response) => return *response,
    };
    if !is_json(&headers) {
        return reply.refuse(&Fault::new(Code::UnsupportedMediaType, Message::new("http-media-type")));
    }
    let body = match body {
        Ok(body) => body,
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            let message = Message::new("http-body-too-large").with("max", MAX_BODY_BYTES);
            return reply.refuse(&Fault::new(Code::PayloadTooLarge, message));
        }
        Err(_) => return reply.refuse(&bad_request(Message::new("http-body-unreadable"))),
    };
    let parameters = match serde_json::from_slice::<Value>(&body) {
        Ok(Value::Array(_)) => return reply.refuse(&bad_request(Message::new("http-batch"))),
        Ok(value @ Value::Object(_)) => serde_json::from_value::<Parameters>(value),
        Ok(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
            return reply.refuse(&bad_request(Message::new("http-body-not-object")));
        }
        Err(error) => Err(error),
    };
    match parameters {
        Ok(parameters) => reply.execute(parameters, Method::POST, &headers).await,
        Err(_) => reply.refuse(&bad_request(Message::new("http-body-not-json"))),
    }
}

/// Executes a query that came in an address, opens a WebSocket, or streams events.
pub async fn by_get(
    State(hub): State<Hub>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    parameters: Result<Query<AddressParameters>, axum::extract::rejection::QueryRejection>,
) -> Response {
    if let Ok(upgrade) = upgrade {
        return websocket::open(hub, peer, &headers, upgrade);
    }
    let reply = match Reply::new(hub, peer, &headers) {
        Ok(reply) => reply,
        Err(response) => return *response,
    };
    let Ok(Query(parameters)) = parameters else {
        return reply.refuse(&bad_request(Message::new("http-address-unreadable")));
    };
    let json = |text: Option<String>| text.map(|text| serde_json::from_str(&text)).transpose();
    match (json(parameters.variables), json(parameters.extensions)) {
        (Ok(variables), Ok(extensions)) => {
            let AddressParameters { query, operation_name, .. } = parameters;
            let parameters = Parameters { query, operation_name, variables, extensions };
            reply.execute(parameters, Method::GET, &headers).await
        }
        (Err(_), _) | (_, Err(_)) => reply.refuse(&bad_request(Message::new("http-body-not-json"))),
    }
}

/// Refuses every other method.
pub async fn other_method(
    State(hub): State<Hub>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Response {
    match Reply::new(hub, peer, &headers) {
        Ok(reply) => {
            let fault = Fault::new(Code::MethodNotAllowed, Message::new("http-method"));
            reply.respond(&Answered { allow: Some("GET, POST"), ..reply.refused(&fault) })
        }
        Err(response) => *response,
    }
}

impl Reply {
    fn new(hub: Hub, peer: SocketAddr, headers: &HeaderMap) -> Result<Self, Box<Response>> {
        let asker = Asker::anonymous(hub, headers).from(peer.ip());
        let anew = headers
            .get_all(header::CACHE_CONTROL)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|word| ["no-cache", "no-store"].iter().any(|no| word.trim().eq_ignore_ascii_case(no)));
        match answer_for(headers) {
            Some(answer) => Ok(Self { asker, answer, anew }),
            None => {
                let reply = Self { asker, answer: Answer::Response, anew };
                let fault = bad_request(Message::new("http-accept"));
                let answered = reply.refused_as(StatusCode::NOT_ACCEPTABLE, &fault);
                Err(Box::new(reply.response(answered.status, answered.body)))
            }
        }
    }

    /// The answer to whoever shows who they are in these headers, or to anybody.
    async fn execute(self, parameters: Parameters, method: Method, headers: &HeaderMap) -> Response {
        let Self { asker, answer, anew } = self;
        let known = match Shown::of(headers) {
            Ok(shown) => asker.clone().identified(shown).await,
            Err(fault) => Err(fault),
        };
        match known {
            Ok(asker) => Self { asker, answer, anew }.answer_to(parameters, method).await,
            Err(fault) => Self { asker, answer, anew }.refuse(&fault),
        }
    }

    /// An answer that is kept, or else made. An error is never kept.
    async fn answer_to(self, parameters: Parameters, method: Method) -> Response {
        if let Answer::Events(last) = &self.answer {
            return match self.events(parameters, &method, last.clone()).await {
                Ok(response) => response,
                Err(answered) => self.respond(&answered),
            };
        }
        let source = if self.anew { Source::Wanted } else { Source::Unkept };
        let key = match self.key_of(&parameters, &method).await {
            Ok(key) => key,
            Err(answered) => return self.respond(&answered),
        };
        let made = self.executed(parameters, method, key.map(|key| key.position()));
        let outcome = match key {
            Some(key) => self.asker.hub.kept().answer(key, made).await,
            None => made.await.map(|body| (body, source)).map_err(Arc::new),
        };
        match outcome {
            Ok((body, source)) => {
                let mut response = self.response(StatusCode::OK, body);
                if *self.asker.viewer == Viewer::Anonymous {
                    response.headers_mut().insert(CACHE_STATUS, HeaderValue::from_static(source.status()));
                }
                response
            }
            Err(answered) => self.respond(&answered),
        }
    }

    /// The key of an answer that may be kept; null: it has to be made. Whoever needs a database that cannot be reached is
    /// told so when it is made.
    async fn key_of(&self, parameters: &Parameters, method: &Method) -> Result<Option<Key>, Answered> {
        // What somebody may see is for nobody else; and what may be a mutation is executed each time.
        let may_be_kept = |query: &String| !query.contains("mutation");
        let is_anybody = *self.asker.viewer == Viewer::Anonymous;
        if self.anew || !is_anybody || !parameters.query.as_ref().is_some_and(may_be_kept) {
            return Ok(None);
        }
        let wanted: Vec<&str> = self.asker.languages.wanted().iter().map(AsRef::as_ref).collect();
        // A refusal has another status for older clients, and a mutation another one by GET.
        let asked = Asked::digest(&(parameters, wanted, self.answer == Answer::Legacy, method.as_str()));
        let Some(asked) = asked else { return Ok(None) };
        match tokio::time::timeout(ANSWER_WITHIN, self.asker.hub.position()).await {
            Ok(position) => Ok(position.map(|position| self.asker.hub.kept().key(asked, position, Instant::now()))),
            Err(_) => Err(self.refused(&execution::too_slow())),
        }
    }

    /// The body of an answer without errors, or what else there is to say.
    async fn executed(&self, parameters: Parameters, method: Method, position: Option<i64>) -> Result<Bytes, Answered> {
        let mut prepared = self.asker.prepare(parameters).map_err(|short| self.short(short))?;
        let name = prepared.request.operation_name.clone();
        let document = prepared.request.parsed_query().ok();
        let may_be_got = document.is_none_or(|document| is_query(&document.operations, name.as_deref()));
        if method == Method::GET && !may_be_got {
            let fault = Fault::new(Code::MethodNotAllowed, Message::new("http-get-query-only"));
            return Err(Answered { allow: Some("POST"), ..self.refused(&fault) });
        }
        if prepared.operation == Some(OperationType::Subscription) {
            return Err(self.refused(&bad_request(Message::new("http-subscription"))));
        }
        self.asker.execute(prepared, position).await.map_err(|short| self.short(short))
    }

    /// The answer as a stream of events; what is refused before it begins is an ordinary answer.
    async fn events(
        &self,
        parameters: Parameters,
        method: &Method,
        last: Option<String>,
    ) -> Result<Response, Answered> {
        let prepared = self.asker.prepare(parameters).map_err(|short| self.short(short))?;
        if *method == Method::GET && prepared.operation == Some(OperationType::Mutation) {
            let fault = Fault::new(Code::MethodNotAllowed, Message::new("http-get-query-only"));
            return Err(Answered { allow: Some("POST"), ..self.refused(&fault) });
        }
        sse::stream(&self.asker, prepared, last).await.map_err(|short| self.short(short))
    }

    fn short(&self, short: Short) -> Answered {
        match short {
            Short::Refused(fault) => self.refused(&fault),
            Short::Unexecuted(errors) => self.unexecuted(errors),
            Short::Partial(body) => Answered { status: StatusCode::OK, body, allow: None },
        }
    }

    /// Answers that nothing ran: no data, and a status that says so unless the client is an older one.
    fn unexecuted(&self, errors: Vec<Value>) -> Answered {
        let status = match self.answer {
            Answer::Response | Answer::Events(_) => StatusCode::BAD_REQUEST,
            Answer::Legacy => StatusCode::OK,
        };
        answered(status, &json!({ "errors": errors }))
    }

    fn refuse(&self, fault: &Fault) -> Response {
        self.respond(&self.refused(fault))
    }

    fn refused(&self, fault: &Fault) -> Answered {
        self.refused_as(status_of(fault.code()), fault)
    }

    fn refused_as(&self, status: StatusCode, fault: &Fault) -> Answered {
        answered(status, &json!({ "errors": [self.asker.error_of(fault)] }))
    }

    fn respond(&self, answered: &Answered) -> Response {
        let mut response = self.response(answered.status, answered.body.clone());
        if let Some(methods) = answered.allow {
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(methods));
        }
        response
    }

    fn response(&self, status: StatusCode, body: Bytes) -> Response {
        let media_type = match self.answer {
            Answer::Response => "application/graphql-response+json; charset=utf-8",
            // Refused before there was an event.
            Answer::Legacy | Answer::Events(_) => "application/json; charset=utf-8",
        };
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
            (header::VARY, HeaderValue::from_static("Accept, Accept-Language, Authorization, Cookie")),
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        ];
        let mut response = (status, headers, body).into_response();
        if *self.asker.viewer != Viewer::Anonymous {
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

fn answered(status: StatusCode, body: &impl Serialize) -> Answered {
    match serde_json::to_vec(body) {
        // What is kept is weighed by its length: without spare capacity.
        Ok(body) => Answered { status, body: body.into_boxed_slice().into(), allow: None },
        Err(error) => {
            tracing::error!(%error, "an answer could not be written");
            Answered { status: StatusCode::INTERNAL_SERVER_ERROR, body: Bytes::new(), allow: None }
        }
    }
}

fn is_query(operations: &DocumentOperations, name: Option<&str>) -> bool {
    let kinds = |kind: OperationType| kind == OperationType::Query;
    match (operations, name) {
        (DocumentOperations::Single(operation), _) => kinds(operation.node.ty),
        (DocumentOperations::Multiple(operations), Some(name)) => {
            operations.get(name).is_none_or(|operation| kinds(operation.node.ty))
        }
        (DocumentOperations::Multiple(operations), None) => {
            operations.values().all(|operation| kinds(operation.node.ty))
        }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = media_type.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    let is_utf8 = parts.all(|parameter| match parameter.split_once('=') {
        Some((name, value)) if name.eq_ignore_ascii_case("charset") => {
            value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        _ => true,
    });
    is_utf8 && (essence == "application/json" || essence == "application/graphql+json")
}

/// The media type that the client likes best; null when it takes neither.
fn answer_for(headers: &HeaderMap) -> Option<Answer> {
    let accepted: Vec<&str> = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    if accepted.iter().all(|entry| entry.trim().is_empty()) {
        return Some(Answer::Response);
    }
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let mut best: Option<(f32, Answer)> = None;
    for entry in accepted {
        let mut parts = entry.split(';').map(str::trim);
        let answer = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "application/graphql-response+json" | "*/*" | "application/*" => Answer::Response,
            "application/json" => Answer::Legacy,
            "text/event-stream" => Answer::Events(last.clone()),
            _ => continue,
        };
        let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(1.0, |q| q.parse().unwrap_or(0.0));
        if quality > 0.0 && best.as_ref().is_none_or(|(best, _)| quality > *best) {
            best = Some((quality, answer));
        }
    }
    best.map(|(_, answer)| answer)
}

/// The HTTP status of a code.
pub fn status_of(code: Code) -> StatusCode {
    match code {
        Code::BadUserInput
        | Code::NotEligible
        | Code::BadRequest
        | Code::GraphqlParseFailed
        | Code::GraphqlValidationFailed
        | Code::QueryTooComplex
        | Code::CursorMalformed
        | Code::CursorExpired
        | Code::CursorAhead => StatusCode::BAD_REQUEST,
        Code::TooManySubscriptions => StatusCode::TOO_MANY_REQUESTS,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::Forbidden => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::Conflict => StatusCode::CONFLICT,
        Code::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Code::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Code::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Code::ServiceUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::InternalServerError => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
