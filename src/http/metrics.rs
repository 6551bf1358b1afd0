//! Numbers for whoever watches the hub, in Prometheus' text format.
//!
//! **Invariant:** what a client makes up is no label: names of operations are the known ones or `other`, and all else is a word
//! of the program's own, so that strangers cannot make the hub hold more.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use ipnet::IpNet;
use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder, SharedString, Unit};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use crate::http::Hub;
use crate::http::caller;
use crate::http::operations::{Ended, Kind, Outcome, Transport};

/// How many names of operations are told apart at the most.
const MAX_NAMES: usize = 500;

/// What all other operations are called.
const OTHER: &str = "other";

/// The bounds of durations, in seconds: from what is kept to what is cut off.
const SECONDS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

/// After how many operations the durations are sorted into their buckets: until then each takes eight bytes.
const SORT_EVERY: u64 = 4_096;

/// How long the end of the change log may take to be read.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// In what the kernel counts processor time that it tells of processes, per second; the same on all of Linux's machines.
const TICKS_PER_SECOND: f64 = 100.0;

const DURATION: &str = "hub_operation_duration_seconds";

static METADATA: Metadata<'static> = Metadata::new("hub", Level::INFO, None);

/// The numbers of one hub.
pub struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    names: HashMap<String, Series>,
    other: Series,
    hits: Counter,
    misses: Counter,
    websockets: Gauge,
    event_streams: Gauge,
    counted: AtomicU64,
}

/// The numbers of the operations of one name, by kind.
struct Series {
    name: SharedString,
    kinds: [OnceLock<OfKind>; 4],
}

/// The numbers of the operations of one name and kind.
struct OfKind {
    labels: Vec<Label>,
    outcomes: [OnceLock<Counter>; 5],
    /// Null: how long a stream lasts says nothing.
    duration: Option<Histogram>,
    cost: Counter,
    rows: Counter,
    statements: Counter,
}

/// A stream that is open until this is dropped.
pub struct OpenStream(Gauge);

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

impl Metrics {
    /// Numbers that tell these operations apart by name, 500 of them at the most.
    pub fn new(names: impl IntoIterator<Item = String>) -> Self {
        let buckets = PrometheusBuilder::new().set_buckets_for_metric(Matcher::Full(DURATION.to_owned()), &SECONDS);
        // It refuses an empty list of bounds alone.
        let recorder = buckets.expect("some bounds").build_recorder();
        describe(&recorder);
        let kept = |result| counter(&recorder, "hub_kept_answers_total", vec![Label::new("result", result)]);
        let open = |transport| gauge(&recorder, "hub_open_streams", vec![Label::new("transport", transport)]);
        let series = |name: String| Series { name: name.into(), kinds: Default::default() };
        let mut told_apart = HashMap::new();
        for name in names {
            if told_apart.len() < MAX_NAMES {
                told_apart.insert(name.clone(), series(name));
            }
        }
        Self {
            handle: recorder.handle(),
            hits: kept("hit"),
            misses: kept("miss"),
            websockets: open("websocket"),
            event_streams: open("sse"),
            names: told_apart,
            other: series(OTHER.to_owned()),
            counted: AtomicU64::new(0),
            recorder,
        }
    }

