//! Sign-in with OpenID Connect: leaving for a provider, and who came back from it.
//!
//! A sign-in is an authorization code with PKCE, a nonce and a state. Whoever comes back is what the provider's signed ID
//! token says: an issuer and a subject. Nothing else is asked for, as nobody is to be known by an address.
//!
//! **Invariant:** what a provider or a browser sent, codes and tokens, stands in no fault and in no log.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthenticationFlow, CoreClaimName, CoreClaimType, CoreClient, CoreClientAuthMethod,
    CoreGrantType, CoreIdToken, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm,
    CoreJwsSigningAlgorithm, CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType,
};
use openidconnect::{
    AdditionalProviderMetadata, AuthType, AuthorizationCode, ClaimsVerificationError, ClientId, CsrfToken,
    DiscoveryError, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, IssuerUrl, LanguageTag, Nonce,
    PkceCodeChallenge, PkceCodeVerifier, ProviderMetadata, RedirectUrl, RequestTokenError, SignatureVerificationError,
    TokenResponse,
};
use serde::{Deserialize, Serialize};
use tokio::sync::RwLock;
use url::Url;

use crate::auth::secret::{Purpose, Secret};
use crate::auth::web::{self, Unanswered};
use crate::config::{self, ProviderSettings};
use crate::error::{Code, Fault};
use crate::text::messages::Message;

/// Where providers send browsers back to.
pub const CALLBACK: &str = "/sign-in/callback";

/// How long a provider's description and keys are kept at the most: what it takes back is refused from then on.
const KEPT_FOR: TimeDelta = TimeDelta::minutes(5);

/// By how much the clocks may differ.
const LEEWAY: TimeDelta = TimeDelta::seconds(60);

/// How old an ID token may be that was asked for just now: some providers, Microsoft's among them, date theirs five minutes
/// back, so that slow clocks take them.
const DATED_BACK: TimeDelta = TimeDelta::minutes(5);

/// The longest subject, in bytes (OpenID Connect Core 1.0 §2).
const MAX_SUBJECT_BYTES: usize = 255;

/// How much of what others wrote stands in the log, in characters.
const MAX_QUOTED_CHARS: usize = 60;

/// How ID tokens may be signed: by a key that the provider alone has. What is signed with the shared secret, or not at all,
/// is refused whatever the provider announces.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// The clock of the machine.
pub type Clock = fn() -> DateTime<Utc>;

/// What a provider says of itself besides what OpenID Connect knows.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Announced {
    /// Whether it names itself when it sends a browser back (RFC 9207).
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for Announced {}

type Metadata = ProviderMetadata<
    Announced,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// The providers by whom people sign in.
#[derive(Default)]
pub struct Providers(Vec<Provider>);

/// A provider, as it is set up.
pub struct Provider {
    settings: ProviderSettings,
    issuer: IssuerUrl,
    redirect: RedirectUrl,
    web: reqwest::Client,
    clock: Clock,
    kept: RwLock<Option<Kept>>,
}

/// What a provider said of itself, and when.
#[derive(Clone)]
struct Kept {
    metadata: Arc<Metadata>,
    fetched_at: DateTime<Utc>,
}

/// A browser about to leave for its provider.
pub struct Leaving {
    /// Where it goes.
    pub address: Url,
    /// What it holds meanwhile, and is to bring back.
    pub state: Secret,
    /// What the ID token must repeat.
    pub nonce: String,
    /// What proves to the provider that the code is the hub's.
    pub verifier: String,
}

/// What a browser brought back, and what was kept of it meanwhile.
pub struct Returning {
    /// The provider's code, good once.
    pub code: String,
    /// Who sent the browser back, as far as they say so.
    pub issuer: Option<String>,
    /// What the ID token must repeat.
    pub nonce: String,
    /// What proves to the provider that the code is the hub's.
    pub verifier: String,
}

/// Who somebody is: what an issuer calls them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Who vouches for them.
    pub issuer: String,
    /// What they are called there, for ever.
    pub subject: String,
}

