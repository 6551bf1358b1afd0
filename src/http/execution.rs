//! Executing a document, whatever transport it came by.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_graphql::parser::types::OperationType;
use async_graphql::{Request, ServerError, Variables};
use axum::body::Bytes;
use axum::http::{HeaderMap, header};
use futures_util::FutureExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::changes::cursor::Cursor;
use crate::db::{audit, write};
use crate::domain::{account, permission};
use crate::error::{Code, Fault};
use crate::graph::pace::Pace;
use crate::graph::scope::Scope;
use crate::graph::{limits, live, omitted};
use crate::http::caller::Shown;
use crate::http::{self, Hub};
use crate::loaders::Reader;
use crate::loaders::shelf::Shelf;
use crate::policy::Viewer;
use crate::text::language::Languages;
use crate::text::messages::Message;

/// How long an answer may take.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// The most errors that one answer holds.
const MAX_ERRORS: usize = 100;

/// How long rights count as those of this moment.
const RIGHTS_LAST: Duration = Duration::from_millis(100);

/// How much of an operation's name the audit keeps, in characters.
const MAX_NAME_CHARS: usize = 100;

/// From how many fields on an operation counts as wide: each takes about a kilobyte while it is resolved.
const WIDE_FIELDS: u64 = 1_000;

/// The longest sentence of an error that the library words, in characters; it may echo the request.
const MAX_MESSAGE_CHARS: usize = 300;

/// What a client asks, as GraphQL over HTTP names its parts.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Parameters {
    /// The document.
    pub query: Option<String>,
    /// Which of its operations.
    pub operation_name: Option<String>,
    /// The values of its variables, an object.
    pub variables: Option<Value>,
    /// What else there is, an object; nothing is read from it.
    pub extensions: Option<Value>,
}

/// The answer of a document that ran.
#[derive(Serialize)]
struct Executed<'a> {
    data: &'a async_graphql::Value,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Value>,
}

/// Who asks: the viewer, in which languages.
#[derive(Clone)]
pub struct Asker {
    /// The hub that is asked.
    pub hub: Hub,
    /// Who it is.
    pub viewer: Arc<Viewer>,
    /// The languages to answer in.
    pub languages: Languages,
    /// How far the change log was known before it was looked up who they are; null: nothing had to be.
    known_at: Option<Cursor>,
    /// Where the request comes from; null: not known.
    address: Option<IpAddr>,
}

/// Why there is no whole answer.
#[derive(Debug)]
pub enum Short {
    /// The request was refused before anything ran.
    Refused(Fault),
    /// The document was refused; its errors as they are written.
    Unexecuted(Vec<Value>),
    /// It ran, and some fields failed; the whole body.
    Partial(Bytes),
}

impl From<Fault> for Short {
    fn from(fault: Fault) -> Self {
        Self::Refused(fault)
    }
}

/// A request that is well-formed and within the limits.
pub struct Prepared {
    /// The request, its document parsed.
    pub request: Request,
    /// What the operation is; null: the name leads to none, which its execution will say.
    pub operation: Option<OperationType>,
    /// What the operation is called; null: it has no name.
    pub name: Option<String>,
    /// Whether it resolves so many fields that its answer takes megabytes while it is made.
    pub is_wide: bool,
}

impl Asker {
    /// Somebody whom the hub knows by itself.
    pub fn new(hub: Hub, viewer: Viewer, languages: Languages) -> Self {
        Self { hub, viewer: Arc::new(viewer), languages, known_at: None, address: None }
    }

    /// Whoever sent a request, as anybody.
    pub fn anonymous(hub: Hub, headers: &HeaderMap) -> Self {
        let wished = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let languages = Languages::accept(wished, hub.default_language().clone());
        Self::new(hub, Viewer::Anonymous, languages)
    }

    /// The same who asks, from this address.
    pub fn from(self, address: IpAddr) -> Self {
        Self { address: Some(address), ..self }
    }

    /// How often they may do what others have to read: by who they are, else by where they ask from.
    fn pace(&self) -> Pace {
        let sender = match (self.viewer.identity(), self.address) {
            (Some(identity), _) => format!("account:{}", identity.account()),
            (None, Some(IpAddr::V4(address))) => format!("address:{address}"),
            // Whoever has one address of a network of 64 bits has all of it.
            (None, Some(IpAddr::V6(address))) => {
                let [a, b, c, d, ..] = address.segments();
                format!("network:{a:x}:{b:x}:{c:x}:{d:x}")
            }
            (None, None) => "unknown".to_owned(),
        };
        Pace::new(self.hub.paces(), sender)
    }

