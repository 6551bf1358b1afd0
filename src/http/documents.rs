//! Documents that are named instead of sent: those of a folder that the operator trusts, and those that clients sent once with
//! their hash (automatic persisted queries), as long as there is room.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use async_graphql::Variables;
use async_graphql::parser::parse_query;
use quick_cache::sync::Cache;
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::config::limits::Limits;
use crate::error::{Code, Fault};
use crate::graph::limits;
use crate::http::execution::{Parameters, bad_request};
use crate::policy::Viewer;
use crate::text::messages::Message;

/// How the files of trusted documents end.
const ENDING: &str = "graphql";

/// The largest part of the room that one persisted document takes.
const LARGEST_PART: u64 = 8;

/// About what a persisted document takes besides its own bytes.
const ENTRY_BYTES: usize = 128;

/// The documents that can be named.
pub struct Documents {
    trusted: HashMap<String, Arc<str>>,
    /// Whether nothing else is executed for anonymous viewers.
    is_closed: bool,
    /// Null: automatic persisted queries are off.
    persisted: Option<Cache<[u8; 32], Arc<str>, ByBytes>>,
}

/// The parameters with their document, and whether it is one of the operator's.
pub struct Named {
    /// The parameters; `document_id` is gone from them.
    pub parameters: Parameters,
    /// Whether the document is a trusted one.
    pub is_trusted: bool,
}

#[derive(Clone)]
struct ByBytes {
    largest: u64,
    outweighs: u64,
}

impl Weighter<[u8; 32], Arc<str>> for ByBytes {
    fn weight(&self, _hash: &[u8; 32], document: &Arc<str>) -> u64 {
        let bytes = u64::try_from(document.len().saturating_add(ENTRY_BYTES)).unwrap_or(u64::MAX);
        // What is too large outweighs the whole, so that it is not taken in.
        if bytes > self.largest { self.outweighs } else { bytes }
    }
}

impl Documents {
    /// Reads the folder: `NAME.graphql` is the document NAME. A document that cannot be executed is named, with the reason.
    pub fn load(folder: Option<&Path>, is_closed: bool, limits: &Limits) -> Result<Self, Message> {
        let trusted = folder.map(|folder| read(folder, limits)).transpose()?.unwrap_or_default();
        Ok(Self { trusted, is_closed, persisted: persisted(limits.persisted_bytes) })
    }

    /// The names of the operations in the operator's documents.
    pub fn operations(&self) -> Vec<String> {
        // Each was read when it was loaded.
        let documents = self.trusted.values().filter_map(|text| parse_query(text).ok());
        let names = documents
            .map(|document| document.operations.iter().filter_map(|(name, _)| Some(name?.to_string())).collect());
        names.flat_map(|names: Vec<String>| names).collect()
    }

    /// The parameters with the document that they name.
    pub fn resolve(&self, mut parameters: Parameters, viewer: &Viewer) -> Result<Named, Fault> {
        if let Some(id) = parameters.document_id.take() {
            if parameters.query.is_some() {
                return Err(bad_request(Message::new("http-document-and-query")));
            }
            let unknown = || Fault::new(Code::NotFound, Message::new("http-document-unknown"));
            let document = self.trusted.get(&id).ok_or_else(unknown)?;
            parameters.query = Some(document.to_string());
            return Ok(Named { parameters, is_trusted: true });
        }
        if self.is_closed && *viewer == Viewer::Anonymous {
            return Err(Fault::new(Code::Forbidden, Message::new("http-only-documents")));
        }
        if let (Some(cache), Some(hash)) = (&self.persisted, hash_of(&parameters)) {
            parameters.query = Some(find(cache, hash?, parameters.query.take())?);
            parameters.extensions = None;
        }
        Ok(Named { parameters, is_trusted: false })
    }
}

/// The hash that automatic persisted queries send: `extensions.persistedQuery { version: 1, sha256Hash }`; null: none is sent.
fn hash_of(parameters: &Parameters) -> Option<Result<[u8; 32], Fault>> {
    let sent = parameters.extensions.as_ref()?.get("persistedQuery")?;
    let text = sent.get("sha256Hash").and_then(Value::as_str).filter(|_| sent.get("version") == Some(&Value::from(1)));
    let hash = text.and_then(bytes_of);
    Some(hash.ok_or_else(|| bad_request(Message::new("http-hash-wrong"))))
}

