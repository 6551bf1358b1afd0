//! GraphQL over HTTP: POST with JSON, GET for queries alone.
//!
//! Own handlers, because the stock ones run mutations by GET, read any media type as JSON, take bodies of any size and
//! walk doubling fragments for minutes before they refuse them.

use std::net::SocketAddr;
use std::time::Instant;

use async_graphql::parser::types::OperationType;
use axum::body::{Body, Bytes};
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{ConnectInfo, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::error::{Code, Fault};
use crate::http::budget::BASE_COST;
use crate::http::caller::Shown;
use crate::http::documents::Named;
use crate::http::execution::{Asker, Parameters, Prepared, Short, bad_request};
use crate::http::kept::{Asked, Key, Source};
use crate::http::operations::{Outcome, Transport};
use crate::http::{Hub, body, files, sse, websocket};
use crate::policy::Viewer;
use crate::text::messages::Message;

/// How long a shared cache may keep what a named document answers, in the words of `Cache-Control`.
const SHARED: &str = "public, max-age=60";

/// Whether an answer was kept, as RFC 9211 says it.
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// The same parts in an address, where variables are a text of JSON.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AddressParameters {
    query: Option<String>,
    document_id: Option<String>,
    operation_name: Option<String>,
    variables: Option<String>,
    extensions: Option<String>,
}

/// The media types that an answer can have.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    /// `application/graphql-response+json`: the status says whether anything ran.
    Response,
    /// `application/json` for clients that take anything: the status says whether anything ran.
    Json,
    /// `application/json`, for older clients that ask for it: 200 for every well-formed request.
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

/// What is to be answered.
struct Asking<'a> {
    parameters: Parameters,
    method: Method,
    /// The headers that say which answers are known already, where caches may keep this one; null: they may not.
    known_tags: Option<&'a HeaderMap>,
}

/// An answer before its headers.
#[derive(Debug)]
pub struct Answered {
    status: StatusCode,
    body: Bytes,
    /// The methods to name where another one was used.
    allow: Option<&'static str>,
    /// When it is worth while to try again, in seconds.
    retry_after: Option<u32>,
    /// What came of the operation.
    outcome: Outcome,
}

