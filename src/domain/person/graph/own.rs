//! What people decide about their own data, in the contract.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use futures_util::FutureExt;
use uuid::Uuid;

use crate::domain::person::graph::Person;
use crate::domain::person::record::{ConsentAudience, PersonField};
use crate::domain::person::store::consents::{self, ConsentRow, Wording};
use crate::domain::person::store::{erasing, exporting};
use crate::error::Fault;
use crate::graph::id;
use crate::graph::mutation::{self, Call, Made, UserError};
use crate::graph::page;
use crate::graph::scope::Scope;
use crate::graph::text::{DateTime, LanguageTag};
use crate::graph::word::Word;
use crate::policy::NodeKind;
use crate::text::language::{self, Languages};
use crate::text::messages::{self, Message};

/// The wording of consents that is in force. Whoever changes the sentence `consent-wording` gives it a new version here.
const WORDING_VERSION: &str = "2026-11";

/// What somebody let be shown, and to whom.
pub struct Consent {
    row: ConsentRow,
}

/// What somebody let be shown, and to whom. The person sees their own; administrators of the hub see all.
#[Object]
impl Consent {
    /// What may be shown.
    async fn field(&self) -> Word<PersonField> {
        Word(self.row.field.0)
    }

    /// To whom.
    async fn audience(&self) -> Word<ConsentAudience> {
        Word(self.row.audience.0)
    }

    /// When it was given.
    async fn given_at(&self) -> DateTime {
        DateTime(self.row.given_at)
    }

    /// When it was taken back, or another one took its place; null: it stands.
    async fn withdrawn_at(&self) -> Option<DateTime> {
        self.row.withdrawn_at.map(DateTime)
    }

    /// Which wording was agreed to.
    async fn wording_version(&self) -> &str {
        &self.row.text_version
    }

    /// In which language the wording was; null: not known.
    async fn wording_language(&self) -> Option<LanguageTag> {
        self.row.text_language.clone().map(LanguageTag)
    }

    /// Whether the person decided it by their own account; no import changes it then.
    async fn is_own(&self) -> bool {
        self.row.is_own
    }
}

impl Consent {
    /// The consent of a row.
    pub fn new(row: ConsentRow) -> Self {
        Self { row }
    }
}

/// What somebody is asked to agree to.
#[derive(SimpleObject)]
pub struct ConsentWording {
    /// Its version, to be sent along with a consent.
    version: &'static str,
    /// Its language, to be sent along with a consent.
    language: LanguageTag,
    /// The sentence.
    text: String,
}

/// Decides to whom a field of your own is shown.
#[derive(Debug, InputObject)]
pub struct ConsentGiveInput {
    /// The field.
    field: Word<PersonField>,
    /// To whom it is shown from now on.
    audience: Word<ConsentAudience>,
    /// The version of the wording that you agree to, as `consentWording` has it.
    wording_version: String,
    /// The language in which you read it.
    wording_language: LanguageTag,
    /// A key of your choice, at most 100 characters: sent again within a day with the same input, it is answered again and not
    /// done again. Null: it is done each time it is sent.
    idempotency_key: Option<String>,
}

/// Takes consents back.
#[derive(Debug, InputObject)]
pub struct ConsentWithdrawInput {
    /// The field; null: all of them.
    field: Option<Word<PersonField>>,
    /// A key of your choice, at most 100 characters: sent again within a day with the same input, it is answered again and not
    /// done again. Null: it is done each time it is sent.
    idempotency_key: Option<String>,
}

/// What came of a decision about consents.
#[derive(SimpleObject)]
pub struct ConsentPayload {
    /// You, with your consents; null: nothing was done.
    person: Option<Person>,
    /// What is to be mended; empty: it was done.
    user_errors: Vec<UserError>,
}

/// Hands out what the hub holds on a person.
#[derive(Debug, InputObject)]
pub struct PersonExportInput {
    /// The person, for administrators of the hub; null: you.
    person: Option<ID>,
    /// Why, for the audit; at most 300 characters.
    reason: Option<String>,
    /// A key of your choice, at most 100 characters, as every mutation takes one; the file is made anew each time.
    idempotency_key: Option<String>,
}

/// A file that was made.
#[derive(SimpleObject)]
pub struct ExportedFile {
    /// What to call it.
    name: String,
    /// Its media type.
    media_type: String,
    /// What is in it.
    content: String,
}

/// What a file holds. Whoever asks for it again gets it as it is now.
struct Content(String);

impl Made for Content {
    fn id(&self) -> Option<Uuid> {
        None
    }

    fn again(_id: Option<Uuid>) -> Option<Self> {
        None
    }
}

/// What came of handing out what the hub holds on a person.
#[derive(SimpleObject)]
pub struct PersonExportPayload {
    /// Everything that the hub holds on the person; null: nothing was done.
    file: Option<ExportedFile>,
    /// What is to be mended; empty: it was done.
    user_errors: Vec<UserError>,
}

/// Erases a person.
#[derive(Debug, InputObject)]
pub struct PersonEraseInput {
    /// The person, for administrators of the hub; null: you.
    person: Option<ID>,
    /// That it is meant: it cannot be taken back.
    is_meant: bool,
    /// A key of your choice, at most 100 characters: sent again within a day with the same input, it is answered again and not
    /// done again. Null: it is done each time it is sent.
    idempotency_key: Option<String>,
}

/// What came of erasing a person.
#[derive(SimpleObject)]
pub struct PersonErasePayload {
    /// Whether the person is gone.
    is_erased: bool,
    /// What is to be mended; empty: it was done.
    user_errors: Vec<UserError>,
}

