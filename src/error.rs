//! What can go wrong for a caller: a code that programs can rely on and a sentence for people.

use std::fmt;
use std::sync::Arc;

use strum::{AsRefStr, EnumMessage, EnumString, VariantArray};

use crate::text::language::{LanguageTag, Languages};
use crate::text::messages::Message;
use crate::text::vocabulary::Vocabulary;

/// The stable `extensions.code` of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, AsRefStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Code {
    /// A value in the request cannot be used; the sentence says which and how to mend it.
    BadUserInput,
    /// The request is not of the form that GraphQL over HTTP asks for.
    BadRequest,
    /// The document is not GraphQL.
    GraphqlParseFailed,
    /// The document does not fit the schema.
    GraphqlValidationFailed,
    /// The document asks for more than one request may.
    QueryTooComplex,
    /// A text is no cursor of the change log.
    CursorMalformed,
    /// The cursor is of another log, or changes after it are no longer kept: list anew, then follow from there.
    CursorExpired,
    /// The cursor is of the future.
    CursorAhead,
    /// A socket or the hub follows as much as it may.
    TooManySubscriptions,
    /// What was sent to show who asks is none, or holds no longer; or nobody knows who asks, and it matters.
    Unauthenticated,
    /// The viewer may see the thing but not do this to it.
    Forbidden,
    /// There is no such thing, or the viewer may not see it.
    NotFound,
    /// It was changed by somebody else in between, or is there already.
    Conflict,
    /// The rules of a community do not allow it.
    NotEligible,
    /// This was done too often of late.
    RateLimited,
    /// Only queries may be sent by GET.
    MethodNotAllowed,
    /// The request body is larger than 256 KB.
    PayloadTooLarge,
    /// The request body is not JSON by its media type.
    UnsupportedMediaType,
    /// The database cannot be reached at the moment.
    ServiceUnavailable,
    /// A fault of the hub; the sentence holds a reference number and nothing else.
    InternalServerError,
}

/// Why a mutation did nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, AsRefStr, EnumString, EnumMessage, VariantArray)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum RefusalCode {
    /// A value cannot be used; the sentence says how to mend it.
    BadUserInput,
    /// Nobody knows who asks, or what they showed holds no longer.
    Unauthenticated,
    /// You may see the thing but not do this to it.
    Forbidden,
    /// There is no such thing, or you may not see it.
    NotFound,
    /// It was changed by somebody else in between, or is there already.
    Conflict,
    /// The rules of the community do not allow it.
    NotEligible,
    /// You did this too often of late.
    RateLimited,
}

impl Vocabulary for RefusalCode {
    const NAME: &'static str = "UserErrorCode";
    const ABOUT: &'static str = "Why a mutation did nothing.";
}

/// An error with its code and its sentence; the cause is for the log alone.
#[derive(Clone, Debug)]
pub struct Fault {
    code: Code,
    message: Message,
    field: Option<Arc<str>>,
    /// What else is to be mended: fields and sentences.
    others: Arc<[(String, Message)]>,
    cause: Option<Arc<str>>,
}

impl Fault {
    /// A fault that the caller can mend.
    pub fn new(code: Code, message: Message) -> Self {
        Self { code, message, field: None, others: Arc::default(), cause: None }
    }

    /// A value of the request that cannot be used.
    pub fn bad_input(message: Message) -> Self {
        Self::new(Code::BadUserInput, message)
    }

    /// A fault of the hub itself: `doing` says at what, in the words of the log.
    pub fn internal(doing: &str, cause: impl fmt::Display) -> Self {
        Self {
            code: Code::InternalServerError,
            message: Message::new("internal-fault").with("reference", "-"),
            field: None,
            others: Arc::default(),
            cause: Some(format!("{doing}: {cause}").into()),
        }
    }

