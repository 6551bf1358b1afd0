//! One line: read, checked, and ready to be written, whatever kind it is of.

use std::io::BufRead;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use diesel_async::AsyncPgConnection;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::db::write::Tx;
use crate::domain::editing;
use crate::domain::kinds::PerKind;
use crate::domain::node::{self, Line, Owed, Stored};
use crate::domain::record::{HEADER_FIELDS, Header, Keys, NodeReference, Problems, Record, Reference};
use crate::error::Fault;
use crate::policy::{NodeKind, Viewer};
use crate::text::messages::Message;
use crate::transfer::{LineProblem, Place};

/// The longest line: 1 MB, more than any node of legal size needs.
pub const MAX_LINE_BYTES: usize = 1_000_000;

/// A line that was read and checked.
pub struct Parsed {
    /// Where it stands.
    pub place: Place,
    /// The kind of its node.
    pub kind: NodeKind,
    /// The key of its node.
    pub key: String,
    /// What it does.
    pub what: What,
}

/// What a line does.
pub enum What {
    /// It states a node.
    State {
        /// The node.
        node: Box<dyn Statement>,
        /// The nodes that it names.
        references: Vec<Reference>,
        /// The hash of its canonical form.
        hash: String,
    },
    /// It retires a node that is there.
    Retire,
}

/// A node as a line states it, whatever its kind.
pub trait Statement: Send + Sync {
    /// Writes the node.
    fn save<'a>(&'a self, tx: &'a mut Tx, id: Uuid, hash: &'a str, keys: &'a Keys) -> Owed<'a>;
}

struct Stated<K: Stored>(Line<K::Record>);

impl<K: Stored> Statement for Stated<K> {
    fn save<'a>(&'a self, tx: &'a mut Tx, id: Uuid, hash: &'a str, keys: &'a Keys) -> Owed<'a> {
        K::save(tx, id, &self.0, Some(hash), keys)
    }
}

/// A node written out: its key and its line.
pub type Written = (String, String);

/// Reads and checks the fields of a node.
type Reader = fn(Header, Map<String, Value>, &Place) -> Result<What, Vec<LineProblem>>;

/// Retires a node that is there; the text is the hash of the line that it was imported from last, which it keeps.
type Retirer = for<'a> fn(&'a mut Tx, Uuid, Option<&'a str>) -> Retired<'a>;

/// Null when the node was retired already, else whom the caller owes `person::audiences::recompute`.
type Retired<'a> = BoxFuture<'a, Result<Option<Vec<Uuid>>, Fault>>;

/// Writes out the nodes whose keys follow one, so many at the most.
type Writer = for<'a> fn(&'a mut AsyncPgConnection, &'a Viewer, &'a str, i64) -> WrittenOut<'a>;

/// Nodes on their way out.
type WrittenOut<'a> = BoxFuture<'a, Result<Vec<Written>, Fault>>;

/// What is done with lines of one kind.
pub struct Format {
    read: Reader,
    /// Retires a node that is there.
    pub retire: Retirer,
    /// Writes out the nodes whose keys follow one.
    pub write_after: Writer,
}

impl PerKind for Format {
    fn of_kind<K: Stored>() -> Self {
        Self { read: read::<K>, retire: retire::<K>, write_after: write_after::<K> }
    }
}

/// The next line without its end, null at the end of the file. Of a line that is too long only so much is kept that it is
/// seen to be too long.
pub fn next(lines: &mut dyn BufRead) -> std::io::Result<Option<Vec<u8>>> {
    let (mut line, mut met_any) = (Vec::new(), false);
    loop {
        let piece = lines.fill_buf()?;
        if piece.is_empty() {
            return Ok(Some(line).filter(|_| met_any));
        }
        met_any = true;
        let end = piece.iter().position(|byte| *byte == b'\n');
        let (text, used) = match end {
            Some(end) => (piece.get(..end), end.saturating_add(1)),
            None => (Some(piece), piece.len()),
        };
        if line.len() <= MAX_LINE_BYTES {
            line.extend_from_slice(text.unwrap_or_default());
        }
        lines.consume(used);
        if end.is_some() {
            return Ok(Some(line));
        }
    }
}