/// Why nobody was signed in, as people are told it.
#[derive(Clone, Copy)]
enum Trouble {
    /// The provider cannot be reached.
    Away,
    /// The clocks differ.
    Clock,
    /// The provider does not take the hub for who it says it is.
    Misconfigured,
    /// The provider says what the hub cannot read.
    Misunderstood,
    /// The code was used already, or too late.
    Over,
    /// What came is not the provider's, or not for this hub and this browser.
    Untrusted,
}

/// Why an ID token was not taken.
enum Untaken {
    /// The key of its signature is not among those that are known, or does not fit it.
    Signature(SignatureVerificationError),
    /// It is of another time.
    Time(String),
    /// Something else about it is wrong.
    Other(ClaimsVerificationError),
}

impl Providers {
    /// The providers of the settings; `public_url` is the hub's origin as browsers see it.
    pub fn new(settings: Vec<ProviderSettings>, public_url: &str, clock: Clock) -> Result<Self, Fault> {
        if settings.is_empty() {
            return Ok(Self::default());
        }
        let web = web::client()?;
        let unusable = |error| Fault::internal("reading the address of a provider", error);
        let redirect = RedirectUrl::new(format!("{public_url}{CALLBACK}")).map_err(unusable)?;
        let mut providers = Vec::with_capacity(settings.len());
        for settings in settings {
            let issuer = IssuerUrl::new(settings.issuer.clone()).map_err(unusable)?;
            let (redirect, web, kept) = (redirect.clone(), web.clone(), RwLock::default());
            providers.push(Provider { settings, issuer, redirect, web, clock, kept });
        }
        Ok(Self(providers))
    }

    /// All of them, in the order of the settings.
    pub fn all(&self) -> &[Provider] {
        &self.0
    }

    /// The provider with this name.
    pub fn named(&self, name: &str) -> Option<&Provider> {
        self.0.iter().find(|provider| provider.name() == name)
    }
}

impl Provider {
    /// Its name in addresses.
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// What people call it.
    pub fn label(&self) -> &str {
        &self.settings.label
    }

