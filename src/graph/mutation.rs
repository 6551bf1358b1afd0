//! How mutations are executed: one transaction, what can be mended told beside the answer, the rest as an error; and once,
//! however often they are sent with the same idempotency key.

use async_graphql::{Context, SimpleObject};
use async_graphql_value::ConstValue;
use futures_util::future::BoxFuture;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::db::sent::{self, Seen, Sent};
use crate::db::write::{self, Tx};
use crate::error::{Fault, RefusalCode};
use crate::graph::scope::Scope;
use crate::graph::word::Word;
use crate::text::texts;

/// The longest reason for a mutation, in characters.
const MAX_REASON_CHARS: usize = 300;

/// The longest idempotency key, in characters.
const MAX_KEY_CHARS: usize = 100;

/// The most things to mend that one answer tells.
const MAX_USER_ERRORS: usize = 100;

/// The field of every input that holds the idempotency key.
const KEY_FIELD: &str = "idempotencyKey";

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

/// A mutation as it was sent.
#[derive(Debug)]
pub struct Call {
    mutation: String,
    key: Option<String>,
    input_hash: Vec<u8>,
    reason: Option<String>,
}

impl Call {
    /// The mutation that is being resolved. `reason` is what whoever sent it says why, for the audit.
    pub fn of(ctx: &Context<'_>, key: Option<String>, reason: Option<String>) -> Result<Self, Fault> {
        let field = ctx.field();
        let arguments = field.arguments().map_err(|error| Fault::internal("reading a mutation", error.message))?;
        let mut hash = Sha256::new();
        for (name, value) in arguments {
            hash.update(name.as_str());
            write_canonical(&value, &mut hash);
        }
        Ok(Self { mutation: field.name().to_owned(), key, input_hash: hash.finalize().to_vec(), reason })
    }

    fn check(&self) -> Result<(), Fault> {
        if let Some(reason) = &self.reason {
            let checked = texts::check_plain(reason, MAX_REASON_CHARS, true);
            checked.map_err(|message| Fault::bad_input(message).of_field("reason"))?;
        }
        if let Some(key) = &self.key {
            let checked = texts::check_plain(key, MAX_KEY_CHARS, false);
            checked.map_err(|message| Fault::bad_input(message).of_field(KEY_FIELD))?;
        }
        Ok(())
    }
}

/// What a mutation made, as far as it is remembered for whoever sends it again.
pub trait Made: Send + Sized + 'static {
    /// The id of what was made or changed; null: it has none.
    fn id(&self) -> Option<Uuid>;

    /// The same for whoever sends it again; null: it is done again, as it changes nothing.
    fn again(id: Option<Uuid>) -> Option<Self>;
}

impl Made for Uuid {
    fn id(&self) -> Option<Uuid> {
        Some(*self)
    }

    fn again(id: Option<Uuid>) -> Option<Self> {
        id
    }
}

impl Made for () {
    fn id(&self) -> Option<Uuid> {
        None
    }

    fn again(_id: Option<Uuid>) -> Option<Self> {
        Some(())
    }
}

/// Writes in one transaction as the scope's viewer.
pub async fn run<T, W>(scope: &Scope, call: Call, work: W) -> Result<Outcome<T>, Fault>
where
    T: Made,
    W: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, Fault>> + Send + 'static,
{
    if let Err(fault) = call.check() {
        return mended(scope, Err(fault));
    }
    let written = write::write(scope.db(), scope.viewer().clone(), move |tx| {
        Box::pin(async move {
            tx.because(&call.reason.unwrap_or_default());
            let Some(key) = call.key else { return work(tx).await };
            let sent = Sent { mutation: call.mutation, key, input_hash: call.input_hash };
            match sent::begin(tx, &sent).await? {
                Seen::Again(id) => match T::again(id) {
                    Some(made) => Ok(made),
                    None => work(tx).await,
                },
                Seen::First(row) => {
                    let made = work(tx).await?;
                    sent::finish(tx, row, made.id()).await?;
                    Ok(made)
                }
            }
        })
    });
    let written = written.await;
    if written.is_ok() {
        scope.note_written();
    }
    mended(scope, written)
}

