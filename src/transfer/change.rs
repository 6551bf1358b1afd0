//! The change log as lines of JSON, for operators: everything that is kept, whoever may see it.

use chrono::SecondsFormat;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::changes::cursor::Cursor;
use crate::changes::follow;
use crate::db::Db;
use crate::db::log::Entry;
use crate::error::Fault;

/// How many entries are read at once.
const CHUNK: usize = 1_000;

/// Writes every entry after a cursor as a line; null: from the oldest that is kept. A cursor that cannot be followed is
/// refused with its code.
pub async fn write(
    db: &Db,
    after: Option<Cursor>,
    mut out: impl FnMut(&str) -> std::io::Result<()>,
) -> Result<(), Fault> {
    let mut at = match after {
        Some(cursor) => cursor,
        None => follow::start(db).await?,
    };
    loop {
        let stretch = follow::read(db, at, CHUNK).await?;
        for entry in &stretch.entries {
            let written = out(&line(stretch.epoch, entry).to_string());
            written.map_err(|error| Fault::internal("writing the change log", error))?;
            at = Cursor::at(stretch.epoch, entry.position);
        }
        if !stretch.has_more {
            return Ok(());
        }
    }
}

fn line(epoch: Uuid, entry: &Entry) -> Value {
    json!({
        "cursor": Cursor::at(epoch, entry.position).write(),
        "position": entry.position,
        "changedAt": entry.created_at.to_rfc3339_opts(SecondsFormat::Micros, true),
        "action": entry.action.as_ref(),
        "kind": entry.kind.as_ref().map_or("VIEWER", AsRef::as_ref),
        "node": entry.node_id,
        "fields": entry.fields,
        "communities": entry.communities,
        "topics": entry.topics,
        "languages": entry.languages,
        "audienceBefore": entry.audiences.before,
        "audienceAfter": entry.audiences.after,
        "actor": entry.actor,
    })
}