/// Reads and checks one line.
pub fn parse(bytes: &[u8], place: &Place) -> Result<Parsed, Vec<LineProblem>> {
    let whole = |message| vec![place.problem(None, message)];
    if bytes.len() > MAX_LINE_BYTES {
        return Err(whole(Message::new("line-too-long").with("max", MAX_LINE_BYTES)));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| whole(Message::new("line-not-utf8")))?;
    let value: Value = serde_json::from_str(text)
        .map_err(|error| whole(Message::new("line-not-json").with("reason", error.to_string())))?;
    let Value::Object(mut fields) = value else { return Err(whole(Message::new("line-not-object"))) };
    if let Some(node) = fields.remove("retire") {
        return retirement(node, &fields, place);
    }
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
    let header: Header = deserialize(header_fields, place)?;
    let key = header.key.clone();
    let what = (Format::of(kind).read)(header, fields, place)?;
    Ok(Parsed { place: place.clone(), kind, key, what })
}

/// `{"retire": "item:key"}` and nothing else.
fn retirement(node: Value, others: &Map<String, Value>, place: &Place) -> Result<Parsed, Vec<LineProblem>> {
    if let Some(name) = others.keys().next() {
        return Err(vec![place.problem(Some(name.clone()), Message::new("retire-alone"))]);
    }
    let mut fields = Map::new();
    fields.insert("retire".to_owned(), node);
    let Retirement { retire } = deserialize(fields, place)?;
    Ok(Parsed { place: place.clone(), kind: retire.kind, key: retire.key, what: What::Retire })
}

#[derive(serde::Deserialize)]
struct Retirement {
    retire: NodeReference,
}

fn deserialize<T: serde::de::DeserializeOwned>(
    fields: Map<String, Value>,
    place: &Place,
) -> Result<T, Vec<LineProblem>> {
    serde_path_to_error::deserialize(Value::Object(fields)).map_err(|error| {
        let path = error.path().to_string();
        let field = Some(path).filter(|path| path != ".");
        let message = Message::new("field-unusable").with("reason", error.into_inner().to_string());
        vec![place.problem(field, message)]
    })
}

/// Reads and checks a record; the hash is that of its canonical form, so that white space in a file says nothing.
fn read<K: Stored>(header: Header, fields: Map<String, Value>, place: &Place) -> Result<What, Vec<LineProblem>> {
    let record: K::Record = deserialize(fields, place)?;
    let mut line = Line { header, record };
    let mut problems = Problems::default();
    line.check(&mut problems);
    let found: Vec<LineProblem> =
        problems.into_vec().into_iter().map(|problem| place.problem(Some(problem.field), problem.message)).collect();
    if !found.is_empty() {
        return Err(found);
    }
    let (references, Line { header, record }) = (line.record.references(), &line);
    let hash = hash_of(header, record).map_err(|fault| vec![place.problem(None, fault.message().clone())])?;
    Ok(What::State { node: Box::new(Stated::<K>(line)), references, hash })
}

fn retire<'a, K: Stored>(tx: &'a mut Tx, id: Uuid, hash: Option<&'a str>) -> Retired<'a> {
    async move {
        let viewer = tx.viewer();
        let Some(mut line) = node::line_of::<K>(tx.conn(), &viewer, id).await? else {
            return Err(Fault::internal("retiring", "the node is gone"));
        };
        if line.header.retired {
            return Ok(None);
        }
        line.header.retired = true;
        line.header.audience = None;
        let keys = editing::keys_of(tx, &line.record).await?;
        K::save(tx, id, &line, hash, &keys).await.map(Some)
    }
    .boxed()
}

fn write_after<'a, K: Stored>(
    conn: &'a mut AsyncPgConnection,
    viewer: &'a Viewer,
    after: &'a str,
    limit: i64,
) -> WrittenOut<'a> {
    async move {
        let lines = node::lines_after::<K>(conn, viewer, after, limit).await?;
        lines.iter().map(|line| Ok((line.header.key.clone(), write(&line.header, &line.record)?))).collect()
    }
    .boxed()
}

#[derive(Serialize)]
struct OutLine<'a, R> {
    kind: String,
    #[serde(flatten)]
    header: &'a Header,
    #[serde(flatten)]
    record: &'a R,
}

/// A node as a line, always written the same way.
pub fn write<R: Record>(header: &Header, record: &R) -> Result<String, Fault> {
    let line = OutLine { kind: R::KIND.as_ref().to_lowercase(), header, record };
    serde_json::to_string(&line).map_err(|error| Fault::internal("writing a line", error))
}

/// The hash of a line in its canonical form: SHA-256, base64url.
pub fn hash_of<R: Record>(header: &Header, record: &R) -> Result<String, Fault> {
    Ok(URL_SAFE_NO_PAD.encode(Sha256::digest(write(header, record)?.as_bytes())))
}
