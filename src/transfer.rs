//! Seed, import and export: one JSON Lines format for every kind.
//!
//! Files of lines are read in one transaction: every line is checked before anything is written, and one bad line
//! leaves nothing behind. Nodes are matched by key; a line that is the same as the one imported last is skipped, so
//! reading the sample data again reverts nobody's edit. A line that is missing takes nothing away; a node goes by a line
//! of its own, `{"retire": "item:key"}`.
//!
//! A feed is read line by line instead, each in a transaction of its own, with one acknowledgement per line.

pub mod change;
pub mod feed;
pub mod generate;
pub mod line;
pub mod personas;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use strum::{AsRefStr, VariantArray};
use uuid::Uuid;

use crate::db::Db;
use crate::db::write::{self, Tx};
use crate::domain::kinds::PerKind;
use crate::domain::record::Keys;
use crate::domain::{editing, node, person};
use crate::error::{Code, Fault};
use crate::policy::{NodeKind, Viewer};
use crate::text::language::Languages;
use crate::text::messages::Message;
use crate::transfer::line::{Format, Parsed, What};

/// How many nodes are exported at a time.
const EXPORT_CHUNK: i64 = 500;

/// The sample data, compiled in.
#[derive(rust_embed::RustEmbed)]
#[folder = "examples/demo/"]
#[include = "*.jsonl"]
struct SampleData;

/// A file of lines.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its name, for messages.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// The sample data of the hub, in the order in which it is read.
pub fn sample_data() -> Vec<Input> {
    let mut names: Vec<String> = SampleData::iter().map(|name| name.to_string()).collect();
    names.sort();
    let files = names.into_iter().filter_map(|name| {
        let bytes = SampleData::get(&name)?.data.into_owned();
        Some(Input { name, bytes })
    });
    files.collect()
}

/// What a line did to its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, AsRefStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// It was written for the first time.
    Created,
    /// It was written again.
    Updated,
    /// The line was imported before, word for word, or the node was retired before.
    Unchanged,
    /// It was retired.
    Retired,
    /// It names somebody who was erased, and wrote nothing.
    Withheld,
}

/// What a line did, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineOutcome {
    /// Where it stands.
    pub place: Place,
    /// Its node, as `item:key`.
    pub node: String,
    /// What it did.
    pub outcome: Outcome,
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Nodes written for the first time.
    pub created: usize,
    /// Nodes written again.
    pub updated: usize,
    /// Lines that were imported before, word for word.
    pub unchanged: usize,
    /// Nodes retired.
    pub retired: usize,
    /// Lines that name somebody who was erased.
    pub withheld: usize,
    /// Line by line, in the order of the files; empty unless it was asked for.
    pub lines: Vec<LineOutcome>,
    /// The position of its last entry in the change log; null: it changed nothing.
    pub position: Option<i64>,
}

/// Whether an import is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It is written.
    Write,
    /// It is written and taken back, and what each line would have done is reported.
    Rehearse,
}

/// Why an import wrote nothing.
#[derive(Clone, Debug)]
pub enum ImportFailure {
    /// Lines that cannot be used, in the order of the files.
    Lines(Vec<LineProblem>),
    /// Something else went wrong.
    Fault(Fault),
}

/// What is wrong with one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineProblem {
    /// The file.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The field, by its path; null: the whole line.
    pub field: Option<String>,
    /// What is wrong.
    pub message: Message,
}

impl LineProblem {
    /// The problem with its place, as a sentence for a reader.
    pub fn sentence(&self, languages: &Languages) -> String {
        let field = self.field.clone().unwrap_or_else(|| "-".to_owned());
        Message::new("import-line")
            .with("file", self.file.as_str())
            .with("line", self.line)
            .with("field", field)
            .with("reason", self.message.sentence(languages))
            .sentence(languages)
    }
}

impl From<Fault> for ImportFailure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Where a line stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
}

impl Place {
    /// A problem at this place.
    pub fn problem(&self, field: Option<String>, message: Message) -> LineProblem {
        LineProblem { file: self.file.clone(), line: self.line, field, message }
    }
}

/// Told of every line that is written: how many are, and how many there are.
pub type Progress = Arc<dyn Fn(usize, usize) + Send + Sync>;

/// Reads files of lines into the hub, in one transaction.
pub async fn import(
    db: &Db,
    viewer: Viewer,
    inputs: Vec<Input>,
    mode: Mode,
    progress: Progress,
) -> Result<Report, ImportFailure> {
    let lines = parse(&inputs).map_err(ImportFailure::Lines)?;
    drop(inputs);
    run(db, viewer, lines, mode, progress).await
}

