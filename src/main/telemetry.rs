//! Where the log and the traces go.

use std::any::Any;
use std::io::IsTerminal;
use std::panic::PanicHookInfo;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use knowledge_hub::config::{Config, LogForm};
use knowledge_hub::error::Fault;
use knowledge_hub::loaders::TRACE;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData};
use rustls_platform_verifier::BuilderVerifierExt;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt};
use url::Url;

/// What the hub is called where traces are looked at.
const SERVICE: &str = "knowledge-hub";

/// Where a collector takes traces, unless its address says otherwise.
const TRACES_PATH: &str = "/v1/traces";

/// How long a collector may take to answer; at the end the hub waits as long for the last traces to be taken.
const EXPORT_WITHIN: Duration = Duration::from_secs(3);

/// How many lines may wait for a reader of the log who stands still; those that come then are left out. Each has its place from
/// the start, so that the library's 128,000 take 4 MB before anything is logged.
const MAX_LINES_WAITING: usize = 16_000;

/// The log and the traces of the process. What is on its way is written when this is dropped.
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
    _flushed_at_end: WorkerGuard,
}

impl Telemetry {
    /// Begins to write the log as the configuration says, and to send traces if it names a collector.
    pub fn begin(config: &Config) -> Result<Self, Fault> {
        // Written by a thread of its own: a reader of the log who stands still must not stop the hub.
        let writing = NonBlockingBuilder::default().buffered_lines_limit(MAX_LINES_WAITING);
        let (writer, flushed_at_end) = writing.finish(std::io::stderr());
        // Spans are for traces alone: in a callsite that nobody wants they cost a look at one number.
        let filter = || Targets::new().with_default(LevelFilter::INFO).with_target(TRACE, LevelFilter::OFF);
        let lines: Box<dyn Layer<Registry> + Send + Sync> = match config.log {
            LogForm::Pretty => {
                let is_terminal = std::io::stderr().is_terminal();
                fmt::layer().with_writer(writer).with_ansi(is_terminal).with_filter(filter()).boxed()
            }
            LogForm::Json => {
                let lines = fmt::layer().with_writer(writer).json().flatten_event(true);
                lines.with_current_span(false).with_span_list(false).with_filter(filter()).boxed()
            }
        };
        let traces = config.traces.as_deref().map(provider).transpose()?;
        let spans = traces.as_ref().map(|traces| {
            let layer = tracing_opentelemetry::layer().with_tracer(traces.tracer(SERVICE));
            let layer =
                layer.with_location(false).with_threads(false).with_target(false).with_tracked_inactivity(false);
            layer.with_filter(Targets::new().with_target(TRACE, LevelFilter::INFO)).boxed()
        });
        // One list: a layer that is none, upon one that filters, would have each callsite ask again and again.
        let layers: Vec<Box<dyn Layer<Registry> + Send + Sync>> = std::iter::once(lines).chain(spans).collect();
        tracing_subscriber::registry().with(layers).init();
        std::panic::set_hook(Box::new(note_panic));
        Ok(Self { traces, _flushed_at_end: flushed_at_end })
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(traces) = self.traces.take()
            && let Err(error) = traces.shutdown_with_timeout(EXPORT_WITHIN)
        {
            tracing::warn!(%error, "the last traces could not be sent");
        }
    }
}

/// Says in the log where something panicked, and what it said if that is a text of the program itself: what was put
/// together may hold somebody's data.
fn note_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string);
    let payload: &(dyn Any + Send) = panic.payload();
    let said = payload.downcast_ref::<&'static str>().copied();
    tracing::error!(place, said, "a panic");
}

/// Sends spans in batches, from a thread of its own.
fn provider(address: &str) -> Result<SdkTracerProvider, Fault> {
    let failed = |error: &dyn std::fmt::Display| Fault::internal("setting up traces", error);
    let endpoint = endpoint(address).map_err(|error| failed(&error))?;
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(client()?)
        .with_endpoint(endpoint)
        .with_timeout(EXPORT_WITHIN)
        .build()
        .map_err(|error| failed(&error))?;
    let exporter = Telling { exporter, is_failing: AtomicBool::new(false) };
    let resource = Resource::builder().with_service_name(SERVICE);
    let version = opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let resource = resource.with_attribute(version).build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}

/// An HTTP client that trusts what the machine trusts. It is made in a thread of its own, as it has a runtime of its own,
/// which may not be made within another.
fn client() -> Result<reqwest::blocking::Client, Fault> {
    let failed = |error: &dyn std::fmt::Display| Fault::internal("setting up traces", error);
    let made = std::thread::spawn(|| {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(BuilderVerifierExt::with_platform_verifier)
            .map_err(|error| error.to_string())?
            .with_no_client_auth();
        let client = reqwest::blocking::Client::builder().tls_backend_preconfigured(tls).timeout(EXPORT_WITHIN);
        client.build().map_err(|error| error.to_string())
    });
    made.join().map_err(|_| failed(&"a panic"))?.map_err(|error| failed(&error))
}

/// The address of a collector, with the usual path unless it has one.
fn endpoint(address: &str) -> Result<String, url::ParseError> {
    let mut url = Url::parse(address)?;
    if url.path() == "/" {
        url.set_path(TRACES_PATH);
    }
    Ok(url.into())
}

/// Says in the log when spans cannot be sent, once until they can again: the library says nothing.
#[derive(Debug)]
struct Telling {
    exporter: SpanExporter,
    is_failing: AtomicBool,
}

impl opentelemetry_sdk::trace::SpanExporter for Telling {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let sent = self.exporter.export(batch).await;
        let was_failing = self.is_failing.swap(sent.is_err(), Ordering::Relaxed);
        match &sent {
            Err(error) if !was_failing => tracing::warn!(%error, "traces cannot be sent for the moment"),
            Ok(()) if was_failing => tracing::info!("traces can be sent again"),
            Ok(()) | Err(_) => {}
        }
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
