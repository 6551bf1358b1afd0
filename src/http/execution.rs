//! Executing a document, whatever transport it came by.

use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_graphql::parser::types::{DocumentOperations, OperationType};
use async_graphql::{Request, Response, ServerError, Variables};
use axum::body::Bytes;
use axum::http::{HeaderMap, header};
use futures_util::FutureExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tracing::{Instrument, Span};

use crate::changes::cursor::Cursor;
use crate::db::{Db, audit, write};
use crate::domain::{account, permission};
use crate::error::{Code, Exceeded, Fault};
use crate::graph::pace::Pace;
use crate::graph::scope::Scope;
use crate::graph::{limits, live, omitted};
use crate::http::caller::{self, Shown};
use crate::http::operations::{Origin, Outcome, Record, Transport};
use crate::http::places::Place;
use crate::http::{self, Hub};
use crate::loaders::Reader;
use crate::loaders::shelf::Shelf;
use crate::policy::Viewer;
use crate::text::language::Languages;
use crate::text::messages::Message;

/// How long rights count as those of this moment.
const RIGHTS_LAST: Duration = Duration::from_millis(100);

/// How much of an operation's name the audit keeps, in characters.
const MAX_NAME_CHARS: usize = 100;

/// From how many fields on an operation counts as wide: each takes about a kilobyte while it is resolved.
const WIDE_FIELDS: u64 = 1_000;

/// From how many bytes on a document is parsed anew when its turn comes, rather than kept parsed until then.
const LARGE_BYTES: usize = 8 * 1024;

/// The largest number that is told: the largest that JavaScript knows exactly.
const MAX_TOLD: u64 = (1 << 53) - 1;

/// The longest sentence of an error, in characters; what the library words may name what the request names.
const MAX_MESSAGE_CHARS: usize = 300;

/// What a client asks, as GraphQL over HTTP names its parts.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Parameters {
    /// The document.
    pub query: Option<String>,
    /// The name of a document that the hub has; it stands for `query`.
    pub document_id: Option<String>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    extensions: Option<Extensions>,
}

/// What else an answer tells.
#[derive(Clone, Copy, Serialize)]
struct Extensions {
    cost: Cost,
}

/// What an operation costs: fields, when every page is full.
#[derive(Clone, Copy, Serialize)]
struct Cost {
    requested: u64,
    allowed: u64,
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
    /// By what the log tells it from others.
    origin: Origin,
    /// What is noted of the operation that they ask for; null: nothing.
    record: Option<Arc<Record>>,
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
    /// How many fields it resolves when every page is full.
    pub cost: u64,
    /// Whether it changes nothing: a query, or a subscription, which is only read too. Where it cannot be told which operation is
    /// meant, none of them may.
    pub is_read: bool,
}

impl Prepared {
    /// Whether it resolves so many fields that its answer takes megabytes while it is made.
    fn is_wide(&self) -> bool {
        self.cost >= WIDE_FIELDS
    }
}

impl Asker {
    /// Somebody whom the hub knows by itself.
    pub fn new(hub: Hub, viewer: Viewer, languages: Languages) -> Self {
        let viewer = Arc::new(viewer);
        Self { hub, viewer, languages, known_at: None, address: None, origin: Origin::default(), record: None }
    }

    /// Whoever sent a request, as anybody.
    pub fn anonymous(hub: Hub, headers: &HeaderMap) -> Self {
        let wished = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let languages = Languages::accept(wished, hub.default_language().clone());
        Self { origin: Origin::of(headers), ..Self::new(hub, Viewer::Anonymous, languages) }
    }

    /// The same who asks, answered in these languages.
    pub fn reading(self, languages: Languages) -> Self {
        Self { languages, ..self }
    }

    /// The same who asks for an operation that begins now: it is noted.
    pub fn recorded(self, transport: Transport) -> Self {
        let record = Record::begin(self.hub.operations().clone(), self.origin.clone(), transport);
        Self { record: Some(Arc::new(record)), ..self }
    }

    /// The same who asks, for what is done for others too: of that nothing is noted.
    pub fn unrecorded(self) -> Self {
        Self { record: None, origin: Origin::default(), ..self }
    }

    /// Adds to what is noted of the operation, if anything is.
    pub fn note(&self, add: impl FnOnce(&Record)) {
        if let Some(record) = &self.record {
            add(record);
        }
    }