/// What can be mended of what went wrong, as it is told.
pub fn mended<T>(scope: &Scope, outcome: Result<T, Fault>) -> Result<Outcome<T>, Fault> {
    match outcome {
        Ok(value) => Ok(Ok(value)),
        Err(fault) => match fault.refusal() {
            Some(code) => {
                let first = (fault.field().map(str::to_owned), fault.message());
                let others = fault.others().iter().map(|(field, message)| (Some(field.clone()), message));
                let told = std::iter::once(first).chain(others);
                let told = told.take(MAX_USER_ERRORS).map(|(field, message)| UserError {
                    code: Word(code),
                    field,
                    message: scope.sentence(message),
                });
                Ok(Err(told.collect()))
            }
            None => Err(fault),
        },
    }
}

/// Writes a value so that equal values are written alike: objects in the order of their names, without the idempotency key.
fn write_canonical(value: &ConstValue, hash: &mut Sha256) {
    match value {
        ConstValue::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().filter(|(name, _)| name.as_str() != KEY_FIELD).collect();
            fields.sort_by(|(one, _), (other, _)| one.as_str().cmp(other.as_str()));
            hash.update("{");
            for (name, value) in fields {
                hash.update(name.as_str());
                hash.update(":");
                write_canonical(value, hash);
            }
            hash.update("}");
        }
        ConstValue::List(values) => {
            hash.update("[");
            for value in values {
                write_canonical(value, hash);
                hash.update(",");
            }
            hash.update("]");
        }
        // A word may come as a word or, in a variable, as a text.
        ConstValue::Enum(word) => hash.update(format!("{:?}", word.as_str())),
        ConstValue::String(text) => hash.update(format!("{text:?}")),
        ConstValue::Null | ConstValue::Number(_) | ConstValue::Boolean(_) | ConstValue::Binary(_) => {
            hash.update(value.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::value;
    use proptest::prelude::*;

    use super::*;

    fn hash(value: &ConstValue) -> Vec<u8> {
        let mut hash = Sha256::new();
        write_canonical(value, &mut hash);
        hash.finalize().to_vec()
    }

    #[test]
    fn the_same_input_is_the_same_in_whatever_order_and_under_whatever_key() {
        let one = hash(&value!({"a": [1, {"b": null, "c": "x"}], "idempotencyKey": "k"}));
        assert_eq!(one, hash(&value!({"idempotencyKey": "other", "a": [1, {"c": "x", "b": null}]})));
        for other in [
            value!({"a": [1, {"b": null}]}),
            value!({"a": [1, {"b": null, "c": "y"}]}),
            value!({"a": [{"b": null, "c": "x"}, 1]}),
            value!({"a": [1, {"c": "x"}]}),
            value!({"a": "[1,{\"b\":null,\"c\":\"x\"}]"}),
        ] {
            assert_ne!(one, hash(&other), "{other}");
        }
    }

    proptest! {
        #[test]
        fn a_key_is_a_line_of_text_or_refused_by_its_field(key in "(\\PC|[a-z ]|[\0-\x1f]){0,102}") {
            let call = Call { mutation: "m".to_owned(), key: Some(key.clone()), input_hash: Vec::new(), reason: None };
            let is_line = !key.trim().is_empty() && key.chars().count() <= MAX_KEY_CHARS && !key.chars().any(char::is_control);
            match call.check() {
                Ok(()) => prop_assert!(is_line),
                Err(fault) => {
                    prop_assert!(!is_line);
                    prop_assert_eq!((fault.refusal(), fault.field()), (Some(RefusalCode::BadUserInput), Some(KEY_FIELD)));
                }
            }
        }
    }
}