async fn run(
    db: &Db,
    viewer: Viewer,
    lines: Vec<Parsed>,
    mode: Mode,
    progress: Progress,
) -> Result<Report, ImportFailure> {
    // A long report is for those who ask for it.
    let tells_lines = mode == Mode::Rehearse || lines.len() == 1;
    // Which line the transaction is at, for the message when a store refuses it.
    let at: Arc<Mutex<Option<Place>>> = Arc::default();
    let noted = at.clone();
    let outcome = match mode {
        Mode::Write => {
            let written =
                write::write_at(db, viewer, move |tx| write_lines(tx, lines, tells_lines, noted, progress).boxed());
            written.await.map(|written| Report { position: written.position, ..written.value })
        }
        Mode::Rehearse => {
            write::rehearse(db, viewer, move |tx| write_lines(tx, lines, tells_lines, noted, progress).boxed()).await
        }
    };
    outcome.map_err(|fault| {
        let place = at.lock().ok().and_then(|place| place.clone());
        match (fault.code(), place) {
            (Code::BadUserInput, Some(place)) => {
                ImportFailure::Lines(vec![place.problem(None, fault.message().clone())])
            }
            _ => ImportFailure::Fault(fault),
        }
    })
}

fn parse(inputs: &[Input]) -> Result<Vec<Parsed>, Vec<LineProblem>> {
    let (mut lines, mut problems) = (Vec::new(), Vec::new());
    let mut seen: HashSet<(NodeKind, String)> = HashSet::new();
    for input in inputs {
        for (index, bytes) in input.bytes.split(|byte| *byte == b'\n').enumerate() {
            let place = Place { file: input.name.clone(), line: index.saturating_add(1) };
            if bytes.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            match line::parse(bytes, &place) {
                Ok(line) => {
                    if !seen.insert((line.kind, line.key.clone())) {
                        let message = Message::new("key-twice").with("key", line.key.as_str());
                        problems.push(place.problem(Some("key".to_owned()), message));
                    }
                    lines.push(line);
                }
                Err(found) => problems.extend(found),
            }
        }
    }
    if problems.is_empty() { Ok(lines) } else { Err(problems) }
}

async fn write_lines(
    tx: &mut Tx,
    lines: Vec<Parsed>,
    tells_lines: bool,
    at: Arc<Mutex<Option<Place>>>,
    progress: Progress,
) -> Result<Report, Fault> {
    tx.one_import_at_a_time().await?;
    let total = lines.len();
    let (lines, withheld) = withhold(tx, lines.into_iter().enumerate().collect()).await?;
    let (keys, known) = resolve(tx, lines.iter().map(|(_, line)| line)).await?;
    hold_people(tx, &lines, &keys).await?;
    let mut lines = lines;
    // What a line names is of an earlier kind than its own, or of the same.
    lines.sort_by_key(|(_, line)| line.kind);
    let (mut report, mut told) = (Report::default(), Vec::new());
    let mut written: HashMap<NodeKind, Vec<Uuid>> = HashMap::new();
    let mut owed = Vec::new();
    report.withheld = withheld.len();
    for (index, line) in withheld.into_iter().filter(|_| tells_lines) {
        told.push((index, LineOutcome { node: node_of(&line), place: line.place, outcome: Outcome::Withheld }));
    }
    for (written_before, (index, line)) in lines.into_iter().enumerate() {
        if let Ok(mut at) = at.lock() {
            *at = Some(line.place.clone());
        }
        let id = keys.id(line.kind, &line.key)?;
        let (outcome, people) = write_line(tx, id, &line, &keys, known.get(&id).map(Option::as_deref)).await?;
        owed.extend(people);
        match outcome {
            Outcome::Created => report.created += 1,
            Outcome::Updated => report.updated += 1,
            Outcome::Unchanged => report.unchanged += 1,
            Outcome::Retired => report.retired += 1,
            Outcome::Withheld => report.withheld += 1,
        }
        if outcome != Outcome::Unchanged {
            written.entry(line.kind).or_default().push(id);
        }
        if tells_lines {
            told.push((index, LineOutcome { node: node_of(&line), place: line.place, outcome }));
        }
        progress(written_before.saturating_add(1), total);
    }
    told.sort_by_key(|(index, _)| *index);
    report.lines = told.into_iter().map(|(_, line)| line).collect();
    if let Ok(mut at) = at.lock() {
        // What is checked from here on concerns the lines together; its message names the node.
        at.take();
    }
    editing::settle(tx, written, owed).await?;
    Ok(report)
}

/// The node of a line, as `item:key`.
fn node_of(line: &Parsed) -> String {
    format!("{}:{}", line.kind.as_ref().to_lowercase(), line.key)
}

type Numbered = Vec<(usize, Parsed)>;

