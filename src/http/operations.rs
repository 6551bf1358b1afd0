//! What is noted of each operation: one line in the log, numbers for whoever watches the hub, a span for whoever traces it.
//!
//! A [`Record`] is begun when somebody asks, learns on the way what is asked and what came of it, and is written when the last
//! who holds it lets go, so that an operation whose client went away is told too.
//!
//! **Invariant:** a record holds what an operation is called, names of the program's own, and numbers; never a document, the
//! values of variables, addresses, or anything by which somebody is known.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_graphql::parser::types::OperationType;
use axum::http::{HeaderMap, HeaderValue};
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::TraceContextExt;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use serde_json::Value;
use strum::IntoStaticStr;
use tracing::{Span, field};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use uuid::Uuid;

use crate::db::tally::{self, Tally};
use crate::error::{Code, Fault};
use crate::http::execution::Short;
use crate::http::kept::Source;
use crate::http::metrics::Metrics;
use crate::http::request_id::{self, REQUEST_ID};
use crate::http::{examples, pages};
use crate::loaders::TRACE;

/// How much of an operation's name is noted, in characters.
const MAX_NAME_CHARS: usize = 100;

/// The headers of W3C Trace Context.
const TRACE_PARENT: &str = "traceparent";
const TRACE_STATE: &str = "tracestate";

/// By what an operation came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Transport {
    /// A request and its answer.
    Http,
    /// A message on a WebSocket.
    WebSocket,
    /// A request whose answer is a stream of events.
    Sse,
    /// A listing or page that the hub makes of a document of its own.
    Embed,
}

/// What kind of operation it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Kind {
    /// It reads.
    Query,
    /// It writes.
    Mutation,
    /// It follows.
    Subscription,
    /// It was refused before that was known.
    Unknown,
}

impl From<OperationType> for Kind {
    fn from(kind: OperationType) -> Self {
        match kind {
            OperationType::Query => Self::Query,
            OperationType::Mutation => Self::Mutation,
            OperationType::Subscription => Self::Subscription,
        }
    }
}

/// What came of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All of it was answered.
    Whole,
    /// Some fields failed.
    Partial,
    /// It was refused, with this code: whoever sent it can mend that.
    Refused(String),
    /// The hub could not do it, with this code.
    Failed(String),
    /// Whoever asked did not wait for it.
    Gone,
}

impl Outcome {
    /// What a fault makes of an operation.
    pub fn of_fault(fault: &Fault) -> Self {
        let (code, word) = (fault.code(), fault.code().as_ref().to_owned());
        if code.is_of_hub() { Self::Failed(word) } else { Self::Refused(word) }
    }

    /// What the errors make of an operation that did not run, as they are written.
    pub fn of_errors(errors: &[Value]) -> Self {
        let word = errors.first().and_then(|error| error.pointer("/extensions/code")?.as_str()).unwrap_or_default();
        let is_of_hub = word.parse().is_ok_and(Code::is_of_hub);
        if is_of_hub { Self::Failed(word.to_owned()) } else { Self::Refused(word.to_owned()) }
    }

    /// What it means for an operation that there is no whole answer.
    pub fn of_short(short: &Short) -> Self {
        match short {
            Short::Refused(fault) => Self::of_fault(fault),
            Short::Unexecuted(errors) => Self::of_errors(errors),
            Short::Partial(_) => Self::Partial,
        }
    }

    /// In one word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Whole => "ok",
            Self::Partial => "partial",
            Self::Refused(_) => "refused",
            Self::Failed(_) => "failed",
            Self::Gone => "gone",
        }
    }

    /// Why it was refused, or could not be done.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(code) | Self::Failed(code) => Some(code),
            Self::Whole | Self::Partial | Self::Gone => None,
        }
    }
}

/// Where an operation comes from, as far as it is noted.
#[derive(Clone, Default)]
pub struct Origin {
    request: Option<HeaderValue>,
    /// Which span of the caller's it belongs to, and what else their tracing says.
    trace_parent: Option<HeaderValue>,
    trace_state: Option<HeaderValue>,
}

impl Extractor for Origin {
    fn get(&self, key: &str) -> Option<&str> {
        let value = match key {
            TRACE_PARENT => &self.trace_parent,
            TRACE_STATE => &self.trace_state,
            _ => &None,
        };
        value.as_ref()?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACE_PARENT, TRACE_STATE]
    }
}

