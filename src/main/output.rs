//! What the program says on its terminal.

use std::io::{IsTerminal, Write};

use indicatif::{ProgressBar, ProgressStyle};
use knowledge_hub::db::doctor;
use knowledge_hub::error::Fault;
use knowledge_hub::text::language::Languages;
use knowledge_hub::text::messages::Message;
use knowledge_hub::transfer::Report;

use crate::Stop;

/// Lines on standard output, of which there may be many.
pub struct Lines {
    out: std::io::BufWriter<std::io::Stdout>,
    is_gone: bool,
}

impl Lines {
    /// None so far.
    pub fn new() -> Self {
        Self { out: std::io::BufWriter::new(std::io::stdout()), is_gone: false }
    }

    /// Writes a line.
    pub fn write(&mut self, line: &str) -> std::io::Result<()> {
        let written = writeln!(self.out, "{line}");
        self.is_gone = written.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe);
        written
    }

    /// What came of it; a reader who went away early is no fault.
    pub fn end(mut self, outcome: Result<(), Fault>) -> Result<(), Stop> {
        let flushed = self.out.flush();
        let is_gone = flushed.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe);
        match outcome {
            _ if self.is_gone || is_gone => Ok(()),
            Err(fault) if fault.cause().is_none() => Err(fault.message().clone().into()),
            Err(fault) => Err(fault.into()),
            Ok(()) => flushed.map_err(|error| Stop::Failed(Fault::internal("writing lines", error))),
        }
    }
}

/// A bar on the terminal; nothing where there is none.
pub fn progress_bar() -> ProgressBar {
    let bar = if std::io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} {eta}") {
        bar.set_style(style);
    }
    bar
}

/// What to try, with queries as lines for the shell.
pub fn welcome(address: &str) -> Message {
    let curl = |query: &str| {
        let body = query.replace('"', "\\\"");
        format!("curl -s http://{address}/graphql -H 'content-type: application/json' -d '{{\"query\":\"{body}\"}}'")
    };
    Message::new("cli-demo")
        .with("address", address)
        .with("first", curl("{ communities(first: 5) { totalCount nodes { displayName launched { label } } } }"))
        .with(
            "second",
            curl("{ community(slug: \"resot\") { memberCount { label } roles { nodes { kind person { name } } } } }"),
        )
        .with("third", curl("{ organization(slug: \"hpco\") { name communities { nodes { displayName domain } } } }"))
}

/// Writes to standard output; a reader who went away early is no fault.
pub fn print(text: &str) -> Result<(), Stop> {
    match write_line(text.strip_suffix('\n').unwrap_or(text)) {
        Ok(()) => Ok(()),
        Err(error) => Err(Stop::Failed(Fault::internal("writing", error))),
    }
}

/// Writes a line to standard output at once; a reader who went away early is no fault.
pub fn write_line(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(format!("{text}\n").as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// What was found, a line for each; fails when something is to be mended.
pub fn report(findings: &[doctor::Finding], languages: &Languages) -> Result<(), Stop> {
    for finding in findings {
        let mark = if finding.is_good { "ok  " } else { "!!  " };
        println!("{mark}{}", finding.message.sentence(languages));
    }
    if findings.iter().all(|finding| finding.is_good) { Ok(()) } else { Err(Stop::Told) }
}

/// What came of reading lines.
pub fn sentence_of(report: &Report) -> Message {
    Message::new("cli-loaded")
        .with("created", report.created)
        .with("updated", report.updated)
        .with("unchanged", report.unchanged)
        .with("retired", report.retired)
        .with("withheld", report.withheld)
}