/// Takes out the lines that name somebody who was erased: nobody is brought back by a file that does not know of it.
async fn withhold(tx: &mut Tx, lines: Numbered) -> Result<(Numbered, Numbered), Fault> {
    let names = |line: &Parsed| -> Vec<String> {
        let own = Some(&line.key).filter(|_| line.kind == NodeKind::Person).cloned();
        let named = match &line.what {
            What::State { references, .. } => references.as_slice(),
            What::Retire => &[],
        };
        let named = named.iter().filter(|reference| reference.kind == NodeKind::Person);
        own.into_iter().chain(named.map(|reference| reference.key.clone())).collect()
    };
    let named: Vec<String> = lines.iter().flat_map(|(_, line)| names(line)).collect();
    let erased = person::store::erasing::erased_among(tx, &named).await?;
    let (mut kept, mut withheld): (Numbered, Numbered) =
        lines.into_iter().partition(|(_, line)| !names(line).iter().any(|key| erased.contains(key)));
    // What leads to a node that is withheld, and was never there, leads nowhere.
    loop {
        let mut missing: HashSet<(NodeKind, String)> = HashSet::new();
        for (_, line) in &withheld {
            if node::by_keys(tx.conn(), line.kind, vec![line.key.clone()]).await?.is_empty() {
                missing.insert((line.kind, line.key.clone()));
            }
        }
        let leads_nowhere = |line: &Parsed| match &line.what {
            What::State { references, .. } => {
                references.iter().any(|reference| missing.contains(&(reference.kind, reference.key.clone())))
            }
            What::Retire => false,
        };
        let (more, rest): (Numbered, Numbered) = kept.into_iter().partition(|(_, line)| leads_nowhere(line));
        kept = rest;
        if more.is_empty() {
            return Ok((kept, withheld));
        }
        withheld.extend(more);
    }
}

/// Writes one line; the answer is also the people of whom it has to be decided anew who sees what. `known` is null for a
/// node that is not there, else the hash of the line that it was imported from last.
async fn write_line(
    tx: &mut Tx,
    id: Uuid,
    line: &Parsed,
    keys: &Keys,
    known: Option<Option<&str>>,
) -> Result<(Outcome, Vec<Uuid>), Fault> {
    match (&line.what, known) {
        (What::State { hash, .. }, Some(Some(last))) if last == hash => Ok((Outcome::Unchanged, Vec::new())),
        (What::State { node, hash, .. }, known) => {
            let outcome = if known.is_some() { Outcome::Updated } else { Outcome::Created };
            Ok((outcome, node.save(tx, id, hash, keys).await?))
        }
        (What::Retire, known) => match (Format::of(line.kind).retire)(tx, id, known.flatten()).await? {
            Some(owed) => {
                // A person who is retired is nobody's any more, also not of those whom no role shows.
                let own = Some(id).filter(|_| line.kind == NodeKind::Person);
                Ok((Outcome::Retired, owed.into_iter().chain(own).collect()))
            }
            None => Ok((Outcome::Unchanged, Vec::new())),
        },
    }
}

/// Has whoever else writes of the people of these lines wait: people are locked before what belongs to them, as by whoever
/// joins or leaves a community, so that nobody waits for each other.
async fn hold_people(tx: &mut Tx, lines: &Numbered, keys: &Keys) -> Result<(), Fault> {
    let mut people = Vec::new();
    for (_, line) in lines {
        if line.kind == NodeKind::Person {
            people.push(keys.id(line.kind, &line.key)?);
        }
        if let (NodeKind::Membership | NodeKind::Role, What::State { references, .. }) = (line.kind, &line.what) {
            for reference in references.iter().filter(|reference| reference.kind == NodeKind::Person) {
                people.extend(keys.id(reference.kind, &reference.key));
            }
        }
    }
    people.sort_unstable();
    people.dedup();
    person::audiences::lock(tx, people).await
}

/// The ids behind every key that the lines name, new ones for lines that come for the first time; and for those that
/// were there, the hash of the line imported last.
async fn resolve(
    tx: &mut Tx,
    lines: impl Iterator<Item = &Parsed> + Clone,
) -> Result<(Keys, HashMap<Uuid, Option<String>>), Fault> {
    let mut named: HashMap<NodeKind, Vec<String>> = HashMap::new();
    for line in lines.clone() {
        named.entry(line.kind).or_default().push(line.key.clone());
        if let What::State { references, .. } = &line.what {
            for reference in references {
                named.entry(reference.kind).or_default().push(reference.key.clone());
            }
        }
    }
    let (mut keys, mut known) = (Keys::default(), HashMap::new());
    for (kind, names) in named {
        for (key, id, hash) in node::by_keys(tx.conn(), kind, names).await? {
            known.insert(id, hash);
            keys.insert(kind, key, id);
        }
    }
    for line in lines {
        if matches!(line.what, What::State { .. }) && !keys.contains(line.kind, &line.key) {
            let id = tx.new_id();
            keys.insert(line.kind, line.key.clone(), id);
        }
    }
    Ok((keys, known))
}

/// Writes every node as a line: kind by kind, each in the order of keys, so that equal hubs export equal bytes.
pub async fn export(db: &Db, viewer: &Viewer, mut out: impl FnMut(&str) -> std::io::Result<()>) -> Result<(), Fault> {
    let mut conn = db.connection().await?;
    for kind in NodeKind::VARIANTS {
        let mut after = String::new();
        loop {
            let chunk = (Format::of(*kind).write_after)(&mut conn, viewer, &after, EXPORT_CHUNK).await?;
            let Some((last, _)) = chunk.last() else { break };
            after.clone_from(last);
            for (_, line) in chunk {
                out(&line).map_err(|error| Fault::internal("writing the export", error))?;
            }
        }
    }
    Ok(())
}