    /// Whether operations of this name are told apart from others.
    pub fn knows(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    /// Counts an operation.
    pub fn count(&self, ended: &Ended<'_>) {
        let series = ended.name.as_ref().and_then(|name| self.names.get(name)).unwrap_or(&self.other);
        // There are as many places as kinds.
        let Some(place) = series.kinds.get(ended.kind as usize) else { return };
        let of_kind = place.get_or_init(|| self.of_kind(series, ended.kind));
        if let Some(outcome) = of_kind.outcomes.get(place_of(ended.outcome)) {
            let labels = || {
                let outcome = Label::new("outcome", ended.outcome.word());
                of_kind.labels.iter().cloned().chain([outcome]).collect()
            };
            outcome.get_or_init(|| counter(&self.recorder, "hub_operations_total", labels())).increment(1);
        }
        if let Some(duration) = &of_kind.duration {
            duration.record(ended.took.as_secs_f64());
        }
        of_kind.cost.increment(ended.cost.unwrap_or_default());
        of_kind.rows.increment(ended.rows);
        of_kind.statements.increment(ended.statements);
        match ended.was_kept {
            Some(true) => self.hits.increment(1),
            Some(false) => self.misses.increment(1),
            None => {}
        }
        if let Some(code) = ended.outcome.code() {
            counter(&self.recorder, "hub_refused_total", vec![Label::new("code", code.to_owned())]).increment(1);
        }
        // Nobody may ever ask for the numbers.
        if self.counted.fetch_add(1, Ordering::Relaxed).is_multiple_of(SORT_EVERY) {
            self.handle.run_upkeep();
        }
    }

    fn of_kind(&self, series: &Series, kind: Kind) -> OfKind {
        let labels = vec![Label::new("name", series.name.clone()), Label::new("kind", <&str>::from(kind))];
        let total = |name| counter(&self.recorder, name, labels.clone());
        let duration = Key::from_parts(DURATION, labels.clone());
        OfKind {
            outcomes: Default::default(),
            duration: (kind != Kind::Subscription).then(|| self.recorder.register_histogram(&duration, &METADATA)),
            cost: total("hub_operation_cost_total"),
            rows: total("hub_operation_rows_total"),
            statements: total("hub_operation_statements_total"),
            labels,
        }
    }

    /// Counts a stream that is open from now on.
    pub fn open_stream(&self, transport: Transport) -> OpenStream {
        let gauge = match transport {
            Transport::WebSocket => &self.websockets,
            Transport::Http | Transport::Sse | Transport::Embed => &self.event_streams,
        };
        gauge.increment(1.0);
        OpenStream(gauge.clone())
    }

    /// All numbers as text.
    async fn text(&self, hub: &Hub) -> String {
        let set = |name, labels, value: f64| gauge(&self.recorder, name, labels).set(value);
        let pool = hub.db().pool_use();
        for (state, count) in [("in_use", pool.in_use), ("idle", pool.idle)] {
            set("hub_database_connections", vec![Label::new("state", state)], float(count));
        }
        set("hub_database_connections_max", Vec::new(), float(pool.max));
        set("hub_database_waiting", Vec::new(), float(pool.waiting));
        counter(&self.recorder, "hub_database_statements_total", Vec::new()).absolute(hub.db().statements());
        set("hub_writes_in_progress", Vec::new(), float(hub.db().writes().under_way()));
        // Known before the end is read, so that it is never ahead of it.
        let applied = hub.tail().applied().position;
        let end = tokio::time::timeout(ANSWER_WITHIN, hub.position()).await.unwrap_or_default();
        set("hub_change_log_position", Vec::new(), whole(applied));
        let lag = end.map_or(f64::NAN, |end| whole(end.saturating_sub(applied).max(0)));
        set("hub_change_log_lag", Vec::new(), lag);
        set("hub_stopping", Vec::new(), f64::from(u8::from(hub.is_stopping())));
        set("hub_build_info", vec![Label::new("version", env!("CARGO_PKG_VERSION"))], 1.0);
        set("process_start_time_seconds", Vec::new(), whole(hub.started_at().timestamp()));
        if let Some(bytes) = resident_bytes() {
            set("process_resident_memory_bytes", Vec::new(), bytes);
        }
        if let Some(seconds) = processor_seconds() {
            set("process_cpu_seconds_total", Vec::new(), seconds);
        }
        self.handle.render()
    }
}

/// What each number is.
fn describe(recorder: &PrometheusRecorder) {
    let counters = [
        ("hub_operations_total", "Operations that ended, by name, kind and outcome."),
        ("hub_operation_cost_total", "The cost of operations, in fields when every page is full."),
        ("hub_operation_rows_total", "The rows that operations loaded."),
        ("hub_operation_statements_total", "The statements that operations sent."),
        ("hub_refused_total", "Operations that were refused or could not be done, by code."),
        ("hub_kept_answers_total", "Answers that could be kept, by whether they were."),
        ("hub_database_statements_total", "The statements that were sent through the pool."),
    ];
    for (name, about) in counters {
        recorder.describe_counter(name.into(), None, about.into());
    }
    let gauges = [
        ("hub_open_streams", "WebSockets and event streams that are open."),
        ("hub_database_connections", "Connections of the pool, by whether somebody has them."),
        ("hub_database_connections_max", "The most connections of the pool."),
        ("hub_database_waiting", "Tasks that wait for a connection of the pool."),
        ("hub_writes_in_progress", "Writes that are under way."),
        ("hub_change_log_position", "The last entry of the change log that this process knows of."),
        ("hub_change_log_lag", "How many entries there are that this process does not know of yet."),
        ("hub_stopping", "1 when the hub is about to stop."),
        ("hub_build_info", "The version that runs."),
        ("process_start_time_seconds", "When the hub was started, in seconds since 1970."),
        ("process_resident_memory_bytes", "The memory of the process."),
        ("process_cpu_seconds_total", "The processor time that the process took."),
    ];
    for (name, about) in gauges {
        recorder.describe_gauge(name.into(), None, about.into());
    }
    recorder.describe_histogram(
        DURATION.into(),
        Some(Unit::Seconds),
        "How long answers took, by name and kind.".into(),
    );
}

fn counter(recorder: &PrometheusRecorder, name: &'static str, labels: Vec<Label>) -> Counter {
    recorder.register_counter(&Key::from_parts(name, labels), &METADATA)
}

fn gauge(recorder: &PrometheusRecorder, name: &'static str, labels: Vec<Label>) -> Gauge {
    recorder.register_gauge(&Key::from_parts(name, labels), &METADATA)
}

fn place_of(outcome: &Outcome) -> usize {
    match outcome {
        Outcome::Whole => 0,
        Outcome::Partial => 1,
        Outcome::Refused(_) => 2,
        Outcome::Failed(_) => 3,
        Outcome::Gone => 4,
    }
}

/// A count as Prometheus has it.
fn float(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

/// A whole number as Prometheus has it: exact up to 2^53.
fn whole(number: i64) -> f64 {
    number as f64
}

/// How much memory the process has in the machine's; null where the kernel does not tell.
fn resident_bytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024.0)
}