/// People's own data at the root.
#[derive(Default)]
pub struct OwnQuery;

/// People's own data at the root.
#[Object]
impl OwnQuery {
    /// What somebody agrees to who lets a field be shown, in the reader's language.
    async fn consent_wording(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The languages to serve texts in, best first; null: those of the request.")] languages: Option<
            Vec<LanguageTag>,
        >,
    ) -> Result<ConsentWording, Fault> {
        let scope = Scope::of_root(ctx, languages)?;
        let language = messages::language_for(scope.languages());
        let text = scope.sentence(&Message::new("consent-wording"));
        Ok(ConsentWording { version: WORDING_VERSION, language: (&language).into(), text })
    }
}

/// People's own data at the root.
#[derive(Default)]
pub struct OwnMutation;

/// People's own data at the root.
#[Object]
impl OwnMutation {
    /// Decides to whom a field of your own is shown from now on. It takes effect at once in everything that the hub serves,
    /// and no import changes it any more.
    async fn consent_give(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ConsentGiveInput,
    ) -> Result<ConsentPayload, Fault> {
        let scope = Scope::of_root(ctx, None)?.anew();
        let call = Call::of(ctx, input.idempotency_key.clone(), None)?;
        let wording = wording(&input.wording_version, &input.wording_language);
        decide(&scope, call, (Some(input.field.0), input.audience.0), wording).await
    }

    /// Takes consents of your own back: the field, or all of them, is for you alone from now on. It takes effect at once in
    /// everything that the hub serves. What a public role shows stays.
    async fn consent_withdraw(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: ConsentWithdrawInput,
    ) -> Result<ConsentPayload, Fault> {
        let scope = Scope::of_root(ctx, None)?.anew();
        let call = Call::of(ctx, input.idempotency_key.clone(), None)?;
        let language = messages::language_for(scope.languages());
        let wording = Ok(Wording { version: WORDING_VERSION.to_owned(), language });
        decide(&scope, call, (input.field.map(|field| field.0), ConsentAudience::Oneself), wording).await
    }

    /// Hands out everything that the hub holds on you, as one file.
    async fn person_export(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: PersonExportInput,
    ) -> Result<PersonExportPayload, Fault> {
        let scope = Scope::of_root(ctx, None)?.anew();
        let call = Call::of(ctx, input.idempotency_key.clone(), input.reason.clone())?;
        let outcome = match input.person.as_ref().map(|id| id::decode_as(NodeKind::Person, id)).transpose() {
            Ok(person) => {
                mutation::run(&scope, call, move |tx| {
                    async move { exporting::export(tx, person).await.map(Content) }.boxed()
                })
                .await?
            }
            Err(fault) => mutation::mended(&scope, Err(fault))?,
        };
        Ok(match outcome {
            Ok(Content(content)) => {
                let (name, media_type) = ("person.json".to_owned(), "application/json".to_owned());
                PersonExportPayload { file: Some(ExportedFile { name, media_type, content }), user_errors: Vec::new() }
            }
            Err(user_errors) => PersonExportPayload { file: None, user_errors },
        })
    }

    /// Erases you: your rows, your accounts and your rights. Printed names on publications go too, unless you consented to
    /// their staying (`BYLINES`). The audit keeps what was done and not by whom.
    async fn person_erase(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: PersonEraseInput,
    ) -> Result<PersonErasePayload, Fault> {
        let scope = Scope::of_root(ctx, None)?.anew();
        let call = Call::of(ctx, input.idempotency_key.clone(), None)?;
        let asked = || -> Result<_, Fault> {
            if !input.is_meant {
                return Err(Fault::bad_input(Message::new("erase-not-meant")).of_field("isMeant"));
            }
            input.person.as_ref().map(|id| id::decode_as(NodeKind::Person, id)).transpose()
        };
        let outcome = match asked() {
            Ok(person) => mutation::run(&scope, call, move |tx| erasing::erase(tx, person).boxed()).await?,
            Err(fault) => mutation::mended(&scope, Err(fault))?,
        };
        Ok(match outcome {
            Ok(()) => PersonErasePayload { is_erased: true, user_errors: Vec::new() },
            Err(user_errors) => PersonErasePayload { is_erased: false, user_errors },
        })
    }
}

/// The wording that somebody says they read: the one in force, in a language that it has.
fn wording(version: &str, language: &LanguageTag) -> Result<Wording, Fault> {
    let language = language.check()?;
    let own = messages::language_for(&Languages::new(vec![language.clone()], language::LanguageTag::english()));
    if version != WORDING_VERSION || own.primary() != language.primary() {
        let message = Message::new("consent-wording-other").with("version", WORDING_VERSION);
        return Err(Fault::bad_input(message).of_field("wordingVersion"));
    }
    Ok(Wording { version: version.to_owned(), language: own })
}

async fn decide(
    scope: &Scope,
    call: Call,
    (field, audience): (Option<PersonField>, ConsentAudience),
    wording: Result<Wording, Fault>,
) -> Result<ConsentPayload, Fault> {
    let outcome = match wording {
        Ok(wording) => {
            mutation::run(scope, call, move |tx| {
                async move { consents::decide(tx, field, audience, &wording).await }.boxed()
            })
            .await?
        }
        Err(fault) => mutation::mended(scope, Err(fault))?,
    };
    Ok(match outcome {
        Ok(person) => ConsentPayload { person: page::by_id(scope, person).await?, user_errors: Vec::new() },
        Err(user_errors) => ConsentPayload { person: None, user_errors },
    })
}