    /// The same who asks, known by what they show. Nothing is shown: anybody. What does not hold is `UNAUTHENTICATED`.
    pub async fn identified(self, shown: Option<Shown>) -> Result<Self, Fault> {
        let Some(shown) = shown else { return Ok(self) };
        let known_at = Some(self.hub.tail().applied());
        let mut conn = self.hub.db().connection().await?;
        match shown.identity(&mut conn).await? {
            Some(identity) => Ok(Self { viewer: Arc::new(Viewer::Known(Box::new(identity))), known_at, ..self }),
            None => Ok(self),
        }
    }

    /// The same who asks, with the rights that they have by now; `UNAUTHENTICATED` when what they showed holds no longer.
    pub async fn current(&self) -> Result<Self, Fault> {
        let Some(identity) = self.viewer.identity() else { return Ok(self.clone()) };
        let known_at = Some(self.hub.tail().applied());
        let mut conn = self.hub.db().connection().await?;
        let seen = account::store::by_credential(&mut conn, identity.credential()).await?;
        let seen = seen.ok_or_else(permission::ended)?;
        Ok(Self { viewer: Arc::new(Viewer::Known(Box::new(seen.identity))), known_at, ..self.clone() })
    }

    /// Notes what was read of people that is not for everybody, before it is given away.
    pub async fn note_readings(&self, scope: &Scope, operation: Option<&str>) -> Result<(), Fault> {
        let readings = scope.take_readings();
        if readings.is_empty() {
            return Ok(());
        }
        let operation: String = operation.unwrap_or_default().chars().take(MAX_NAME_CHARS).collect();
        let author = write::author(&self.viewer, &operation);
        audit::readings(&mut *self.hub.db().connection().await?, &author, readings).await
    }

    /// Reads a request as far as it can be judged without running it.
    pub fn prepare(&self, parameters: Parameters) -> Result<Prepared, Short> {
        let mut request = request_of(parameters)?;
        let (variables, name) = (request.variables.clone(), request.operation_name.clone());
        let document = match request.parsed_query() {
            Ok(document) => document,
            Err(error) => {
                return Err(Short::Unexecuted(vec![self.library_error(&error, Code::GraphqlParseFailed)]));
            }
        };
        let is_wide = match limits::check(document, &variables) {
            Ok(fields) => fields >= WIDE_FIELDS,
            Err(fault) => return Err(Short::Unexecuted(vec![self.error_of(&fault)])),
        };
        let operation = live::operation(document, name.as_deref()).map(|operation| operation.ty);
        let name = name.or_else(|| live::name_of_only(document));
        if operation == Some(OperationType::Mutation) {
            let document = omitted::taken_out(document, name.as_deref(), &variables);
            request.set_parsed_query(document);
        }
        Ok(Prepared { request, operation, name, is_wide })
    }

    /// A scope that reads from now on, and from a shelf.
    pub fn scope(&self, shelf: Option<Arc<Shelf>>) -> Scope {
        // The log first: whatever is read is not older, and neither is what lies on the shelf.
        let mut applied = self.hub.tail().applied();
        if let Some(known_at) = self.known_at {
            applied.position = applied.position.min(known_at.position);
        }
        if let Some(shelf) = &shelf {
            applied.position = applied.position.min(shelf.position());
        }
        let reader = Reader::new(self.hub.db().clone(), self.viewer.clone(), shelf);
        Scope::new(reader, self.languages.clone(), http::now(), applied)
    }

    /// The body of an answer without errors, or what else there is to say. `position` is where the log stood after the
    /// request came; null: nothing that others loaded may be used.
    pub async fn execute(&self, prepared: Prepared, position: Option<i64>) -> Result<Bytes, Short> {
        // What a mutation answers is read after it wrote.
        let position = position.filter(|_| prepared.operation == Some(OperationType::Query));
        let execution = async {
            let waiting = Instant::now();
            let _turn = self.hub.turn(prepared.is_wide).await?;
            // Rights may have ended while it waited.
            let renewed = if waiting.elapsed() > RIGHTS_LAST { Some(self.current().await?) } else { None };
            let asker = renewed.as_ref().unwrap_or(self);
            // Not before: whoever waits for a turn holds nothing in memory.
            let shelf = position.map(|position| self.hub.shelves().at(position, Instant::now()));
            let scope = asker.scope(shelf);
            let request = prepared.request.data(scope.clone()).data(asker.pace());
            // Tokio's budget would pause the resolvers after 128 loads and so split their batches.
            let response = tokio::task::unconstrained(self.hub.schema().execute(request)).await;
            asker.note_readings(&scope, prepared.name.as_deref()).await?;
            if prepared.operation == Some(OperationType::Mutation) {
                self.hub.catch_up().await;
            }
            Ok::<_, Fault>(response)
        };
        match tokio::time::timeout(ANSWER_WITHIN, AssertUnwindSafe(execution).catch_unwind()).await {
            Err(_) => Err(too_slow().into()),
            Ok(Ok(response)) => self.written(&response?),
            Ok(Err(_)) => Err(Fault::internal("executing a document", "a resolver panicked").into()),
        }
    }