    /// A statement that failed: the hub's own fault, unless the database went away under it, or somebody else wrote the same at
    /// the same time.
    pub fn database(doing: &str, error: diesel::result::Error) -> Self {
        use diesel::result::{DatabaseErrorKind, Error};
        let gone = match &error {
            Error::DatabaseError(DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand, _) => {
                true
            }
            // PostgreSQL says so when it is stopped, or cleans up after a crash of one of its processes.
            Error::DatabaseError(_, information) => information.message().starts_with("terminating connection"),
            Error::BrokenTransactionManager => true,
            _ => false,
        };
        let meanwhile = match &error {
            Error::DatabaseError(DatabaseErrorKind::UniqueViolation | DatabaseErrorKind::SerializationFailure, _) => {
                true
            }
            // PostgreSQL has no kind of its own for it here.
            Error::DatabaseError(_, information) => information.message().starts_with("deadlock detected"),
            _ => false,
        };
        match (gone, meanwhile) {
            (true, _) => Self::unavailable(format_args!("{doing}: {error}")),
            // Whoever came first has it; the other can mend that.
            (false, true) => {
                Self::new(Code::Conflict, Message::new("written-meanwhile")).because(format_args!("{doing}: {error}"))
            }
            (false, false) => Self::internal(doing, error),
        }
    }

    /// The database cannot be reached.
    pub fn unavailable(cause: impl fmt::Display) -> Self {
        Self {
            code: Code::ServiceUnavailable,
            message: Message::new("database-unavailable"),
            field: None,
            others: Arc::default(),
            cause: Some(cause.to_string().into()),
        }
    }

    /// The same fault with what the log is told of it.
    pub fn because(self, cause: impl fmt::Display) -> Self {
        Self { cause: Some(cause.to_string().into()), ..self }
    }

    /// The same fault under the number by which the log can be searched; other faults stay as they are.
    pub fn with_reference(mut self, reference: &str) -> Self {
        if self.code == Code::InternalServerError {
            self.message = Message::new("internal-fault").with("reference", reference);
        }
        self
    }

    /// The same fault of one field of an input.
    pub fn of_field(self, field: &str) -> Self {
        Self { field: Some(field.into()), ..self }
    }

    /// Fields of the request that cannot be used, each with what is wrong with it; null: there are none.
    pub fn bad_fields(problems: Vec<(String, Message)>) -> Option<Self> {
        let mut problems = problems.into_iter();
        let (field, message) = problems.next()?;
        Some(Self { others: problems.collect(), ..Self::bad_input(message).of_field(&field) })
    }

    /// The field of the input that is to be mended; null: none in particular.
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// The other fields that are to be mended, with their sentences.
    pub fn others(&self) -> &[(String, Message)] {
        &self.others
    }

    /// What whoever sent a mutation can mend: told beside what it answers, not as an error. Null: it is none of that.
    pub fn refusal(&self) -> Option<RefusalCode> {
        match self.code {
            Code::BadUserInput => Some(RefusalCode::BadUserInput),
            Code::Unauthenticated => Some(RefusalCode::Unauthenticated),
            Code::Forbidden => Some(RefusalCode::Forbidden),
            Code::NotFound => Some(RefusalCode::NotFound),
            Code::Conflict => Some(RefusalCode::Conflict),
            Code::NotEligible => Some(RefusalCode::NotEligible),
            Code::RateLimited => Some(RefusalCode::RateLimited),
            Code::BadRequest
            | Code::GraphqlParseFailed
            | Code::GraphqlValidationFailed
            | Code::QueryTooComplex
            | Code::CursorMalformed
            | Code::CursorExpired
            | Code::CursorAhead
            | Code::TooManySubscriptions
            | Code::MethodNotAllowed
            | Code::PayloadTooLarge
            | Code::UnsupportedMediaType
            | Code::ServiceUnavailable
            | Code::InternalServerError => None,
        }
    }

    /// The stable code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// What the caller is told.
    pub fn message(&self) -> &Message {
        &self.message
    }

    /// What the log is told, null when the caller was told everything.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }
}

/// English, for logs; callers are answered in their own language by [`Message::sentence`].
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let english = Languages::new(vec![LanguageTag::english()], LanguageTag::english());
        match &self.cause {
            Some(cause) => write!(f, "{cause}"),
            None => write!(f, "{}", self.message.sentence(&english)),
        }
    }
}

impl From<Message> for Fault {
    fn from(message: Message) -> Self {
        Self::bad_input(message)
    }
}

impl From<diesel::result::Error> for Fault {
    fn from(error: diesel::result::Error) -> Self {
        Self::database("talking to the database", error)
    }
}