/// Executes a document that came in a body.
pub async fn by_post(
    State(hub): State<Hub>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let reply = match Reply::new(hub, peer, &headers) {
        Ok(reply) => reply,
        Err(response) => return *response,
    };
    if !is_json(&headers) {
        return reply.refuse(&Fault::new(Code::UnsupportedMediaType, Message::new("http-media-type")));
    }
    if headers.contains_key(header::CONTENT_ENCODING) {
        return reply.refuse(&Fault::new(Code::UnsupportedMediaType, Message::new("http-encoded")));
    }
    let body = match body::read(&headers, body, reply.asker.hub.limits().body_bytes).await {
        Ok(body) => body,
        Err(fault) => return reply.refuse(&fault),
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
            let AddressParameters { query, document_id, operation_name, .. } = parameters;
            let parameters = Parameters { query, document_id, operation_name, variables, extensions };
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
        let answer = answer_for(headers);
        let transport = if matches!(answer, Some(Answer::Events(_))) { Transport::Sse } else { Transport::Http };
        let asker = Asker::of_request(hub, peer, headers).recorded(transport);
        let anew = headers
            .get_all(header::CACHE_CONTROL)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|word| ["no-cache", "no-store"].iter().any(|no| word.trim().eq_ignore_ascii_case(no)));
        let is_acceptable = answer.is_some();
        let reply = Self { asker, answer: answer.unwrap_or(Answer::Response), anew };
        if !is_acceptable {
            let fault = bad_request(Message::new("http-accept"));
            return Err(Box::new(reply.respond(&reply.refused_as(StatusCode::NOT_ACCEPTABLE, &fault))));
        }
        match reply.asker.enter(headers, BASE_COST) {
            Ok(()) => Ok(reply),
            Err(fault) => Err(Box::new(reply.refuse(&fault))),
        }
    }

    /// The answer to whoever shows who they are in these headers, or to anybody.
    async fn execute(mut self, parameters: Parameters, method: Method, headers: &HeaderMap) -> Response {
        let asked = match self.named(parameters, headers).await {
            Ok(Named { parameters, is_trusted }) => {
                let (name, document) = (parameters.operation_name.as_deref(), parameters.query.as_deref());
                self.asker.note(|record| record.asked(name, document.unwrap_or_default()));
                let known_tags = (is_trusted && method == Method::GET).then_some(headers);
                Asking { parameters, method, known_tags }
            }
            Err(fault) => return self.refuse(&fault),
        };
        let outcome = match &self.answer {
            Answer::Events(last) => self.events(asked, last.clone()).await,
            Answer::Response | Answer::Json | Answer::Legacy => self.result(asked).await,
        };
        outcome.unwrap_or_else(|answered| self.respond(&answered))
    }

    /// Finds out who asks, and for which document.
    async fn named(&mut self, parameters: Parameters, headers: &HeaderMap) -> Result<Named, Fault> {
        let hub = self.asker.hub.clone();
        let shown = Shown::of_page(headers, |origin| hub.is_trusted_with_credentials(origin))?;
        if shown.is_some() {
            self.asker = self.asker.clone().identified(shown).await?;
        }
        hub.documents().resolve(parameters, &self.asker.viewer)
    }

    /// An answer that is kept, or else made. An error is never kept.
    async fn result(&self, asking: Asking<'_>) -> Result<Response, Answered> {
        let Asking { parameters, method, known_tags } = asking;
        let hub = &self.asker.hub;
        let asked = self.asked(&parameters, &method);
        // What was found to be within the limits is not looked at again; what is not costs no statement.
        let admitted = asked.and_then(|asked| hub.admitted().cost(&asked));
        let (request, cost) = match admitted {
            Some(cost) => {
                self.asker.note(|record| record.costs(cost));
                (Err(parameters), cost)
            }
            None => {
                let prepared = self.prepare(parameters, &method)?;
                if let Some(asked) = asked {
                    hub.admitted().admit(asked, prepared.cost);
                }
                let cost = prepared.cost;
                (Ok(prepared), cost)
            }
        };
        let key = match asked {
            Some(asked) => self.key(asked).await?,
            None => None,
        };
        if !key.is_some_and(|key| hub.kept().has(&key)) {
            self.asker.spend(cost).map_err(|fault| self.refused(&fault))?;
        }
        let making = async {
            let prepared = request.or_else(|parameters| self.prepare(parameters, &method))?;
            let executed = self.asker.execute(prepared, key.map(|key| key.position())).await;
            executed.map_err(|short| self.short(short))
        };
        let (body, source) = match key {
            Some(key) => match hub.kept().answer(key, making).await {
                Ok(answer) => answer,
                Err(answered) => return Ok(self.respond(&answered)),
            },
            None => (making.await?, if self.anew { Source::Wanted } else { Source::Unkept }),
        };
        self.asker.note(|record| record.answered(source));
        if *self.asker.viewer != Viewer::Anonymous {
            return Ok(self.response(StatusCode::OK, body));
        }
        let mut response = match known_tags {
            Some(headers) => self.shared(body, headers),
            None => self.response(StatusCode::OK, body),
        };
        response.headers_mut().insert(CACHE_STATUS, HeaderValue::from_static(source.status()));
        Ok(response)
    }

    /// What is asked, if its answer may be kept; null: it has to be made.
    fn asked(&self, parameters: &Parameters, method: &Method) -> Option<Asked> {
        // What somebody may see is for nobody else; and what may be a mutation is executed each time.
        let may_be_kept = |query: &String| !query.contains("mutation");
        let is_anybody = *self.asker.viewer == Viewer::Anonymous;
        if self.anew || !is_anybody || !parameters.query.as_ref().is_some_and(may_be_kept) {
            return None;
        }
        let wanted: Vec<&str> = self.asker.languages.wanted().iter().map(AsRef::as_ref).collect();
        // A refusal has another status for older clients, and a mutation another one by GET.
        Asked::digest(&(parameters, wanted, self.answer == Answer::Legacy, method.as_str()))
    }

    /// The key of an answer that may be kept; null: it has to be made. Whoever needs a database that cannot be reached is
    /// told so when it is made.
    async fn key(&self, asked: Asked) -> Result<Option<Key>, Answered> {
        match tokio::time::timeout(self.asker.hub.operation_within(), self.asker.hub.position()).await {
            Ok(position) => Ok(position.map(|position| self.asker.hub.kept().key(asked, position, Instant::now()))),
            Err(_) => Err(self.refused(&self.asker.too_slow())),
        }
    }

    /// A request that can be executed as it came.
    fn prepare(&self, parameters: Parameters, method: &Method) -> Result<Prepared, Answered> {
        let prepared = self.asker.prepare(parameters).map_err(|short| self.short(short))?;
        let is_events = matches!(self.answer, Answer::Events(_));
        if method == Method::GET && !prepared.is_read {
            let fault = Fault::new(Code::MethodNotAllowed, Message::new("http-get-query-only"));
            return Err(Answered { allow: Some("POST"), ..self.refused(&fault) });
        }
        if prepared.operation == Some(OperationType::Subscription) && !is_events {
            return Err(self.refused(&bad_request(Message::new("http-subscription"))));
        }
        Ok(prepared)
    }

    /// The answer as a stream of events; what is refused before it begins is an ordinary answer.
    async fn events(&self, asking: Asking<'_>, last: Option<String>) -> Result<Response, Answered> {
        let prepared = self.prepare(asking.parameters, &asking.method)?;
        self.asker.spend(prepared.cost).map_err(|fault| self.refused(&fault))?;
        sse::stream(&self.asker, prepared, last).await.map_err(|short| self.short(short))
    }

    /// The answer to a named document, which caches on the way may keep for a minute; nothing but its headers for those who
    /// have it already.
    fn shared(&self, body: Bytes, headers: &HeaderMap) -> Response {
        let digest = Sha256::digest(&body);
        let tag: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let tag = format!("\"{tag}\"");
        let mut response = if files::is_known(&tag, headers) {
            self.response(StatusCode::NOT_MODIFIED, Bytes::new())
        } else {
            self.response(StatusCode::OK, body)
        };
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(SHARED));
        // Hexadecimal digits and quotation marks.
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }

    fn short(&self, short: Short) -> Answered {
        match short {
            Short::Refused(fault) => self.refused(&fault),
            Short::Unexecuted(errors) => self.unexecuted(errors),
            Short::Partial(body) => {
                Answered { status: StatusCode::OK, body, allow: None, retry_after: None, outcome: Outcome::Partial }
            }
        }
    }

    /// Answers that nothing ran: no data, and a status that says so unless the client is an older one.
    fn unexecuted(&self, errors: Vec<Value>) -> Answered {
        let status = match self.answer {
            Answer::Response | Answer::Json | Answer::Events(_) => StatusCode::BAD_REQUEST,
            Answer::Legacy => StatusCode::OK,
        };
        let outcome = Outcome::of_errors(&errors);
        answered(status, &json!({ "errors": errors }), outcome)
    }

    fn refuse(&self, fault: &Fault) -> Response {
        self.respond(&self.refused(fault))
    }

    fn refused(&self, fault: &Fault) -> Answered {
        // Clients that send hashes look for this one in the answer itself.
        if fault.code() == Code::PersistedQueryNotFound {
            return self.unexecuted(vec![self.asker.error_of(fault)]);
        }
        self.refused_as(status_of(fault.code()), fault)
    }

    fn refused_as(&self, status: StatusCode, fault: &Fault) -> Answered {
        let outcome = Outcome::of_fault(fault);
        let answered = answered(status, &json!({ "errors": [self.asker.error_of(fault)] }), outcome);
        Answered { retry_after: fault.worth_retrying_after(), ..answered }
    }

    fn respond(&self, answered: &Answered) -> Response {
        self.asker.note(|record| record.ended(answered.outcome.clone()));
        let mut response = self.response(answered.status, answered.body.clone());
        if let Some(methods) = answered.allow {
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(methods));
        }
        if let Some(seconds) = answered.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    fn response(&self, status: StatusCode, body: Bytes) -> Response {
        let media_type = match self.answer {
            Answer::Response => "application/graphql-response+json; charset=utf-8",
            // Refused before there was an event.
            Answer::Json | Answer::Legacy | Answer::Events(_) => "application/json; charset=utf-8",
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

fn answered(status: StatusCode, body: &impl Serialize, outcome: Outcome) -> Answered {
    match serde_json::to_vec(body) {
        // What is kept is weighed by its length: without spare capacity.
        Ok(body) => Answered { status, body: body.into_boxed_slice().into(), allow: None, retry_after: None, outcome },
        Err(error) => {
            tracing::error!(%error, "an answer could not be written");
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            Answered { status, body: Bytes::new(), allow: None, retry_after: None, outcome }
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
    let entries: Vec<(String, f32)> = accepted.iter().map(|entry| weighed(entry)).collect();
    let forms = [
        ("application/graphql-response+json", Answer::Response),
        ("application/json", Answer::Legacy),
        ("text/event-stream", Answer::Events(last)),
        ("application/json", Answer::Json),
    ];
    let mut best: Option<(f32, usize, Answer)> = None;
    for (media_type, answer) in forms {
        // Whoever names JSON is an older client; whoever takes anything is not.
        let is_named = answer != Answer::Json;
        let matched = entries.iter().enumerate().filter(|(_, (range, _))| {
            if is_named { range == media_type } else { range == "*/*" || range == "application/*" }
        });
        let Some((place, (_, quality))) = matched.min_by(|(_, (_, one)), (_, (_, other))| other.total_cmp(one)) else {
            continue;
        };
        // What is named as not wanted is not wanted, whatever else is taken.
        let is_refused = entries.iter().any(|(range, quality)| range == media_type && *quality <= 0.0);
        let is_better = best.as_ref().is_none_or(|(best, at, _)| quality > best || (quality == best && place < *at));
        if *quality > 0.0 && !is_refused && is_better {
            best = Some((*quality, place, answer));
        }
    }
    best.map(|(_, _, answer)| answer)
}

/// A media range of an `Accept` header, and how much it is wanted.
fn weighed(entry: &str) -> (String, f32) {
    let mut parts = entry.split(';').map(str::trim);
    let range = parts.next().unwrap_or_default().to_ascii_lowercase();
    let quality = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("q")
            .then(|| value.trim().parse::<f32>().ok().filter(|q| (0.0..=1.0).contains(q)))
    });
    (range, quality.map_or(1.0, |quality| quality.unwrap_or(0.0)))
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
        | Code::PersistedQueryNotFound
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
        Code::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
        // It ran, as far as it did.
        Code::Unavailable => StatusCode::OK,
        Code::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Code::ServiceUnavailable | Code::StorageLow => StatusCode::SERVICE_UNAVAILABLE,
        Code::InternalServerError => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[cfg(test)]
mod accepted {
    use proptest::prelude::*;

    use super::*;

    fn answer(lines: &[&[u8]]) -> Option<Answer> {
        let mut headers = HeaderMap::new();
        for line in lines {
            if let Ok(value) = HeaderValue::from_bytes(line) {
                headers.append(header::ACCEPT, value);
            }
        }
        answer_for(&headers)
    }

    fn one(text: &str) -> Option<Answer> {
        answer(&[text.as_bytes()])
    }

    proptest! {
        #[test]
        fn no_accept_header_panics_and_what_names_none_of_ours_is_refused(
            bytes in prop::collection::vec(any::<u8>(), 0..60), text in "[a-z*/;,=.q0-9 +-]{1,80}",
        ) {
            answer(&[&bytes, text.as_bytes()]);
            let names_any = ["application/", "*/*", "text/event-stream"].iter().any(|name| text.contains(name));
            let is_blank = text.split(',').all(|entry| entry.trim().is_empty());
            prop_assert!(names_any || is_blank == one(&text).is_some(), "{}", text);
        }

        #[test]
        fn what_is_named_among_others_is_answered_unless_its_weight_is_nothing(
            before in "[a-z]{1,8}/[a-z+]{1,8}", after in "[a-z]{1,8}/[a-z+]{1,8}", thousandths in 0..=1_000_u16,
            chosen in prop::sample::select(vec![
                ("application/graphql-response+json", Answer::Response),
                ("APPLICATION/JSON", Answer::Legacy),
                ("text/event-stream", Answer::Events(None)),
            ]),
        ) {
            let (name, expected) = chosen;
            let weight = format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000);
            let found = one(&format!("{before},{name} ; q={weight}, {after};q=1"));
            prop_assert_eq!(found, (thousandths > 0).then_some(expected));
        }
    }
}
