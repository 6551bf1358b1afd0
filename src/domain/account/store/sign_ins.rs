//! The rows of sign-ins that are under way: made when a browser leaves for its provider, taken when it comes back.

use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;

use crate::auth::secret::Secret;
use crate::db::statement::Sql;
use crate::db::write::Tx;
use crate::error::Fault;

/// The condition that a sign-in is too old, as PostgreSQL writes it: 10 minutes are enough for a password and a second factor.
const IS_OVER: &str = "(created_at < now() - interval '10 minutes')";

/// What has to be known of a sign-in when its browser comes back.
#[derive(Clone, PartialEq, Eq)]
pub struct SignIn {
    /// The provider, by its name in the settings.
    pub provider: String,
    /// What the ID token must repeat.
    pub nonce: String,
    /// What proves to the provider that the code is the hub's.
    pub verifier: String,
    /// Where on the hub the browser goes afterwards.
    pub return_to: String,
}

/// Begins a sign-in, for the hub itself: nobody is known yet. Those that are over are swept away.
pub async fn begin(tx: &mut Tx, state: &Secret, sign_in: SignIn) -> Result<(), Fault> {
    let SignIn { provider, nonce, verifier, return_to } = sign_in;
    // SQL: by sign_ins_created.
    Sql::new("DELETE FROM sign_ins WHERE ")
        .push(IS_OVER)
        .returning::<()>()
        .execute(tx.conn())
        .await
        .map_err(|error| Fault::database("sweeping sign-ins", error))?;
    // SQL: one row.
    let begun = Sql::new("INSERT INTO sign_ins (state_hash, provider, nonce, verifier, return_to) VALUES (")
        .bytes(state.hash())
        .push(", ")
        .text(provider)
        .push(", ")
        .text(nonce)
        .push(", ")
        .text(verifier)
        .push(", ")
        .text(return_to)
        .push(")")
        .returning::<()>()
        .execute(tx.conn())
        .await;
    begun.map(|_| ()).map_err(|error| Fault::database("beginning a sign-in", error))
}

/// Takes a sign-in, once and for all, for the hub itself; null: it is none, is over, or was taken before.
pub async fn take(tx: &mut Tx, state: &Secret) -> Result<Option<SignIn>, Fault> {
    // SQL: by primary key; of two who come at once, one finds the row gone.
    let taken: Vec<(String, String, String, String)> = Sql::new("DELETE FROM sign_ins WHERE NOT ")
        .push(IS_OVER)
        .push(" AND state_hash = ")
        .bytes(state.hash())
        .push(" RETURNING provider, nonce, verifier, return_to")
        .returning::<(Text, Text, Text, Text)>()
        .load(tx.conn())
        .await
        .map_err(|error| Fault::database("taking a sign-in", error))?;
    let sign_in = taken.into_iter().next();
    Ok(sign_in.map(|(provider, nonce, verifier, return_to)| SignIn { provider, nonce, verifier, return_to }))
}
