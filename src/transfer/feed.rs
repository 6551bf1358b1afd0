//! Feeds: lines that are read one by one, each in a transaction of its own, with one acknowledgement per line.

use std::io::BufRead;
use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::changes::cursor::Cursor;
use crate::db::Db;
use crate::error::{Code, Fault};
use crate::policy::Viewer;
use crate::text::language::Languages;
use crate::transfer::line;
use crate::transfer::{self, ImportFailure, LineProblem, Mode, Place};

/// Why a feed ended early.
#[derive(Debug)]
pub enum FeedFailure {
    /// Its lines cannot be read.
    Unreadable(std::io::Error),
    /// Something else went wrong.
    Fault(Fault),
}

impl From<Fault> for FeedFailure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Reads one line of a feed into the hub, in a transaction of its own. The answer is its acknowledgement: one object of
/// JSON, without the line's end. A line that cannot be used is acknowledged as REFUSED; a fault is not acknowledged, so
/// whatever was acknowledged is committed or refused for good. `cursor` is where the change log tells of it, null when the
/// line changed nothing: whoever follows from there begins with what comes after it.
pub async fn import_line(
    db: &Db,
    viewer: Viewer,
    epoch: Uuid,
    place: Place,
    bytes: &[u8],
    languages: &Languages,
) -> Result<Value, Fault> {
    let number = place.line;
    let outcome = match line::parse(bytes, &place) {
        Ok(line) => transfer::run(db, viewer, vec![line], Mode::Write, Arc::new(|_, _| ())).await,
        Err(problems) => Err(ImportFailure::Lines(problems)),
    };
    match outcome {
        Ok(report) => Ok(match report.lines.first() {
            Some(line) => {
                let cursor = report.position.map(|position| Cursor::at(epoch, position).write());
                json!({"line": number, "node": line.node, "outcome": line.outcome.as_ref(), "cursor": cursor})
            }
            None => return Err(Fault::internal("acknowledging a line", "nothing was done")),
        }),
        Err(ImportFailure::Lines(problems)) => {
            let problem = |problem: &LineProblem| json!({"field": problem.field, "code": problem.message.id(), "message": problem.message.sentence(languages)});
            let problems: Vec<Value> = problems.iter().map(problem).collect();
            Ok(json!({"line": number, "outcome": "REFUSED", "problems": problems}))
        }
        // What the lines together got wrong is here this line's own.
        Err(ImportFailure::Fault(fault)) if fault.code() == Code::BadUserInput => {
            let message = fault.message();
            let problem = json!({"field": null, "code": message.id(), "message": message.sentence(languages)});
            Ok(json!({"line": number, "outcome": "REFUSED", "problems": [problem]}))
        }
        Err(ImportFailure::Fault(fault)) => Err(fault),
    }
}

/// Reads lines until there are no more; blank ones are passed over. `acknowledge` is given each acknowledgement. The answer
/// is how many lines were refused.
pub async fn read(
    db: &Db,
    epoch: Uuid,
    name: &str,
    mut lines: Box<dyn BufRead + Send>,
    languages: &Languages,
    mut acknowledge: impl FnMut(&Value) -> std::io::Result<()>,
) -> Result<usize, FeedFailure> {
    let (mut number, mut refused) = (0_usize, 0_usize);
    loop {
        // Reading may wait for a pipe.
        let reading = tokio::task::spawn_blocking(move || (line::next(&mut lines), lines));
        let (next, rest) = reading.await.map_err(|panic| Fault::internal("reading lines", panic))?;
        lines = rest;
        let Some(bytes) = next.map_err(FeedFailure::Unreadable)? else { return Ok(refused) };
        number = number.saturating_add(1);
        if bytes.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let place = Place { file: name.to_owned(), line: number };
        let acknowledgement = import_line(db, Viewer::system("import"), epoch, place, &bytes, languages).await?;
        if acknowledgement["outcome"] == "REFUSED" {
            refused = refused.saturating_add(1);
        }
        acknowledge(&acknowledgement).map_err(|error| Fault::internal("writing an acknowledgement", error))?;
    }
}