    /// The database, which counts what the operation sends.
    fn db(&self) -> Db {
        match &self.record {
            Some(record) => self.hub.db().counted(record.tally().clone()),
            None => self.hub.db().clone(),
        }
    }

    /// The same who asks, from this address.
    pub fn from(self, address: IpAddr) -> Self {
        Self { address: Some(address), ..self }
    }

    /// Whoever sent a request to this hub, as anybody, from where the proxies that are believed say.
    pub fn of_request(hub: Hub, peer: SocketAddr, headers: &HeaderMap) -> Self {
        let address = hub.address_of(peer, headers);
        Self::anonymous(hub, headers).from(address)
    }

    /// What tells them from others: who they are, else where they ask from.
    pub fn sender(&self) -> String {
        match (self.viewer.identity(), self.address) {
            (Some(identity), _) => format!("account:{}", identity.account()),
            (None, Some(address)) => caller::name_of(address),
            (None, None) => "unknown".to_owned(),
        }
    }

    /// Pays for a request before anything is read or looked up for it, by where it comes from. Those who show something are
    /// counted apart: whoever guesses at tokens keeps nobody else at their address from asking.
    pub fn enter(&self, headers: &HeaderMap, cost: u32) -> Result<(), Fault> {
        let shows_something = headers.contains_key(header::AUTHORIZATION) || headers.contains_key(header::COOKIE);
        let sender = self.sender();
        let payer = if shows_something { format!("known at {sender}") } else { sender };
        self.hub.budgets().spend(&payer, u64::from(cost))
    }

    /// Uses up a part of what they may ask for in a minute.
    pub fn spend(&self, cost: u64) -> Result<(), Fault> {
        self.hub.budgets().spend(&self.sender(), cost)
    }

    /// A place for a stream of theirs.
    pub fn place(&self) -> Result<Place, Fault> {
        self.hub.places().take(self.sender(), self.most_streams())
    }

    /// How many streams they may have open.
    pub fn most_streams(&self) -> usize {
        let limits = self.hub.limits();
        if self.viewer.identity().is_some() { limits.streams_per_account } else { limits.streams_per_address }
    }

    /// How often they may do what others have to read.
    fn pace(&self) -> Pace {
        Pace::new(self.hub.paces(), self.sender())
    }

    /// The same who asks, known by what they show. Nothing is shown: anybody. What does not hold is `UNAUTHENTICATED`.
    pub async fn identified(self, shown: Option<Shown>) -> Result<Self, Fault> {
        let Some(shown) = shown else { return Ok(self) };
        let known_at = Some(self.hub.tail().applied());
        let mut conn = self.db().connection().await?;
        match shown.identity(&mut conn).await? {
            Some(identity) => Ok(Self { viewer: Arc::new(Viewer::Known(Box::new(identity))), known_at, ..self }),
            None => Ok(self),
        }
    }

    /// The same who asks, with the rights that they have by now; `UNAUTHENTICATED` when what they showed holds no longer.
    pub async fn current(&self) -> Result<Self, Fault> {
        let Some(identity) = self.viewer.identity() else { return Ok(self.clone()) };
        let known_at = Some(self.hub.tail().applied());
        let mut conn = self.db().connection().await?;
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
        audit::readings(&mut *self.db().connection().await?, &author, readings).await
    }

    /// Reads a request as far as it can be judged without running it, and without the database.
    pub fn prepare(&self, parameters: Parameters) -> Result<Prepared, Short> {
        let limits = self.hub.limits();
        let refused = |fault: Fault| Short::Unexecuted(vec![self.error_of(&fault)]);
        let mut request = request_of(parameters)?;
        limits::check_text(&request.query, limits).map_err(refused)?;
        let (variables, name) = (request.variables.clone(), request.operation_name.clone());
        let document = match request.parsed_query() {
            Ok(document) => document,
            Err(error) => return Err(Short::Unexecuted(vec![self.parse_error(&error)])),
        };
        let operation = live::operation(document, name.as_deref()).map(|operation| operation.ty);
        let called = name.clone().or_else(|| live::name_of_only(document));
        self.note(|record| record.parsed(called.as_deref(), operation));
        let cost = limits::check(document, name.as_deref(), &variables, limits).map_err(refused)?;
        self.note(|record| record.costs(cost));
        let is_read = is_read(&document.operations, name.as_deref());
        if operation == Some(OperationType::Mutation) {
            let document = omitted::taken_out(document, called.as_deref(), &variables);
            request.set_parsed_query(document);
        } else if request.query.len() > LARGE_BYTES {
            // Once it is parsed, 110 KB take some 2 MB, and it may wait for its turn beside many others.
            request = Request::new(request.query).variables(request.variables);
            request.operation_name = name;
        }
        Ok(Prepared { request, operation, name: called, cost, is_read })
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
        let reader = Reader::new(self.db(), self.viewer.clone(), shelf);
        Scope::new(reader, self.languages.clone(), http::now(), applied)
    }