impl Origin {
    /// What the headers of a request say of it.
    pub fn of(headers: &HeaderMap) -> Self {
        let request = headers.get(REQUEST_ID).filter(|id| request_id::is_well_formed(id)).cloned();
        // Not read here: asking whether anybody traces, without beginning a span, would cost this thread its next line of
        // the log (filters of tracing-subscriber remember what they refused until something is begun).
        let (trace_parent, trace_state) = (headers.get(TRACE_PARENT).cloned(), headers.get(TRACE_STATE).cloned());
        Self { request, trace_parent, trace_state }
    }

    /// The span of the caller's; null: they named none.
    fn parent(&self) -> Option<Context> {
        self.trace_parent.as_ref()?;
        let context = TraceContextPropagator::new().extract_with_context(&Context::new(), self);
        context.has_active_span().then_some(context)
    }

    /// The id of the request; null: it has none.
    pub fn request(&self) -> Option<&str> {
        self.request.as_ref()?.to_str().ok()
    }
}

/// What all records are written to.
pub struct Operations {
    metrics: Metrics,
    /// From when on an operation counts as slow.
    slow: Duration,
    /// Begins the ids of requests of this process.
    start: String,
    requests: AtomicU64,
}

impl Operations {
    /// From when on an operation counts as slow is said. `start` tells this process from others; `known` are the names of operations that numbers are told
    /// apart by, besides the hub's own.
    pub fn new(slow: Duration, start: Uuid, known: impl IntoIterator<Item = String>) -> Self {
        let names = names_of_own().into_iter().chain(known);
        let start = start.simple().to_string().chars().rev().take(10).collect();
        Self { metrics: Metrics::new(names), slow, start, requests: AtomicU64::new(0) }
    }

    /// The numbers.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// A new id for a request.
    pub fn new_request_id(&self) -> String {
        let number = self.requests.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        format!("{}-{number:x}", self.start)
    }
}

/// The names of the operations in the hub's own pages.
fn names_of_own() -> Vec<String> {
    let texts = pages::EXAMPLE_QUERIES.map(str::to_owned).into_iter().chain(examples::documents());
    texts.flat_map(|text| names_in(&text)).collect()
}

/// The names that operations have in a text that holds documents.
fn names_in(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for keyword in ["query ", "mutation ", "subscription "] {
        for (place, _) in text.match_indices(keyword) {
            let rest = text.get(place..).unwrap_or_default();
            names.extend(name_at(rest).map(str::to_owned));
        }
    }
    names
}

/// The name of the operation that a document begins with, without parsing it.
fn name_at(document: &str) -> Option<&str> {
    let document = document.trim_start();
    let rest = ["query", "mutation", "subscription"].iter().find_map(|keyword| document.strip_prefix(keyword))?;
    let named = rest.trim_start();
    let end = named.find(|next: char| next != '_' && !next.is_ascii_alphanumeric()).unwrap_or(named.len());
    let (name, after) = named.split_at_checked(end)?;
    let begins = name.starts_with(|first: char| first == '_' || first.is_ascii_alphabetic());
    let goes_on = after.trim_start().starts_with(['{', '(', '@']);
    (begins && goes_on && named.len() < rest.len()).then_some(name)
}

/// What is noted of one operation.
pub struct Record {
    operations: Arc<Operations>,
    origin: Origin,
    transport: Transport,
    began: Instant,
    tally: Arc<Tally>,
    facts: Mutex<Facts>,
}

struct Facts {
    /// None once the answer is given.
    span: Span,
    name: Option<String>,
    kind: Option<Kind>,
    cost: Option<u64>,
    was_kept: Option<bool>,
    outcome: Option<Outcome>,
    /// How long the answer took, where the operation lasts longer.
    took: Option<Duration>,
}

