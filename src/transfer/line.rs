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
        // A field may have no name at all, which names nothing.
        let field = Some(path).filter(|path| path != "." && !path.is_empty());
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

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use proptest::sample::{Index, select};
    use serde_json::json;

    use super::*;
    use crate::text::language::{LanguageTag, Languages};
    use crate::transfer;

    /// The lines that the hub brings along.
    static LINES: LazyLock<Vec<Value>> = LazyLock::new(|| {
        let files = transfer::sample_data();
        let lines = files.iter().flat_map(|file| file.bytes.split(|byte| *byte == b'\n'));
        lines.filter(|line| !line.is_empty()).map(|line| serde_json::from_slice(line).unwrap()).collect()
    });

    /// Reads a line, and writes what was read.
    struct Rewritten(fn(Header, Map<String, Value>) -> String);

    impl PerKind for Rewritten {
        fn of_kind<K: Stored>() -> Self {
            Self(|header, fields| {
                let mut line = Line::<K::Record> { header, record: serde_json::from_value(fields.into()).unwrap() };
                line.check(&mut Problems::default());
                write(&line.header, &line.record).unwrap()
            })
        }
    }

    fn rewritten(kind: NodeKind, line: &[u8]) -> String {
        let mut fields: Map<String, Value> = serde_json::from_slice(line).unwrap();
        fields.remove("kind");
        let header = HEADER_FIELDS.iter().filter_map(|name| Some(((*name).to_owned(), fields.remove(*name)?)));
        let header: Map<String, Value> = header.collect();
        (Rewritten::of(kind).0)(serde_json::from_value(header.into()).unwrap(), fields)
    }

    /// Reads a line, which must be refused with its place in both languages, or be the same line once it is written.
    fn is_read_or_refused(line: &[u8]) -> Result<bool, TestCaseError> {
        let place = Place { file: "lines.jsonl".to_owned(), line: 7 };
        let problems = match parse(line, &place) {
            Ok(Parsed { what: What::Retire, .. }) => return Ok(true),
            Ok(Parsed { what: What::State { hash, .. }, kind, key, .. }) => {
                let again = rewritten(kind, line);
                let Ok(Parsed { what: What::State { hash: same, .. }, key: same_key, .. }) =
                    parse(again.as_bytes(), &place)
                else {
                    return Err(TestCaseError::fail(format!("what was written cannot be read: {again}")));
                };
                prop_assert_eq!((same_key, same), (key, hash), "{}", again);
                return Ok(true);
            }
            Err(problems) => problems,
        };
        prop_assert!(!problems.is_empty());
        for problem in problems {
            prop_assert_eq!((problem.file.as_str(), problem.line), ("lines.jsonl", 7));
            prop_assert!(problem.field.as_ref().is_none_or(|field| !field.is_empty()));
            for language in ["en", "fr"] {
                let language = LanguageTag::parse(language).unwrap();
                let sentence = problem.sentence(&Languages::new(vec![language.clone()], language));
                prop_assert!(sentence.contains("lines.jsonl") && sentence.contains('7'), "{}", sentence);
            }
        }
        Ok(false)
    }

    /// What a field may be swapped for: other types, numbers that nothing holds, texts that nobody writes.
    fn swapped() -> impl Strategy<Value = Value> {
        let fixed = vec![
            Value::Null,
            json!(true),
            json!(0),
            json!(-1),
            json!(u64::MAX),
            json!(i64::MIN),
            json!(1e308),
            json!(0.1),
            json!(""),
            json!(" "),
            json!("\0"),
            json!("a\u{1b}[31m\r\n"),
            json!("\u{202e}\u{feff}"),
            json!("x".repeat(20_000)),
            json!("javascript:alert(1)"),
            json!("9999-99-99"),
            json!("-9999999/.."),
            json!([]),
            json!({}),
            json!([null]),
            json!([{}, [], "", 1]),
            json!(vec!["a"; 60]),
            json!({"en": ""}),
            json!({"en": 1, "en_CA": "x"}),
            json!({"": {"": {"": null}}}),
        ];
        let of_another_line = (any::<Index>(), any::<Index>()).prop_map(|(line, field)| {
            let fields = line.get(&LINES).as_object().unwrap();
            fields.values().nth(field.index(fields.len())).unwrap().clone()
        });
        let text = "(\\PC|[\0-\x1f]){0,30}".prop_map(Value::from);
        prop_oneof![select(fixed), of_another_line, text, any::<i64>().prop_map(Value::from)]
    }

    /// Swaps something in a value: at the top, or further down.
    fn swap(value: &mut Value, path: &[Index], with: Value) {
        let inner = match (value, path) {
            (Value::Object(fields), [at, rest @ ..]) if !fields.is_empty() => {
                let at = at.index(fields.len());
                fields.values_mut().nth(at).map(|value| (value, rest))
            }
            (Value::Array(values), [at, rest @ ..]) if !values.is_empty() => {
                let at = at.index(values.len());
                values.get_mut(at).map(|value| (value, rest))
            }
            (value, _) => {
                *value = with;
                return;
            }
        };
        if let Some((value, rest)) = inner {
            swap(value, rest, with);
        }
    }

    #[test]
    fn the_lines_of_the_hub_are_read_and_written_the_same() {
        for line in LINES.iter() {
            assert!(is_read_or_refused(line.to_string().as_bytes()).unwrap(), "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..60), text in "[{}\\[\\]\":,a-z0-9\\\\ ]{0,60}") {
            is_read_or_refused(&bytes)?;
            is_read_or_refused(text.as_bytes())?;
            is_read_or_refused(format!("{{\"retire\":\"{text}\"}}").as_bytes())?;
        }

        #[test]
        fn a_line_with_something_swapped_is_read_or_refused(
            line: Index, path in prop::collection::vec(any::<Index>(), 1..5), with in swapped(),
        ) {
            let mut line = line.get(&LINES).clone();
            swap(&mut line, &path, with);
            is_read_or_refused(line.to_string().as_bytes())?;
        }

        #[test]
        fn a_line_with_a_field_of_another_kind_is_read_or_refused(line: Index, name in "\\PC{0,12}", with in swapped()) {
            let mut line = line.get(&LINES).clone();
            line[name] = with;
            is_read_or_refused(line.to_string().as_bytes())?;
        }

        #[test]
        fn a_line_that_was_cut_or_spoilt_is_read_or_refused(
            line: Index, at: Index, byte: u8, with in select(vec!["1e999", "\\u0000", "\\ud800", "\0", "\u{7f}", "[[[[", "}", "\""]),
        ) {
            let line = line.get(&LINES).to_string().into_bytes();
            let at = at.index(line.len());
            is_read_or_refused(&line[..at])?;
            is_read_or_refused(&[&line[..at], with.as_bytes(), &line[at..]].concat())?;
            let mut spoilt = line;
            spoilt[at] = byte;
            is_read_or_refused(&spoilt)?;
        }

        #[test]
        fn the_lines_of_a_feed_are_those_of_the_file(bytes in "[a\n\r]{0,40}", room in 1..9_usize) {
            let mut reader = std::io::BufReader::with_capacity(room, bytes.as_bytes());
            let mut lines = Vec::new();
            while let Some(line) = next(&mut reader).unwrap() {
                lines.push(String::from_utf8(line).unwrap());
            }
            let expected: Vec<&str> = bytes.strip_suffix('\n').unwrap_or(&bytes).split('\n').collect();
            prop_assert_eq!(lines, if bytes.is_empty() { Vec::new() } else { expected });
        }
    }

    #[test]
    fn deep_and_long_lines_are_refused() {
        for line in ["[".repeat(900_000), "{\"a\":".repeat(180_000), " ".repeat(MAX_LINE_BYTES + 1)] {
            assert!(!is_read_or_refused(line.as_bytes()).unwrap());
        }
    }
}