fn find(cache: &Cache<[u8; 32], Arc<str>, ByBytes>, hash: [u8; 32], sent: Option<String>) -> Result<String, Fault> {
    match sent {
        Some(document) => {
            let own: [u8; 32] = Sha256::digest(&document).into();
            if own != hash {
                return Err(bad_request(Message::new("http-hash-wrong")));
            }
            cache.insert(hash, document.as_str().into());
            Ok(document)
        }
        None => {
            let unknown = || Fault::new(Code::PersistedQueryNotFound, Message::new("http-hash-unknown"));
            Ok(cache.get(&hash).ok_or_else(unknown)?.to_string())
        }
    }
}

/// 64 hexadecimal digits as bytes.
fn bytes_of(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 32];
    for (index, byte) in bytes.iter_mut().enumerate() {
        let start = index.saturating_mul(2);
        *byte = u8::from_str_radix(text.get(start..start.saturating_add(2))?, 16).ok()?;
    }
    Some(bytes)
}

fn persisted(room: u64) -> Option<Cache<[u8; 32], Arc<str>, ByBytes>> {
    if room == 0 {
        return None;
    }
    let weighter = ByBytes { largest: room / LARGEST_PART, outweighs: room.saturating_add(1) };
    let mut options = OptionsBuilder::new();
    options.estimated_items_capacity(500).weight_capacity(room).shards(1);
    // Every option that has to be given is given.
    let options = options.build().expect("a capacity and a number of documents");
    Some(Cache::with_options(options, weighter, DefaultHashBuilder::default(), Default::default()))
}

fn read(folder: &Path, limits: &Limits) -> Result<HashMap<String, Arc<str>>, Message> {
    let unusable = |path: &Path, reason: String| {
        Message::new("config-document-unusable").with("file", path.display().to_string()).with("reason", reason)
    };
    let entries = std::fs::read_dir(folder).map_err(|error| unusable(folder, error.to_string()))?;
    let mut documents = HashMap::new();
    for entry in entries {
        let path = entry.map_err(|error| unusable(folder, error.to_string()))?.path();
        let name = path.file_stem().and_then(|name| name.to_str());
        let (Some(name), true) = (name, path.extension().is_some_and(|ending| ending == ENDING)) else { continue };
        let text = std::fs::read_to_string(&path).map_err(|error| unusable(&path, error.to_string()))?;
        let judged = judge(&text, limits);
        judged.map_err(|reason| unusable(&path, reason))?;
        documents.insert(name.to_owned(), text.into());
    }
    Ok(documents)
}