impl Record {
    /// Begins when somebody asks.
    pub fn begin(operations: Arc<Operations>, origin: Origin, transport: Transport) -> Self {
        let span = tracing::info_span!(
            target: TRACE,
            parent: None,
            "graphql.operation",
            otel.name = "GraphQL Operation",
            otel.kind = "server",
            otel.status_code = field::Empty,
            graphql.operation.name = field::Empty,
            graphql.operation.type = field::Empty,
            hub.request = origin.request(),
            hub.transport = <&str>::from(transport),
            hub.cost = field::Empty,
            hub.statements = field::Empty,
            hub.rows = field::Empty,
            hub.outcome = field::Empty,
        );
        if !span.is_disabled()
            && let Some(parent) = origin.parent()
        {
            // It was made just now, so nobody began it.
            let _ = span.set_parent(parent);
        }
        let facts = Facts { span, name: None, kind: None, cost: None, was_kept: None, outcome: None, took: None };
        let (began, tally, facts) = (Instant::now(), Arc::default(), Mutex::new(facts));
        Self { operations, origin, transport, began, tally, facts }
    }

    /// What it takes of the database is counted here.
    pub fn tally(&self) -> &Arc<Tally> {
        &self.tally
    }

    /// Its span; work for it is done within.
    pub fn span(&self) -> Span {
        self.facts().span.clone()
    }

    fn facts(&self) -> MutexGuard<'_, Facts> {
        // Nothing that holds the lock can panic half-way.
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it is called, as far as that is seen without parsing the document.
    pub fn asked(&self, operation_name: Option<&str>, document: &str) {
        self.facts().name = operation_name.or_else(|| name_at(document)).map(printable);
    }

    /// What it is called and what kind it is, once its document is parsed.
    pub fn parsed(&self, name: Option<&str>, kind: Option<OperationType>) {
        let mut facts = self.facts();
        if name.is_some() {
            facts.name = name.map(printable);
        }
        facts.kind = kind.map(Kind::from);
    }

    /// What it costs.
    pub fn costs(&self, cost: u64) {
        self.facts().cost = Some(cost);
    }

    /// Its whole answer, and where that comes from.
    pub fn answered(&self, source: Source) {
        let mut facts = self.facts();
        facts.outcome = Some(Outcome::Whole);
        facts.was_kept = match source {
            Source::Kept => Some(true),
            Source::Made => Some(false),
            Source::Wanted | Source::Unkept => None,
        };
        if source == Source::Kept {
            // It was not looked at, but of nothing else is an answer kept.
            facts.kind = Some(Kind::Query);
        }
    }

    /// What came of it; the last word counts.
    pub fn ended(&self, outcome: Outcome) {
        self.facts().outcome = Some(outcome);
    }

    /// The stream of a subscription began: that is its answer, however long the stream lasts.
    pub fn opened(&self) {
        let mut facts = self.facts();
        let took = self.began.elapsed();
        facts.took = Some(took);
        facts.outcome = Some(Outcome::Whole);
        self.mark(&facts.span, &self.ended_as(&facts, &Outcome::Whole, took));
        // A span is told at its end, which may be days away.
        facts.span = Span::none();
    }

    fn ended_as<'a>(&self, facts: &'a Facts, outcome: &'a Outcome, lasted: Duration) -> Ended<'a> {
        Ended {
            name: &facts.name,
            kind: facts.kind.unwrap_or(Kind::Unknown),
            outcome,
            cost: facts.cost,
            statements: self.tally.statements(),
            rows: self.tally.rows(),
            took: facts.took.unwrap_or(lasted),
            was_kept: facts.was_kept,
        }
    }

    /// What it read, as text: each batch and each slow statement.
    fn reading(&self) -> (String, String) {
        let (batches, beyond) = self.tally.batches();
        let mut read = String::new();
        for batch in &batches {
            let (name, keys, rows) = (tally::short_name(batch.what), batch.keys, batch.rows);
            let ms = batch.took.as_millis();
            // A text takes all that is written to it.
            let _ = write!(read, "{name} {keys} keys {rows} rows {ms} ms; ");
        }
        if beyond > 0 {
            let _ = write!(read, "{beyond} more; ");
        }
        let mut slow = String::new();
        for statement in self.tally.slow_statements() {
            let _ = write!(slow, "{} ms {}; ", statement.took.as_millis(), statement.shape);
        }
        (read.trim_end_matches("; ").to_owned(), slow.trim_end_matches("; ").to_owned())
    }

