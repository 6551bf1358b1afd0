//! What was sent with an idempotency key: sent again, it is answered again and not done again.
//!
//! A row is the first thing that a transaction writes and commits with it, so that a refusal or a fault frees the key, and
//! whoever sends the same at the same time waits for the first. It holds what the mutation made, never what it answered.

use diesel::sql_types::{Binary, Nullable, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::db::statement::Sql;
use crate::db::write::Tx;
use crate::error::{Code, Fault};
use crate::policy::Identity;
use crate::text::messages::Message;

/// How long a key is remembered, as PostgreSQL writes it.
const KEPT_FOR: &str = "now() - interval '24 hours'";

/// What was sent.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The mutation.
    pub mutation: String,
    /// The key that whoever sent it chose.
    pub key: String,
    /// SHA-256 of the rest of the input in canonical form.
    pub input_hash: Vec<u8>,
}

/// Whether something was sent before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It was not: it is noted in this row, which is owed [`finish`].
    First(Uuid),
    /// It was, and this came of it.
    Again(Option<Uuid>),
}

/// Notes what is sent, unless it was sent before; waits for whoever is sending it just now. Another input under the same key
/// is `CONFLICT`.
pub async fn begin(tx: &mut Tx, sent: &Sent) -> Result<Seen, Fault> {
    let doing = |error: diesel::result::Error| Fault::database("looking for what was sent before", error);
    let (id, account) = (tx.new_id(), tx.viewer().identity().map(Identity::account));
    // SQL: by the unique index sent_mutations_key. A row that is too old is taken over.
    let noted: Vec<Uuid> = Sql::new(
        "INSERT INTO sent_mutations AS kept (id, account_id, mutation, key, input_hash) VALUES (",
    )
    .uuid(id)
    .push(", ")
    .uuid_or_null(account)
    .push(", ")
    .text(&sent.mutation)
    .push(", ")
    .text(&sent.key)
    .push(", ")
    .bytes(sent.input_hash.clone())
    .push(
        ") ON CONFLICT ((coalesce(account_id, '00000000-0000-0000-0000-000000000000')), mutation, key) DO UPDATE \
             SET id = excluded.id, input_hash = excluded.input_hash, outcome_id = NULL, created_at = now() \
             WHERE kept.created_at < ",
    )
    .push(KEPT_FOR)
    .push(" RETURNING id")
    .returning::<SqlUuid>()
    .load(tx.conn())
    .await
    .map_err(doing)?;
    if let Some(row) = noted.into_iter().next() {
        return Ok(Seen::First(row));
    }
    // SQL: by the same index.
    let before: Vec<(Vec<u8>, Option<Uuid>)> =
        Sql::new("SELECT input_hash, outcome_id FROM sent_mutations WHERE coalesce(account_id, '00000000-0000-0000-0000-000000000000') = ")
            .uuid(account.unwrap_or_default())
            .push(" AND mutation = ")
            .text(&sent.mutation)
            .push(" AND key = ")
            .text(&sent.key)
            .returning::<(Binary, Nullable<SqlUuid>)>()
            .load(tx.conn())
            .await
            .map_err(doing)?;
    match before.into_iter().next() {
        Some((hash, outcome)) if hash == sent.input_hash => Ok(Seen::Again(outcome)),
        Some(_) => Err(Fault::new(Code::Conflict, Message::new("idempotency-key-used")).of_field("idempotencyKey")),
        None => Err(Fault::internal("looking for what was sent before", "it is gone")),
    }
}

/// Notes what came of it.
pub async fn finish(tx: &mut Tx, row: Uuid, outcome: Option<Uuid>) -> Result<(), Fault> {
    // SQL: by primary key.
    Sql::new("UPDATE sent_mutations SET outcome_id = ")
        .uuid_or_null(outcome)
        .push(" WHERE id = ")
        .uuid(row)
        .returning::<()>()
        .execute(tx.conn())
        .await
        .map(|_| ())
        .map_err(|error| Fault::database("noting what came of a mutation", error))
}

/// Forgets the keys that are too old.
pub async fn forget(conn: &mut AsyncPgConnection) -> Result<(), Fault> {
    // SQL: by sent_mutations_created.
    Sql::new("DELETE FROM sent_mutations WHERE created_at < ")
        .push(KEPT_FOR)
        .returning::<()>()
        .execute(conn)
        .await
        .map(|_| ())
        .map_err(|error| Fault::database("forgetting what was sent", error))
}
