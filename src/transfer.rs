//! Seed, import and export: one JSON Lines format for every kind.
//!
//! A file of lines is read in one transaction: every line is checked before anything is written, and one bad line
//! leaves nothing behind. Nodes are matched by key; a line that is the same as the one imported last is skipped, so
//! reading the sample data again reverts nobody's edit.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use diesel_async::AsyncPgConnection;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use strum::VariantArray;
use uuid::Uuid;

use crate::db::Db;
use crate::db::write::{self, Tx};
use crate::domain::community::record::CommunityRecord;
use crate::domain::link::record::LinkRecord;
use crate::domain::node::{self, Line};
use crate::domain::organization::record::OrganizationRecord;
use crate::domain::person::record::PersonRecord;
use crate::domain::record::{HEADER_FIELDS, Header, Keys, Problems, Record, Reference};
use crate::domain::role::record::RoleRecord;
use crate::domain::topic::record::TopicRecord;
use crate::domain::{community, link, organization, person, role, topic};
use crate::error::{Code, Fault};
use crate::policy::{NodeKind, Viewer};
use crate::text::identifier;
use crate::text::language::Languages;
use crate::text::messages::Message;

/// The longest line: 1 MB, more than any node of legal size needs.
const MAX_LINE_BYTES: usize = 1_000_000;

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

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Nodes written for the first time.
    pub created: usize,
    /// Nodes written again.
    pub updated: usize,
    /// Lines that were imported before, word for word.
    pub unchanged: usize,
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

/// A line that was read and checked.
struct Parsed {
    place: Place,
    header: Header,
    body: Body,
    hash: String,
}

#[derive(Clone, Debug)]
struct Place {
    file: String,
    line: usize,
}

impl Place {
    fn problem(&self, field: Option<String>, message: Message) -> LineProblem {
        LineProblem { file: self.file.clone(), line: self.line, field, message }
    }
}

enum Body {
    Topic(TopicRecord),
    Organization(Box<OrganizationRecord>),
    Community(Box<CommunityRecord>),
    Person(Box<PersonRecord>),
    Role(Box<RoleRecord>),
    Link(Box<LinkRecord>),
}

impl Body {
    fn kind(&self) -> NodeKind {
        match self {
            Self::Topic(_) => NodeKind::Topic,
            Self::Organization(_) => NodeKind::Organization,
            Self::Community(_) => NodeKind::Community,
            Self::Person(_) => NodeKind::Person,
            Self::Role(_) => NodeKind::Role,
            Self::Link(_) => NodeKind::Link,
        }
    }

    fn references(&self) -> Vec<Reference> {
        match self {
            Self::Topic(record) => record.references(),
            Self::Organization(record) => record.references(),
            Self::Community(record) => record.references(),
            Self::Person(record) => record.references(),
            Self::Role(record) => record.references(),
            Self::Link(record) => record.references(),
        }
    }
}