    /// The beginning of a sign-in, for a reader of a language.
    pub async fn leave(&self, language: &str) -> Result<Leaving, Fault> {
        let metadata = self.metadata().await?;
        let client = self.client(&metadata);
        let (state, nonce) = (Secret::fresh(Purpose::SignIn)?, Secret::fresh(Purpose::SignIn)?);
        let verifier = PkceCodeVerifier::new(Secret::fresh(Purpose::SignIn)?.reveal().to_owned());
        let (state_text, nonce_text) = (state.reveal().to_owned(), nonce.reveal().to_owned());
        let (address, _, _) = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                || CsrfToken::new(state_text),
                || Nonce::new(nonce_text),
            )
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
            .add_ui_locale(LanguageTag::new(language.to_owned()))
            .url();
        let nonce = nonce.reveal().to_owned();
        Ok(Leaving { address, state, nonce, verifier: verifier.into_secret() })
    }

    /// Who came back. Keys that the provider changed since they were fetched are fetched anew, once.
    pub async fn identify(&self, returning: Returning) -> Result<Known, Fault> {
        let Returning { code, issuer, nonce, verifier } = returning;
        let metadata = self.metadata().await?;
        self.check_sender(&metadata, issuer.as_deref())?;
        let token = self.exchange(&metadata, code, verifier).await?;
        let (token, nonce) = (token, Nonce::new(nonce));
        match self.verify(&metadata, &token, &nonce) {
            Err(Untaken::Signature(_)) => {
                let metadata = self.fetch().await?;
                self.verify(&metadata, &token, &nonce).map_err(|untaken| self.refused(untaken))
            }
            outcome => outcome.map_err(|untaken| self.refused(untaken)),
        }
    }

    /// Refuses an answer that another provider sent in the place of this one (RFC 9207).
    fn check_sender(&self, metadata: &Metadata, issuer: Option<&str>) -> Result<(), Fault> {
        let is_named = metadata.additional_metadata().authorization_response_iss_parameter_supported;
        match issuer {
            Some(issuer) if issuer == self.settings.issuer => Ok(()),
            None if !is_named => Ok(()),
            Some(_) | None => Err(self.fault(Trouble::Untrusted).because("another issuer sent the browser back")),
        }
    }

    /// Gives the code for an ID token.
    async fn exchange(&self, metadata: &Metadata, code: String, verifier: String) -> Result<CoreIdToken, Fault> {
        let misconfigured = |cause: String| self.fault(Trouble::Misconfigured).because(cause);
        let client = self.client(metadata);
        let request = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|error| misconfigured(error.to_string()))?
            .set_pkce_verifier(PkceCodeVerifier::new(verifier));
        let answer = request.request_async(&self.asking()).await.map_err(|error| match error {
            RequestTokenError::ServerResponse(response) => {
                let error = shortened(response.error().as_ref());
                let is_code = error == "invalid_grant";
                let trouble = if is_code { Trouble::Over } else { Trouble::Misconfigured };
                self.fault(trouble).because(format!("the token endpoint says {error}"))
            }
            RequestTokenError::Request(error) => self.away(&error),
            // The text of the error may quote what was read.
            RequestTokenError::Parse(error, _) => {
                let cause =
                    format!("the token endpoint's answer cannot be read at {}", shortened(&error.path().to_string()));
                self.fault(Trouble::Misunderstood).because(cause)
            }
            RequestTokenError::Other(_) => {
                self.fault(Trouble::Misunderstood).because("the token endpoint's answer is none")
            }
        })?;
        let missing = || self.fault(Trouble::Misunderstood).because("the token endpoint gave no ID token");
        answer.id_token().cloned().ok_or_else(missing)
    }

    /// Who an ID token speaks of, after all has been checked that can be.
    fn verify(&self, metadata: &Metadata, token: &CoreIdToken, nonce: &Nonce) -> Result<Known, Untaken> {
        let now = (self.clock)();
        let is_timely = move |issued_at: DateTime<Utc>| {
            let age = now.signed_duration_since(issued_at);
            let is_timely = age >= -LEEWAY && age <= DATED_BACK + LEEWAY;
            if is_timely { Ok(()) } else { Err(format!("the ID token is {} s old", age.num_seconds())) }
        };
        let client = self.client(metadata);
        let verifier = client
            .id_token_verifier()
            .set_allowed_algs(ALGORITHMS)
            .set_time_fn(move || now - LEEWAY)
            .set_issue_time_verifier_fn(is_timely);
        let claims = token.claims(&verifier, nonce).map_err(|error| match error {
            ClaimsVerificationError::SignatureVerification(error) => Untaken::Signature(error),
            ClaimsVerificationError::Expired(cause) => Untaken::Time(cause),
            other => Untaken::Other(other),
        })?;
        let (issuer, subject) = (claims.issuer().as_str().to_owned(), claims.subject().as_str().to_owned());
        if !(1..=MAX_SUBJECT_BYTES).contains(&subject.len()) || subject.contains('\0') {
            return Err(Untaken::Other(ClaimsVerificationError::InvalidSubject("its length".to_owned())));
        }
        // An ID token for several audiences says which of them asked for it (OpenID Connect Core 1.0 §3.1.3.7).
        let asked_by = claims.authorized_party().map(|party| party.as_str());
        if asked_by.is_some_and(|party| party != self.settings.client_id) {
            return Err(Untaken::Other(ClaimsVerificationError::InvalidAudience("another party's".to_owned())));
        }
        Ok(Known { issuer, subject })
    }

    fn refused(&self, untaken: Untaken) -> Fault {
        match untaken {
            Untaken::Time(cause) => self.fault(Trouble::Clock).because(cause),
            Untaken::Signature(error) => {
                self.fault(Trouble::Untrusted).because(format!("the signature of the ID token: {error}"))
            }
            // The texts of these errors quote claims, which speak of somebody.
            Untaken::Other(error) => {
                let what = match error {
                    ClaimsVerificationError::InvalidAudience(_) => "audience",
                    ClaimsVerificationError::InvalidIssuer(_) => "issuer",
                    ClaimsVerificationError::InvalidNonce(_) => "nonce",
                    ClaimsVerificationError::InvalidSubject(_) => "subject",
                    ClaimsVerificationError::Unsupported(_) => "form",
                    _ => "claims",
                };
                self.fault(Trouble::Untrusted).because(format!("the ID token has a wrong {what}"))
            }
        }
    }

    fn client(&self, metadata: &Metadata) -> Client {
        let id = ClientId::new(self.settings.client_id.clone());
        let secret = openidconnect::ClientSecret::new(self.settings.client_secret.reveal().to_owned());
        let client = CoreClient::from_provider_metadata(metadata.clone(), id, Some(secret))
            .set_redirect_uri(self.redirect.clone());
        let takes = |wanted: CoreClientAuthMethod| {
            let methods = metadata.token_endpoint_auth_methods_supported();
            methods.is_some_and(|methods| methods.contains(&wanted))
        };
        // Where nothing is said, it is the header (OpenID Connect Discovery 1.0 §3).
        let in_body = takes(CoreClientAuthMethod::ClientSecretPost) && !takes(CoreClientAuthMethod::ClientSecretBasic);
        client.set_auth_type(if in_body { AuthType::RequestBody } else { AuthType::BasicAuth })
    }

    /// What the provider says of itself, five minutes old at the most.
    async fn metadata(&self) -> Result<Arc<Metadata>, Fault> {
        let now = (self.clock)();
        if let Some(kept) = &*self.kept.read().await {
            let age = now.signed_duration_since(kept.fetched_at);
            // A clock that was set back makes nothing last longer.
            if age >= TimeDelta::zero() && age < KEPT_FOR {
                return Ok(kept.metadata.clone());
            }
        }
        self.fetch().await
    }

    /// Asks the provider what it says of itself, its keys too. Nobody waits for another's question: of two answers the later
    /// one is kept.
    async fn fetch(&self) -> Result<Arc<Metadata>, Fault> {
        let fetched_at = (self.clock)();
        let found = Metadata::discover_async(self.issuer.clone(), &self.asking()).await;
        let metadata = found.map_err(|error| match error {
            DiscoveryError::Request(error) => self.away(&error),
            DiscoveryError::Response(_, _, cause) => self.fault(Trouble::Away).because(format!("discovery: {cause}")),
            DiscoveryError::Parse(error) => self.fault(Trouble::Misunderstood).because(format!("discovery: {error}")),
            DiscoveryError::Validation(cause) => {
                self.fault(Trouble::Misunderstood).because(format!("discovery: {cause}"))
            }
            other => self.fault(Trouble::Misunderstood).because(format!("discovery: {other}")),
        })?;
        let token_address = metadata.token_endpoint().map(openidconnect::TokenUrl::url);
        let addresses = [Some(metadata.authorization_endpoint().url()), token_address, Some(metadata.jwks_uri().url())];
        if !addresses.into_iter().flatten().all(config::is_private) {
            return Err(self.fault(Trouble::Untrusted).because("an address of the provider is not https"));
        }
        let metadata = Arc::new(metadata);
        *self.kept.write().await = Some(Kept { metadata: metadata.clone(), fetched_at });
        Ok(metadata)
    }

    fn asking(&self) -> impl Fn(HttpRequest) -> web::Answer + use<> {
        let client = self.web.clone();
        move |request| web::ask(client.clone(), request)
    }

    fn away(&self, error: &Unanswered) -> Fault {
        self.fault(Trouble::Away).because(error)
    }

    /// A refusal in the reader's words. The browser that a provider sent back did nothing wrong, so none is its fault but one.
    fn fault(&self, trouble: Trouble) -> Fault {
        let (code, message) = match trouble {
            Trouble::Away => (Code::ServiceUnavailable, Message::new("sign-in-away")),
            Trouble::Clock => (Code::Forbidden, Message::new("sign-in-clock")),
            Trouble::Misconfigured => (Code::Forbidden, Message::new("sign-in-misconfigured")),
            Trouble::Misunderstood => (Code::Forbidden, Message::new("sign-in-misunderstood")),
            Trouble::Over => (Code::BadRequest, Message::new("sign-in-over")),
            Trouble::Untrusted => (Code::Forbidden, Message::new("sign-in-untrusted")),
        };
        Fault::new(code, message.with("provider", self.label()))
    }
}

/// What others wrote, as far as it may stand in the log.
pub fn shortened(text: &str) -> String {
    text.chars().filter(char::is_ascii_graphic).take(MAX_QUOTED_CHARS).collect()
}