    /// The body of an answer without errors, or what else there is to say. `position` is where the log stood after the
    /// request came; null: nothing that others loaded may be used.
    pub async fn execute(&self, prepared: Prepared, position: Option<i64>) -> Result<Bytes, Short> {
        // What a mutation answers is read after it wrote.
        let position = position.filter(|_| prepared.operation == Some(OperationType::Query));
        let (is_mutation, cost) = (prepared.operation == Some(OperationType::Mutation), prepared.cost);
        let span = self.record.as_ref().map_or_else(Span::none, |record| record.span());
        let execution = AssertUnwindSafe(self.run(prepared, position).instrument(span)).catch_unwind();
        let executed = match tokio::time::timeout(self.hub.operation_within(), execution).await {
            // Whatever it wrote goes on being written.
            Err(_) if is_mutation => Err(self.nobody_knows("executing a mutation took too long")),
            Err(_) => Err(self.too_slow().into()),
            Ok(Ok(response)) => response.and_then(|response| self.written(&response, Some(cost))),
            Ok(Err(_)) => Err(Fault::internal("executing a document", "a resolver panicked").into()),
        };
        self.note(|record| record.ended(executed.as_ref().map_or_else(Outcome::of_short, |_| Outcome::Whole)));
        executed
    }

    /// What came of a document. When the database went away it is nothing at all, and so it is told; unless a mutation wrote
    /// something before.
    async fn run(&self, prepared: Prepared, position: Option<i64>) -> Result<Response, Short> {
        if prepared.operation == Some(OperationType::Mutation) {
            self.hub.db().require_room()?;
        }
        let waiting = Instant::now();
        let _turn = self.hub.turn(prepared.is_wide()).await?;
        // Rights may have ended while it waited.
        let renewed = if waiting.elapsed() > RIGHTS_LAST { Some(self.current().await?) } else { None };
        let asker = renewed.as_ref().unwrap_or(self);
        // Not before: whoever waits for a turn holds nothing in memory.
        let shelf = position.map(|position| self.hub.shelves().at(position, Instant::now()));
        let scope = asker.scope(shelf);
        let request = prepared.request.data(scope.clone()).data(asker.pace());
        // Tokio's budget would pause the resolvers after 128 loads and so split their batches.
        let mut response = tokio::task::unconstrained(self.hub.schema().execute(request)).await;
        let noted = asker.note_readings(&scope, prepared.name.as_deref()).await;
        let gone = noted.err().or_else(|| gone(&response).cloned());
        if !scope.has_written() {
            return gone.map_or(Ok(response), |fault| Err(fault.into()));
        }
        if let Some(fault) = gone {
            for error in response.errors.iter_mut().filter(|error| is_gone(error)) {
                error.source = Some(Arc::new(Fault::uncertain(&fault)));
            }
        }
        self.hub.catch_up().await;
        Ok(response)
    }

    /// The answer to a mutation of which nobody knows whether it was done.
    fn nobody_knows(&self, cause: &str) -> Short {
        let answer = json!({ "data": null, "errors": [self.error_of(&Fault::uncertain(cause))] });
        Short::Partial(answer.to_string().into())
    }