/// Reads files of lines into the hub, in one transaction. `progress` is told of every line that is written.
pub async fn import(
    db: &Db,
    viewer: Viewer,
    inputs: Vec<Input>,
    progress: Arc<dyn Fn(usize, usize) + Send + Sync>,
) -> Result<Report, ImportFailure> {
    let lines = parse(&inputs).map_err(ImportFailure::Lines)?;
    // Which line the transaction is at, for the message when a store refuses it.
    let at: Arc<Mutex<Option<Place>>> = Arc::default();
    let noted = at.clone();
    let outcome = write::write(db, viewer, move |tx| import_lines(tx, lines, noted, progress).boxed()).await;
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
            match parse_line(bytes, &place) {
                Ok(line) => {
                    if !seen.insert((line.body.kind(), line.header.key.clone())) {
                        let message = Message::new("key-twice").with("key", line.header.key.as_str());
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

fn parse_line(bytes: &[u8], place: &Place) -> Result<Parsed, Vec<LineProblem>> {
    let whole = |message| vec![place.problem(None, message)];
    if bytes.len() > MAX_LINE_BYTES {
        return Err(whole(Message::new("line-too-long").with("max", MAX_LINE_BYTES)));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| whole(Message::new("line-not-utf8")))?;
    let value: Value = serde_json::from_str(text)
        .map_err(|error| whole(Message::new("line-not-json").with("reason", error.to_string())))?;
    let Value::Object(mut fields) = value else { return Err(whole(Message::new("line-not-object"))) };
    let kind = fields.remove("kind").and_then(|kind| kind.as_str()?.to_uppercase().parse::<NodeKind>().ok());
    let Some(kind) = kind else {
        return Err(vec![place.problem(Some("kind".to_owned()), Message::new("kind-unknown"))]);
    };
    let mut header_fields = Map::new();
    for name in HEADER_FIELDS {
        if let Some(value) = fields.remove(name) {
            header_fields.insert(name.to_owned(), value);
        }
    }
    let header: Header = read(header_fields, place)?;
    let (header, body, hash) = match kind {
        NodeKind::Topic => checked(header, fields, place).map(|(h, r, hash)| (h, Body::Topic(r), hash)),
        NodeKind::Organization => {
            checked(header, fields, place).map(|(h, r, hash)| (h, Body::Organization(Box::new(r)), hash))
        }
        NodeKind::Community => {
            checked(header, fields, place).map(|(h, r, hash)| (h, Body::Community(Box::new(r)), hash))
        }
        NodeKind::Person => checked(header, fields, place).map(|(h, r, hash)| (h, Body::Person(Box::new(r)), hash)),
        NodeKind::Role => checked(header, fields, place).map(|(h, r, hash)| (h, Body::Role(Box::new(r)), hash)),
        NodeKind::Link => checked(header, fields, place).map(|(h, r, hash)| (h, Body::Link(Box::new(r)), hash)),
    }?;
    Ok(Parsed { place: place.clone(), header, body, hash })
}

fn read<T: serde::de::DeserializeOwned>(fields: Map<String, Value>, place: &Place) -> Result<T, Vec<LineProblem>> {
    serde_path_to_error::deserialize(Value::Object(fields)).map_err(|error| {
        let path = error.path().to_string();
        let field = Some(path).filter(|path| path != ".");
        let message = Message::new("field-unusable").with("reason", error.into_inner().to_string());
        vec![place.problem(field, message)]
    })
}

/// Reads and checks a record; the hash is that of its canonical form, so that white space in a file says nothing.
fn checked<R: Record>(
    mut header: Header,
    fields: Map<String, Value>,
    place: &Place,
) -> Result<(Header, R, String), Vec<LineProblem>> {
    let mut record: R = read(fields, place)?;
    let mut problems = Problems::default();
    header.check(R::KIND, &mut problems);
    record.check(&mut problems);
    for reference in record.references() {
        if let Err(message) = identifier::slug(&reference.key) {
            problems.add(reference.field, message);
        }
        // Among the records only parents are of the record's own kind.
        if reference.kind == R::KIND && reference.key == header.key {
            problems.add(reference.field, Message::new("above-itself").with("key", header.key.as_str()));
        }
    }
    let found: Vec<LineProblem> =
        problems.into_vec().into_iter().map(|problem| place.problem(Some(problem.field), problem.message)).collect();
    if !found.is_empty() {
        return Err(found);
    }
    let line = write_line(&header, &record).map_err(|fault| vec![place.problem(None, fault.message().clone())])?;
    let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(line.as_bytes()));
    Ok((header, record, hash))
}

async fn import_lines(
    tx: &mut Tx,
    mut lines: Vec<Parsed>,
    at: Arc<Mutex<Option<Place>>>,
    progress: Arc<dyn Fn(usize, usize) + Send + Sync>,
) -> Result<Report, Fault> {
    tx.one_import_at_a_time().await?;
    lines.sort_by_key(|line| line.body.kind());
    let (keys, known) = resolve(tx, &lines).await?;
    let mut report = Report::default();
    let mut written: HashMap<NodeKind, Vec<Uuid>> = HashMap::new();
    let mut owed = Vec::new();
    let total = lines.len();
    for (index, line) in lines.into_iter().enumerate() {
        if let Ok(mut at) = at.lock() {
            *at = Some(line.place.clone());
        }
        let kind = line.body.kind();
        let id = keys.id(kind, &line.header.key)?;
        match known.get(&id) {
            Some(Some(hash)) if *hash == line.hash => report.unchanged += 1,
            known => {
                if known.is_some() {
                    report.updated += 1;
                } else {
                    report.created += 1;
                }
                owed.extend(save(tx, id, line, &keys).await?);
                written.entry(kind).or_default().push(id);
            }
        }
        progress(index.saturating_add(1), total);
    }
    if let Ok(mut at) = at.lock() {
        // What is checked from here on concerns the lines together; its message names the node.
        at.take();
    }
    finish(tx, written, owed).await?;
    Ok(report)
}

/// Writes one line; the answer is the people of whom it has to be decided anew who sees what.
async fn save(tx: &mut Tx, id: Uuid, line: Parsed, keys: &Keys) -> Result<Vec<Uuid>, Fault> {
    let (header, hash) = (line.header, line.hash);
    match line.body {
        Body::Topic(record) => topic::store::save(tx, id, &Line { header, record }, &hash, keys).await?,
        Body::Organization(record) => {
            organization::store::save(tx, id, &Line { header, record: *record }, &hash, keys).await?;
        }
        Body::Community(record) => {
            community::store::save(tx, id, &Line { header, record: *record }, &hash, keys).await?;
        }
        Body::Link(record) => link::store::save(tx, id, &Line { header, record: *record }, &hash, keys).await?,
        Body::Role(record) => return role::store::save(tx, id, &Line { header, record: *record }, &hash, keys).await,
        Body::Person(record) => {
            person::store::save(tx, id, &Line { header, record: *record }, &hash, keys).await?;
            return Ok(vec![id]);
        }
    }
    Ok(Vec::new())
}

/// What can be judged only when every line is written: hierarchies, and who sees which person.
async fn finish(tx: &mut Tx, mut written: HashMap<NodeKind, Vec<Uuid>>, people: Vec<Uuid>) -> Result<(), Fault> {
    let mut of = |kind| written.remove(&kind).unwrap_or_default();
    let (topics, organizations, communities) =
        (of(NodeKind::Topic), of(NodeKind::Organization), of(NodeKind::Community));
    topic::store::check_hierarchy(tx, topics).await?;
    organization::store::check_hierarchy(tx, organizations.clone()).await?;
    let held_in = communities.into_iter().chain(organizations).collect();
    person::store::recompute_audiences(tx, people, held_in).await
}

/// The ids behind every key that the lines name, new ones for lines that come for the first time; and for those that
/// were there, the hash of the line imported last.
async fn resolve(tx: &mut Tx, lines: &[Parsed]) -> Result<(Keys, HashMap<Uuid, Option<String>>), Fault> {
    let mut named: HashMap<NodeKind, Vec<String>> = HashMap::new();
    for line in lines {
        named.entry(line.body.kind()).or_default().push(line.header.key.clone());
        for reference in line.body.references() {
            named.entry(reference.kind).or_default().push(reference.key);
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
        if !keys.contains(line.body.kind(), &line.header.key) {
            let id = tx.new_id();
            keys.insert(line.body.kind(), line.header.key.clone(), id);
        }
    }
    Ok((keys, known))
}

#[derive(Serialize)]
struct OutLine<'a, R> {
    kind: String,
    #[serde(flatten)]
    header: &'a Header,
    #[serde(flatten)]
    record: &'a R,
}

fn write_line<R: Record>(header: &Header, record: &R) -> Result<String, Fault> {
    let line = OutLine { kind: R::KIND.as_ref().to_lowercase(), header, record };
    serde_json::to_string(&line).map_err(|error| Fault::internal("writing a line", error))
}

/// Writes every node as a line: kind by kind, each in the order of keys, so that equal hubs export equal bytes.
pub async fn export(db: &Db, viewer: &Viewer, mut out: impl FnMut(&str) -> std::io::Result<()>) -> Result<(), Fault> {
    let mut conn = db.connection().await?;
    for kind in NodeKind::VARIANTS {
        let mut after = String::new();
        loop {
            let chunk = match kind {
                NodeKind::Topic => chunk(topic::store::export, &mut conn, viewer, &after).await?,
                NodeKind::Organization => chunk(organization::store::export, &mut conn, viewer, &after).await?,
                NodeKind::Community => chunk(community::store::export, &mut conn, viewer, &after).await?,
                NodeKind::Person => chunk(person::store::export, &mut conn, viewer, &after).await?,
                NodeKind::Role => chunk(role::store::export, &mut conn, viewer, &after).await?,
                NodeKind::Link => chunk(link::store::export, &mut conn, viewer, &after).await?,
            };
            let Some((last, _)) = chunk.last() else { break };
            after.clone_from(last);
            for (_, line) in chunk {
                out(&line).map_err(|error| Fault::internal("writing the export", error))?;
            }
        }
    }
    Ok(())
}

type Exported<'a, R> = BoxFuture<'a, Result<Vec<Line<R>>, Fault>>;

async fn chunk<R: Record, F>(
    read: F,
    conn: &mut AsyncPgConnection,
    viewer: &Viewer,
    after: &str,
) -> Result<Vec<(String, String)>, Fault>
where
    F: for<'a> Fn(&'a mut AsyncPgConnection, &'a Viewer, &'a str, i64) -> Exported<'a, R>,
{
    let lines = read(conn, viewer, after, EXPORT_CHUNK).await?;
    let written = lines.iter().map(|line| Ok((line.header.key.clone(), write_line(&line.header, &line.record)?)));
    written.collect()
}
