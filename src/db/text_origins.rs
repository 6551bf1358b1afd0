//! Where each text of a node comes from: the original, or a translation of an original with a certain hash.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use diesel::sql_types::{Bool, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use sha2::{Digest, Sha256};
use strum::{AsRefStr, EnumMessage, EnumString, VariantArray};
use uuid::Uuid;

use crate::db::listing::visible_to;
use crate::db::statement::Sql;
use crate::error::Fault;
use crate::policy::Viewer;
use crate::text::language::LanguageTag;
use crate::text::texts::Fields;
use crate::text::vocabulary::Vocabulary;

/// Where a text comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, AsRefStr, EnumString, EnumMessage, VariantArray)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum TextOrigin {
    /// It was written in this language.
    Original,
    /// Somebody translated it.
    Human,
    /// A machine translated it.
    Machine,
    /// It came with a file, translated by whoever made that.
    Imported,
}

impl Vocabulary for TextOrigin {
    const NAME: &'static str = "TextOrigin";
    const ABOUT: &'static str = "Where a text in a language comes from.";
}

/// The texts of a node that was written.
pub struct Written<'a> {
    /// The language of the node.
    pub original: &'a LanguageTag,
    /// Its language before; null: it is new.
    pub original_before: Option<&'a LanguageTag>,
    /// Its texts before.
    pub before: &'a Fields<'a>,
    /// Its texts now.
    pub after: &'a Fields<'a>,
    /// Where translations come from that are new.
    pub origin: TextOrigin,
}

/// Writes where the texts come from. A translation that did not change keeps the hash of the original that it was
/// made from, so that it shows as stale when the original did change.
pub async fn keep(conn: &mut AsyncPgConnection, node_id: Uuid, texts: Written<'_>) -> Result<(), Fault> {
    let Written { original, original_before, before, after, origin } = texts;
    let doing = |error: diesel::result::Error| Fault::database("keeping text origins", error);
    let (mut all_fields, mut all_languages) = (Vec::new(), Vec::new());
    let (mut fields, mut languages, mut origins, mut hashes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (field, texts) in after {
        let original_hash = texts.exact(original).map(hash).unwrap_or_default();
        for (language, text) in texts.iter() {
            all_fields.push(field.as_str());
            all_languages.push(language.as_str());
            let is_original = language == original;
            let unchanged = before.get(field).and_then(|texts| texts.exact(language)) == Some(text);
            if unchanged && !is_original && original_before == Some(original) {
                continue;
            }
            fields.push(field.as_str());
            languages.push(language.as_str());
            origins.push(if is_original { TextOrigin::Original } else { origin }.as_ref().to_owned());
            hashes.push(original_hash.clone());
        }
    }
    // SQL: by primary key prefix.
    Sql::new("DELETE FROM text_origins WHERE node_id = ")
        .uuid(node_id)
        .push(" AND (field, language) NOT IN (SELECT * FROM unnest(")
        .texts(all_fields)
        .push(", ")
        .texts(all_languages)
        .push("))")
        .returning::<()>()
        .execute(conn)
        .await
        .map_err(doing)?;
    // SQL: by primary key.
    Sql::new("INSERT INTO text_origins (node_id, field, language, origin, original_hash) SELECT ")
        .uuid(node_id)
        .push(", t.field, t.language, t.origin, nullif(t.hash, '') FROM unnest(")
        .texts(fields)
        .push(", ")
        .texts(languages)
        .push(", ")
        .texts(origins)
        .push(", ")
        .texts(hashes)
        .push(
            ") AS t (field, language, origin, hash) ON CONFLICT (node_id, field, language) \
             DO UPDATE SET origin = excluded.origin, original_hash = excluded.original_hash",
        )
        .returning::<()>()
        .execute(conn)
        .await
        .map(|_| ())
        .map_err(doing)
}

/// The hash of a text: SHA-256, base64url.
pub fn hash(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text.as_bytes()))
}

/// Whether a node has a text in some language at a path.
pub async fn has_field(conn: &mut AsyncPgConnection, node_id: Uuid, field: &str) -> Result<bool, Fault> {
    // SQL: by primary key prefix.
    let found = Sql::new("SELECT EXISTS (SELECT 1 FROM text_origins WHERE node_id = ")
        .uuid(node_id)
        .push(" AND field = ")
        .text(field)
        .push(")")
        .returning::<Bool>()
        .get_result(conn)
        .await;
    found.map_err(|error| Fault::database("looking for a text", error))
}

/// Notes that a translation is one of the original as it is now.
pub async fn confirm(
    conn: &mut AsyncPgConnection,
    node_id: Uuid,
    field: &str,
    language: &LanguageTag,
    origin: TextOrigin,
) -> Result<(), Fault> {
    // SQL: both by primary key prefix.
    Sql::new("UPDATE text_origins t SET origin = ")
        .text(origin.as_ref())
        .push(", original_hash = (SELECT o.original_hash FROM text_origins o WHERE o.node_id = t.node_id AND o.field = t.field AND o.origin = 'ORIGINAL') WHERE t.node_id = ")
        .uuid(node_id)
        .push(" AND t.field = ")
        .text(field)
        .push(" AND t.language = ")
        .text(language.as_str())
        .returning::<()>()
        .execute(conn)
        .await
        .map(|_| ())
        .map_err(|error| Fault::database("noting where a text comes from", error))
}

/// Where each text of a node comes from, by field and language, and whether its original has changed since.
pub type OriginsOfNode = HashMap<(String, String), (TextOrigin, bool)>;

/// Where the texts of many nodes come from, as far as the viewer sees the nodes.
pub async fn of_nodes(
    conn: &mut AsyncPgConnection,
    viewer: &Viewer,
    nodes: Vec<Uuid>,
) -> Result<HashMap<Uuid, OriginsOfNode>, Fault> {
    type Row = (Uuid, String, String, String, bool);
    // SQL: nodes by primary key, texts by primary key prefix.
    let rows: Vec<Row> = Sql::new("SELECT t.node_id, t.field, t.language, t.origin, t.origin <> 'ORIGINAL' AND t.original_hash IS DISTINCT FROM o.original_hash FROM text_origins t JOIN nodes n ON n.id = t.node_id LEFT JOIN text_origins o ON o.node_id = t.node_id AND o.field = t.field AND o.origin = 'ORIGINAL' WHERE t.node_id = ANY (")
        .uuids(nodes)
        .push(")")
        .and(visible_to(viewer, "n.is_public", "n.audience"))
        .returning::<(SqlUuid, Text, Text, Text, Bool)>()
        .load(conn)
        .await
        .map_err(|error| Fault::database("reading where texts come from", error))?;
    let mut found: HashMap<Uuid, OriginsOfNode> = HashMap::new();
    for (node, field, language, origin, is_stale) in rows {
        let origin = origin.parse().map_err(|_| Fault::internal("reading where texts come from", &origin))?;
        found.entry(node).or_default().insert((field, language), (origin, is_stale));
    }
    Ok(found)
}
