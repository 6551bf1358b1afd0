//! How mutations are executed: one transaction, what can be mended told beside the answer, the rest as an error.

use async_graphql::SimpleObject;
use futures_util::future::BoxFuture;

use crate::db::write::{self, Tx};
use crate::error::{Fault, RefusalCode};
use crate::graph::scope::Scope;
use crate::graph::word::Word;
use crate::text::texts;

/// The longest reason for a mutation, in characters.
const MAX_REASON_CHARS: usize = 300;

/// Something that whoever sent a mutation can mend. Nothing was done.
#[derive(SimpleObject)]
pub struct UserError {
    /// Why nothing was done, for programs.
    code: Word<RefusalCode>,
    /// The field of the input that is to be mended; null: none in particular.
    field: Option<String>,
    /// Why nothing was done and what to do, in the reader's language.
    message: String,
}

/// What came of a mutation: what it made, or what is to be mended.
pub type Outcome<T> = Result<T, Vec<UserError>>;

/// Writes in one transaction as the scope's viewer. `reason` is what they say why, for the audit.
pub async fn run<T, W>(scope: &Scope, reason: Option<String>, work: W) -> Result<Outcome<T>, Fault>
where
    T: Send + 'static,
    W: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, Fault>> + Send + 'static,
{
    if let Some(Err(message)) = reason.as_ref().map(|reason| texts::check_plain(reason, MAX_REASON_CHARS, true)) {
        return mended(scope, Err(Fault::bad_input(message).of_field("reason")));
    }
    let reason = reason.unwrap_or_default();
    let written = write::write(scope.db(), scope.viewer().clone(), move |tx| {
        tx.because(&reason);
        work(tx)
    });
    mended(scope, written.await)
}

/// What can be mended of what went wrong, as it is told.
pub fn mended<T>(scope: &Scope, outcome: Result<T, Fault>) -> Result<Outcome<T>, Fault> {
    match outcome {
        Ok(value) => Ok(Ok(value)),
        Err(fault) => match fault.refusal() {
            Some(code) => Ok(Err(vec![UserError {
                code: Word(code),
                field: fault.field().map(str::to_owned),
                message: scope.sentence(fault.message()),
            }])),
            None => Err(fault),
        },
    }
}