    /// The line of the log.
    fn tell(&self, ended: &Ended<'_>, lasted: Duration) {
        let Ended { name, kind, outcome, cost, statements, rows, took, was_kept } = ended;
        let (request, name) = (self.origin.request(), name.as_deref());
        let (kind, transport) = (<&str>::from(*kind), <&str>::from(self.transport));
        let (word, code) = (outcome.word(), outcome.code());
        let kept = was_kept.map(|was_kept| if was_kept { "hit" } else { "miss" });
        let ms = milliseconds(*took);
        let open_ms = (lasted > *took).then(|| milliseconds(lasted));
        tracing::info!(
            target: "hub::operation",
            request, name, kind, transport, outcome = word, code, kept, cost, rows, statements, ms, open_ms,
            "operation"
        );
        if *took >= self.operations.slow {
            let (read, sql) = self.reading();
            tracing::warn!(
                target: "hub::operation",
                request, name, kind, transport, outcome = word, cost, rows, statements, ms, read, sql,
                "slow operation"
            );
        }
    }

    /// What the span is told at its end.
    fn mark(&self, span: &Span, ended: &Ended<'_>) {
        if span.is_disabled() {
            return;
        }
        let Ended { name, kind, outcome, cost, statements, rows, .. } = ended;
        let kind_name = <&str>::from(*kind);
        if *kind != Kind::Unknown {
            span.record("graphql.operation.type", kind_name);
            // A name that anybody can make up would make a span of its own for each.
            let called = match name.as_deref().filter(|name| self.operations.metrics.knows(name)) {
                Some(name) => format!("{kind_name} {name}"),
                None => kind_name.to_owned(),
            };
            // Recording a name reaches no span that has begun.
            span.context().span().update_name(called);
        }
        if let Some(name) = name.as_deref() {
            span.record("graphql.operation.name", name);
        }
        if let Some(cost) = cost {
            span.record("hub.cost", cost);
        }
        span.record("hub.statements", statements).record("hub.rows", rows).record("hub.outcome", outcome.word());
        if matches!(outcome, Outcome::Failed(_)) {
            span.record("otel.status_code", "ERROR");
        }
    }
}

/// What there is to say of an operation at its end.
pub struct Ended<'a> {
    /// What it is called.
    pub name: &'a Option<String>,
    /// What kind it is.
    pub kind: Kind,
    /// What came of it.
    pub outcome: &'a Outcome,
    /// What it costs; null: it was not reckoned.
    pub cost: Option<u64>,
    /// How many statements were sent for it.
    pub statements: u64,
    /// How many rows its batches brought.
    pub rows: u64,
    /// How long its answer took.
    pub took: Duration,
    /// Whether its answer was kept; null: it could not be.
    pub was_kept: Option<bool>,
}

impl Drop for Record {
    fn drop(&mut self) {
        let lasted = self.began.elapsed();
        let facts = self.facts();
        let outcome = facts.outcome.as_ref().unwrap_or(&Outcome::Gone);
        let ended = self.ended_as(&facts, outcome, lasted);
        self.operations.metrics.count(&ended);
        self.tell(&ended, lasted);
        self.mark(&facts.span, &ended);
    }
}

/// In milliseconds, to the hundredth.
fn milliseconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 100_000.0).round() / 100.0
}

/// What a client calls its operation, without what could end a line or colour it, and cut.
fn printable(name: &str) -> String {
    let hidden =
        |next: &char| !(next.is_control() || matches!(next, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'));
    name.chars().filter(hidden).take(MAX_NAME_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_an_operation_is_seen_without_parsing() {
        for (document, name) in [
            ("query Resot { a }", Some("Resot")),
            ("\n  query\nResot($a: Int) { a }", Some("Resot")),
            ("subscription Changes@live { a }", Some("Changes")),
            ("query { a }", None),
            ("{ query }", None),
            ("queryResot { a }", None),
            ("query 1 { a }", None),
            ("query Resot", None),
            ("", None),
        ] {
            assert_eq!(name_at(document), name, "{document}");
        }
    }

    #[test]
    fn the_hubs_own_pages_are_known_by_name() {
        let names = names_of_own();
        for name in ["Resot", "Overview", "Search", "Changes"] {
            assert!(names.iter().any(|known| known == name), "{names:?}");
        }
        assert!(names.len() < 50, "{names:?}");
    }

    #[test]
    fn a_name_in_the_log_ends_no_line_and_is_cut() {
        assert_eq!(printable("A\nB\u{1b}[31m\u{202e}C"), "AB[31mC");
        assert_eq!(printable(&"é".repeat(1_000)).chars().count(), MAX_NAME_CHARS);
    }
}