    /// The body of a response.
    pub fn written(&self, response: &async_graphql::Response) -> Result<Bytes, Short> {
        // What has no path went wrong before anything ran.
        let ran = response.errors.iter().all(|error| !error.path.is_empty());
        let errors: Vec<Value> =
            response.errors.iter().take(MAX_ERRORS).map(|error| self.server_error(error, ran)).collect();
        if !ran {
            return Err(Short::Unexecuted(errors));
        }
        let is_whole = errors.is_empty();
        let body = serde_json::to_vec(&Executed { data: &response.data, errors })
            .map_err(|error| Fault::internal("writing an answer", error))?;
        // What is kept is weighed by its length: without spare capacity.
        let body = Bytes::from(body.into_boxed_slice());
        if is_whole { Ok(body) } else { Err(Short::Partial(body)) }
    }

    /// What went wrong, as a list of errors; null: fields failed, and the body says so itself.
    pub fn errors_of(&self, short: Short) -> Result<Vec<Value>, Bytes> {
        match short {
            Short::Refused(fault) => Ok(vec![self.error_of(&fault)]),
            Short::Unexecuted(errors) => Ok(errors),
            Short::Partial(body) => Err(body),
        }
    }

    /// An error of a response; `ran`: whether anything did.
    pub fn server_error(&self, error: &ServerError, ran: bool) -> Value {
        let fault = error.source.as_ref().and_then(|source| source.downcast_ref::<Fault>());
        let mut answer = match fault {
            Some(fault) => self.error_of(fault),
            None if ran => return self.library_error(error, Code::BadUserInput),
            None => return self.library_error(error, Code::GraphqlValidationFailed),
        };
        if let Some(object) = answer.as_object_mut() {
            object.insert("locations".to_owned(), json!(error.locations));
            object.insert("path".to_owned(), json!(error.path));
        }
        answer
    }

    /// An error of ours: logged here, once, when there is more to it than the client is told.
    pub fn error_of(&self, fault: &Fault) -> Value {
        let mut fault = fault.clone();
        if let Some(cause) = fault.cause().map(str::to_owned) {
            let reference = self.hub.reference();
            tracing::error!(reference, code = fault.code().as_ref(), cause, "fault");
            fault = fault.with_reference(&reference);
        }
        let message = fault.message().sentence(&self.languages);
        json!({ "message": message, "extensions": { "code": fault.code().as_ref() } })
    }

    /// An error that the library words; cut, as it may echo the request.
    fn library_error(&self, error: &ServerError, code: Code) -> Value {
        let mut message: String = error.message.chars().take(MAX_MESSAGE_CHARS).collect();
        if message.len() < error.message.len() {
            message.push('…');
        }
        let mut answer = json!({ "message": message, "extensions": { "code": code.as_ref() } });
        if let Some(object) = answer.as_object_mut() {
            if !error.locations.is_empty() {
                object.insert("locations".to_owned(), json!(error.locations));
            }
            if !error.path.is_empty() {
                object.insert("path".to_owned(), json!(error.path));
            }
        }
        answer
    }
}

/// The answer took too long.
pub fn too_slow() -> Fault {
    let seconds = i64::try_from(ANSWER_WITHIN.as_secs()).unwrap_or(i64::MAX);
    Fault::new(Code::ServiceUnavailable, Message::new("http-too-slow").with("seconds", seconds))
}

fn request_of(parameters: Parameters) -> Result<Request, Fault> {
    let Some(query) = parameters.query else { return Err(bad_request(Message::new("http-query-missing"))) };
    let is_object = |value: &Option<Value>| matches!(value, None | Some(Value::Null | Value::Object(_)));
    if !is_object(&parameters.variables) || !is_object(&parameters.extensions) {
        return Err(bad_request(Message::new("http-variables-not-object")));
    }
    let mut request = Request::new(query).variables(Variables::from_json(parameters.variables.unwrap_or_default()));
    request.operation_name = parameters.operation_name.filter(|name| !name.is_empty());
    Ok(request)
}

/// The request is not of the form that is asked for.
pub fn bad_request(message: Message) -> Fault {
    Fault::new(Code::BadRequest, message)
}