/// How much processor time the process took, for itself and in the kernel; null where the kernel does not tell.
fn processor_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The program's name is in brackets, and may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks: Vec<f64> = fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse().ok()).collect();
    match ticks.as_slice() {
        [own, kernel] => Some((own + kernel) / TICKS_PER_SECOND),
        _ => None,
    }
}

/// Who may read the numbers.
#[derive(Clone, Debug)]
pub struct Readers {
    /// From where.
    pub networks: Vec<IpNet>,
    /// The proxies whose `X-Forwarded-For` is believed.
    pub proxies: Vec<IpNet>,
}

impl Readers {
    /// Whether a request of this peer with these headers is of somebody who may. What came through a proxy that nobody
    /// named may be of anybody.
    pub fn may_read(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        client(peer, headers, &self.proxies).is_some_and(|client| is_in(&self.networks, client))
    }
}

/// Who sent a request: the peer, or else the last address that a proxy that is believed was asked by. Null: a proxy stands
/// between that is not, or does not say.
fn client(peer: IpAddr, headers: &HeaderMap, proxies: &[IpNet]) -> Option<IpAddr> {
    let is_forwarded = headers.contains_key("x-forwarded-for") || headers.contains_key(header::FORWARDED);
    (!is_forwarded || is_in(proxies, peer)).then(|| caller::address(peer, headers, proxies))
}

fn is_in(networks: &[IpNet], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&address.to_canonical()))
}

/// The route: `/metrics`.
pub fn router() -> Router<Hub> {
    Router::new().route("/metrics", get(read))
}