/// Whether a document is one, and within the limits whatever its variables are left at.
fn judge(text: &str, limits: &Limits) -> Result<(), String> {
    limits::check_text(text, limits).map_err(|fault| fault.message().to_string())?;
    let document = parse_query(text).map_err(|error| error.to_string())?;
    limits::check(&document, None, &Variables::default(), limits).map_err(|fault| fault.message().to_string())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parameters(value: Value) -> Parameters {
        serde_json::from_value(value).unwrap()
    }

    fn persisted_query(document: &str) -> Value {
        let hash: String = Sha256::digest(document).iter().map(|byte| format!("{byte:02x}")).collect();
        json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } })
    }

    fn resolved(documents: &Documents, value: Value) -> Result<Option<String>, Code> {
        let named = documents.resolve(parameters(value), &Viewer::Anonymous);
        named.map(|named| named.parameters.query).map_err(|fault| fault.code())
    }

    #[test]
    fn the_documents_of_a_folder_are_found_by_their_names_alone() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("home.graphql"), "query Home { changeCursor }").unwrap();
        std::fs::write(folder.path().join("notes.txt"), "not a document").unwrap();
        let documents = Documents::load(Some(folder.path()), true, &Limits::default()).unwrap();
        assert_eq!(documents.operations(), ["Home"]);
        let home = "query Home { changeCursor }".to_owned();
        assert_eq!(resolved(&documents, json!({"documentId": "home"})), Ok(Some(home)));
        for id in ["away", "", "../home", "home.graphql", "notes"] {
            assert_eq!(resolved(&documents, json!({ "documentId": id })), Err(Code::NotFound), "{id}");
        }
        assert_eq!(resolved(&documents, json!({"documentId": "home", "query": "{ a }"})), Err(Code::BadRequest));
        assert_eq!(resolved(&documents, json!({"query": "{ changeCursor }"})), Err(Code::Forbidden));
        let hash = persisted_query("{ a }");
        assert_eq!(resolved(&documents, json!({"query": "{ a }", "extensions": hash})), Err(Code::Forbidden));
        let known = documents.resolve(parameters(json!({"query": "{ a }"})), &Viewer::system("test"));
        assert_eq!(known.unwrap().parameters.query.as_deref(), Some("{ a }"));
    }

    #[test]
    fn a_document_that_cannot_be_executed_is_named() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["{", &format!("{{ {} }}", "a ".repeat(20_001))] {
            std::fs::write(folder.path().join("broken.graphql"), text).unwrap();
            let refused = Documents::load(Some(folder.path()), false, &Limits::default()).err().unwrap();
            assert_eq!(refused.id(), "config-document-unusable");
            assert!(refused.to_string().contains("broken.graphql"));
        }
        assert!(Documents::load(Some(Path::new("/nowhere")), false, &Limits::default()).is_err());
    }

    #[test]
    fn a_document_that_was_sent_with_its_hash_is_found_by_it() {
        let documents = Documents::load(None, false, &Limits::default()).unwrap();
        let hash = persisted_query("{ a }");
        assert_eq!(resolved(&documents, json!({ "extensions": hash })), Err(Code::PersistedQueryNotFound));
        let sent = resolved(&documents, json!({ "query": "{ a }", "extensions": hash }));
        assert_eq!(sent, Ok(Some("{ a }".to_owned())));
        assert_eq!(resolved(&documents, json!({ "extensions": hash })), Ok(Some("{ a }".to_owned())));
        let other = resolved(&documents, json!({ "query": "{ b }", "extensions": hash }));
        assert_eq!(other, Err(Code::BadRequest));
        for sent in
            [json!(1), json!({}), json!({"version": 2, "sha256Hash": ""}), json!({"version": 1, "sha256Hash": "é"})]
        {
            let extensions = json!({ "persistedQuery": sent });
            assert_eq!(resolved(&documents, json!({ "extensions": extensions })), Err(Code::BadRequest), "{sent}");
        }
    }

    #[test]
    fn persisted_documents_stay_within_their_bytes() {
        let limits = Limits { persisted_bytes: 10_000, ..Limits::default() };
        let documents = Documents::load(None, false, &limits).unwrap();
        for number in 0..1_000 {
            let text = format!("{{ a{number} {} }}", "b ".repeat(200));
            resolved(&documents, json!({ "query": text, "extensions": persisted_query(&text) })).unwrap();
        }
        let cache = documents.persisted.as_ref().unwrap();
        assert!(cache.weight() <= 10_000 && cache.len() > 5, "{} in {}", cache.len(), cache.weight());
        let large = format!("{{ {} }}", "b ".repeat(1_000));
        resolved(&documents, json!({ "query": large, "extensions": persisted_query(&large) })).unwrap();
        let again = resolved(&documents, json!({ "extensions": persisted_query(&large) }));
        assert_eq!(again, Err(Code::PersistedQueryNotFound));
    }

    #[test]
    fn nothing_is_persisted_when_there_is_no_room_for_it() {
        let documents = Documents::load(None, false, &Limits { persisted_bytes: 0, ..Limits::default() }).unwrap();
        let hash = persisted_query("{ a }");
        assert_eq!(resolved(&documents, json!({ "query": "{ a }", "extensions": hash })), Ok(Some("{ a }".to_owned())));
        assert_eq!(resolved(&documents, json!({ "extensions": hash })), Ok(None));
    }
}
