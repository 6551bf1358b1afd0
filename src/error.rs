//! What can go wrong for a caller: a code that programs can rely on and a sentence for people.

use std::fmt;
use std::sync::Arc;

use strum::{AsRefStr, EnumMessage, EnumString, VariantArray};

use crate::text::language::{LanguageTag, Languages};
use crate::text::messages::Message;
use crate::text::vocabulary::Vocabulary;

/// When it is worth while to ask a hub again that could not serve, in seconds.
const RETRY_AFTER_SECONDS: u32 = 2;

/// When space may be free again, in seconds: somebody has to see to it.
const SPACE_AFTER_SECONDS: u32 = 60;

/// The stable `extensions.code` of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, AsRefStr, EnumString)]
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
    /// The request body did not come to its end in time.
    RequestTimeout,
    /// The request body is not JSON by its media type.
    UnsupportedMediaType,
    /// The hub or its database cannot serve at the moment; nothing was done.
    ServiceUnavailable,
    /// Too little space is free where the database lies: nothing is written for the moment, and reading goes on.
    StorageLow,
    /// The database went away while a mutation was being done, which may or may not have happened: send it again with the same
    /// idempotency key.
    Unavailable,
    /// No document is known by this hash: send it along once.
    PersistedQueryNotFound,
    /// A fault of the hub; the sentence holds a reference number and nothing else.
    InternalServerError,
}

impl Code {
    /// Whether the hub could not do what it was asked; else whoever asked can mend that.
    pub fn is_of_hub(self) -> bool {
        matches!(self, Self::ServiceUnavailable | Self::StorageLow | Self::Unavailable | Self::InternalServerError)
    }
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

/// A limit that a request goes beyond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// Its name in the configuration.
    pub limit: &'static str,
    /// How much the request asks for.
    pub asked: u64,
    /// How much one may ask for.
    pub allowed: u64,
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
    exceeded: Option<Arc<Exceeded>>,
    /// When it is worth while to try again, in seconds; null: nothing is known of that.
    retry_after: Option<u32>,
}

impl Fault {
    /// A fault that the caller can mend.
    pub fn new(code: Code, message: Message) -> Self {
        let is_passing = matches!(code, Code::ServiceUnavailable | Code::StorageLow);
        let retry_after = is_passing.then_some(RETRY_AFTER_SECONDS);
        Self { code, message, field: None, others: Arc::default(), cause: None, exceeded: None, retry_after }
    }

    /// A value of the request that cannot be used.
    pub fn bad_input(message: Message) -> Self {
        Self::new(Code::BadUserInput, message)
    }

    /// A fault of the hub itself: `doing` says at what, in the words of the log.
    pub fn internal(doing: &str, cause: impl fmt::Display) -> Self {
        Self::new(Code::InternalServerError, Message::new("internal-fault").with("reference", "-"))
            .because(format_args!("{doing}: {cause}"))
    }

    /// A request asks for more than one may.
    pub fn beyond(exceeded: Exceeded) -> Self {
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let message = Message::new("query-too-complex")
            .with("limit", exceeded.limit)
            .with("asked", number(exceeded.asked))
            .with("allowed", number(exceeded.allowed));
        Self { exceeded: Some(Arc::new(exceeded)), ..Self::new(Code::QueryTooComplex, message) }
    }

    /// It may have been written, and nobody knows: the database went away while it was told to keep it, or afterwards.
    pub fn uncertain(cause: impl fmt::Display) -> Self {
        Self::new(Code::Unavailable, Message::new("mutation-uncertain")).because(cause)
    }

    /// A statement that failed: the hub's own fault, unless the database went away under it, cut it, or somebody else wrote the
    /// same at the same time.
    pub fn database(doing: &str, error: diesel::result::Error) -> Self {
        let cause = format_args!("{doing}: {error}");
        match Failure::of(&error) {
            Failure::Gone => Self::unavailable(cause),
            Failure::TooSlow => Self::new(Code::ServiceUnavailable, Message::new("database-too-slow")).because(cause),
            Failure::Locked => Self::busy(cause),
            Failure::Full => Self::storage_low().because(cause),
            // Whoever came first has it; the other can mend that.
            Failure::Meanwhile => Self::new(Code::Conflict, Message::new("written-meanwhile")).because(cause),
            Failure::Own => Self::internal(doing, error),
        }
    }

    /// Others use what this needs, for longer than it may wait.
    pub fn busy(cause: impl fmt::Display) -> Self {
        Self::new(Code::ServiceUnavailable, Message::new("database-busy")).because(cause)
    }

    /// There is too little room to write.
    pub fn storage_low() -> Self {
        Self::new(Code::StorageLow, Message::new("storage-low")).retry_after(SPACE_AFTER_SECONDS)
    }

    /// The database cannot be reached.
    pub fn unavailable(cause: impl fmt::Display) -> Self {
        Self::new(Code::ServiceUnavailable, Message::new("database-unavailable")).because(cause)
    }

    /// The same fault, with when it is worth while to try again, in seconds.
    pub fn retry_after(self, seconds: u32) -> Self {
        Self { retry_after: Some(seconds), ..self }
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
            | Code::RequestTimeout
            | Code::ServiceUnavailable
            | Code::Unavailable
            | Code::PersistedQueryNotFound
            | Code::StorageLow
            | Code::InternalServerError => None,
        }
    }

    /// The limit that the request goes beyond; null: it is about something else.
    pub fn exceeded(&self) -> Option<Exceeded> {
        self.exceeded.as_deref().copied()
    }

    /// When it is worth while to try again, in seconds; null: nothing is known of that.
    pub fn worth_retrying_after(&self) -> Option<u32> {
        self.retry_after
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

/// Why a statement failed.
#[derive(Clone, Copy)]
enum Failure {
    /// The database went away under it.
    Gone,
    /// It took longer than it may.
    TooSlow,
    /// It waited for a lock longer than it may.
    Locked,
    /// There was no space left on the database's volume.
    Full,
    /// Somebody else wrote the same at the same time.
    Meanwhile,
    /// It is the hub's own fault.
    Own,
}

impl Failure {
    /// PostgreSQL's codes for these do not come through diesel; its sentences do, in English (`db::bounds`).
    fn of(error: &diesel::result::Error) -> Self {
        use diesel::result::{DatabaseErrorKind, Error};
        match error {
            Error::DatabaseError(DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand, _)
            | Error::BrokenTransactionManager => Self::Gone,
            Error::DatabaseError(DatabaseErrorKind::UniqueViolation | DatabaseErrorKind::SerializationFailure, _) => {
                Self::Meanwhile
            }
            Error::DatabaseError(_, information) => Self::said(information.message()),
            Error::RollbackErrorOnCommit { commit_error, .. } => Self::of(commit_error),
            _ => Self::Own,
        }
    }

    fn said(sentence: &str) -> Self {
        let begins = |start: &str| sentence.starts_with(start);
        match sentence {
            // It is stopped, or cleans up after a crash of one of its processes.
            _ if begins("terminating connection") => Self::Gone,
            _ if begins("canceling statement due to statement timeout") => Self::TooSlow,
            _ if begins("canceling statement due to lock timeout") => Self::Locked,
            _ if begins("deadlock detected") => Self::Meanwhile,
            _ if sentence.ends_with("No space left on device") => Self::Full,
            _ => Self::Own,
        }
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
