//! Where each text of a node comes from: the original, or a translation of an original with a certain hash.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::db::statement::Sql;
use crate::error::Fault;
use crate::text::language::LanguageTag;
use crate::text::texts::Fields;

/// Writes where the texts come from. A translation that did not change keeps the hash of the original that it was
/// made from, so that it shows as stale when the original did change.
pub async fn keep(
    conn: &mut AsyncPgConnection,
    node_id: Uuid,
    original: &LanguageTag,
    original_before: Option<&LanguageTag>,
    before: &Fields<'_>,
    after: &Fields<'_>,
) -> Result<(), Fault> {
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
            origins.push(if is_original { "ORIGINAL" } else { "TRANSLATION" });
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