    /// The body of a response; `cost` is told in it, null where nothing is.
    pub fn written(&self, response: &Response, cost: Option<u64>) -> Result<Bytes, Short> {
        // What has no path went wrong before anything ran.
        let ran = response.errors.iter().all(|error| !error.path.is_empty());
        let told = response.errors.iter().take(self.hub.limits().errors);
        let errors: Vec<Value> = told.map(|error| self.server_error(error, ran)).collect();
        if !ran {
            return Err(Short::Unexecuted(errors));
        }
        let is_whole = errors.is_empty();
        let allowed = self.hub.limits().cost;
        let extensions = cost.map(|requested| Extensions { cost: Cost { requested, allowed } });
        let body = serde_json::to_vec(&Executed { data: &response.data, errors, extensions })
            .map_err(|error| Fault::internal("writing an answer", error))?;
        // What is kept is weighed by its length: without spare capacity.
        let body = Bytes::from(body.into_boxed_slice());
        if is_whole { Ok(body) } else { Err(Short::Partial(body)) }
    }

    /// What went wrong, as a list of errors; null: fields failed, and the body says so itself.
    pub fn errors_of(&self, short: Short) -> Result<Vec<Value>, Bytes> {
        self.note(|record| record.ended(Outcome::of_short(&short)));
        match short {
            Short::Refused(fault) => Ok(vec![self.error_of(&fault)]),
            Short::Unexecuted(errors) => Ok(errors),
            Short::Partial(body) => Err(body),
        }
    }

    /// An error of a response; `ran`: whether anything did.
    pub fn server_error(&self, error: &ServerError, ran: bool) -> Value {
        let mut answer = match fault_of(error) {
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
            tracing::error!(reference, request = self.origin.request(), code = fault.code().as_ref(), cause, "fault");
            fault = fault.with_reference(&reference);
        }
        let mut message = fault.message().sentence(&self.languages);
        cut(&mut message);
        let mut extensions = json!({ "code": fault.code().as_ref() });
        if let (Some(Exceeded { limit, asked, allowed }), Some(object)) = (fault.exceeded(), extensions.as_object_mut())
        {
            object
                .insert("limit".to_owned(), json!({ "name": limit, "asked": asked.min(MAX_TOLD), "allowed": allowed }));
        }
        json!({ "message": message, "extensions": extensions })
    }

    /// What is no document: where it cannot be read, and none of it.
    fn parse_error(&self, error: &ServerError) -> Value {
        let (line, column) = error.locations.first().map_or((1, 1), |at| (at.line, at.column));
        let message = Message::new("graphql-parse-failed").with("line", line).with("column", column);
        let mut answer = self.error_of(&Fault::new(Code::GraphqlParseFailed, message));
        if let Some(object) = answer.as_object_mut() {
            object.insert("locations".to_owned(), json!([{ "line": line, "column": column }]));
        }
        answer
    }

    /// The answer took too long.
    pub fn too_slow(&self) -> Fault {
        let seconds = i64::try_from(self.hub.limits().operation_seconds).unwrap_or(i64::MAX);
        Fault::new(Code::ServiceUnavailable, Message::new("http-too-slow").with("seconds", seconds))
    }

    /// An error that the library words; cut, as it may echo the request.
    fn library_error(&self, error: &ServerError, code: Code) -> Value {
        let mut message = error.message.clone();
        cut(&mut message);
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

/// Cuts a sentence that is too long.
fn cut(message: &mut String) {
    if let Some((end, _)) = message.char_indices().nth(MAX_MESSAGE_CHARS) {
        message.truncate(end);
        message.push('…');
    }
}

/// Why the database could not be read, where it could not.
fn gone(response: &Response) -> Option<&Fault> {
    response.errors.iter().filter(|error| is_gone(error)).find_map(fault_of)
}

fn is_gone(error: &ServerError) -> bool {
    fault_of(error).is_some_and(|fault| matches!(fault.code(), Code::ServiceUnavailable | Code::StorageLow))
}

fn fault_of(error: &ServerError) -> Option<&Fault> {
    error.source.as_ref()?.downcast_ref::<Fault>()
}

fn is_read(operations: &DocumentOperations, name: Option<&str>) -> bool {
    let reads = |kind: OperationType| kind != OperationType::Mutation;
    match (operations, name) {
        (DocumentOperations::Single(operation), _) => reads(operation.node.ty),
        (DocumentOperations::Multiple(operations), Some(name)) => {
            operations.get(name).is_none_or(|operation| reads(operation.node.ty))
        }
        (DocumentOperations::Multiple(operations), None) => {
            operations.values().all(|operation| reads(operation.node.ty))
        }
    }
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