/// The numbers; for whoever may not read them there is nothing here.
async fn read(State(hub): State<Hub>, ConnectInfo(peer): ConnectInfo<SocketAddr>, headers: HeaderMap) -> Response {
    if !hub.readers().may_read(peer.ip(), &headers) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let text = hub.operations().metrics().text(&hub).await;
    let headers =
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    (headers, text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readers() -> Readers {
        let networks = |text: &[&str]| text.iter().map(|network| network.parse().unwrap()).collect();
        Readers { networks: networks(&["127.0.0.0/8", "::1/128", "10.2.0.0/16"]), proxies: networks(&["10.1.0.0/16"]) }
    }

    fn may(peer: &str, forwarded: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        readers().may_read(peer.parse().unwrap(), &headers)
    }

    #[test]
    fn those_of_the_named_networks_may_read() {
        assert!(may("127.0.0.1", &[]) && may("::1", &[]) && may("::ffff:127.0.0.1", &[]) && may("10.2.3.4", &[]));
        assert!(!may("10.3.0.1", &[]) && !may("2001:db8::1", &[]));
        assert!(!may("10.1.0.1", &[]), "a proxy that asks by itself is of no named network");
    }

    #[test]
    fn what_came_through_a_proxy_is_of_whoever_asked_the_proxy() {
        assert!(may("10.1.0.1", &["10.2.0.1"]));
        assert!(may("10.1.0.1", &["203.0.113.7, 10.2.0.1, 10.1.0.9"]), "what precedes is of the sender's own making");
        assert!(may("10.1.0.1", &["203.0.113.7", "10.2.0.1"]));
        assert!(!may("10.1.0.1", &["10.2.0.1, 203.0.113.7"]));
        assert!(!may("10.1.0.1", &["10.1.0.2"]), "nobody but proxies");
        assert!(!may("10.1.0.1", &["127.0.0.1, nonsense"]));
        assert!(!may("127.0.0.1", &["127.0.0.1"]), "a proxy on this machine that nobody named");
        let forwarded = HeaderMap::from_iter([(header::FORWARDED, "for=127.0.0.1".parse().unwrap())]);
        assert!(!readers().may_read("127.0.0.1".parse().unwrap(), &forwarded));
    }

    fn ended<'a>(name: &'a Option<String>, outcome: &'a Outcome) -> Ended<'a> {
        Ended {
            name,
            kind: Kind::Query,
            outcome,
            cost: Some(7),
            statements: 2,
            rows: 5,
            took: Duration::from_millis(3),
            was_kept: Some(false),
        }
    }

    #[test]
    fn names_that_clients_make_up_are_one() {
        let metrics = Metrics::new(["Known".to_owned()]);
        for number in 0..10_000 {
            metrics.count(&ended(&Some(format!("Made{number}")), &Outcome::Whole));
        }
        metrics.count(&ended(&Some("Known".to_owned()), &Outcome::Refused("NOT_FOUND".to_owned())));
        metrics.count(&ended(&None, &Outcome::Gone));
        let text = metrics.handle.render();
        assert!(text.contains(r#"hub_operations_total{name="other",kind="query",outcome="ok"} 10000"#), "{text}");
        assert!(text.contains(r#"hub_operations_total{name="other",kind="query",outcome="gone"} 1"#), "{text}");
        assert!(text.contains(r#"hub_operations_total{name="Known",kind="query",outcome="refused"} 1"#), "{text}");
        assert!(text.contains(r#"hub_refused_total{code="NOT_FOUND"} 1"#), "{text}");
        assert!(text.contains(r#"hub_operation_cost_total{name="Known",kind="query"} 7"#), "{text}");
        assert!(text.contains(r#"hub_operation_duration_seconds_bucket{name="other",kind="query",le="0.005"} 10001"#));
        assert!(!text.contains("Made") && text.lines().count() < 100, "{text}");
    }

    #[test]
    fn only_so_many_names_are_told_apart() {
        let metrics = Metrics::new((0..MAX_NAMES * 2).map(|number| format!("Known{number}")));
        assert_eq!(metrics.names.len(), MAX_NAMES);
    }

    #[test]
    fn streams_are_counted_while_they_are_open() {
        let metrics = Metrics::new([]);
        let first = metrics.open_stream(Transport::Sse);
        let second = metrics.open_stream(Transport::Sse);
        drop(first);
        assert!(metrics.handle.render().contains(r#"hub_open_streams{transport="sse"} 1"#));
        drop(second);
        assert!(metrics.handle.render().contains(r#"hub_open_streams{transport="sse"} 0"#));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_kernel_tells_what_the_process_takes() {
        assert!(resident_bytes().unwrap() > 1_000_000.0);
        assert!(processor_seconds().unwrap() >= 0.0);
    }
}
