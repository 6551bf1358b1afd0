//! Asking providers over the web: what can hang, answer without end or lead elsewhere is bounded here.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use openidconnect::{HttpRequest, HttpResponse, http};

use crate::error::Fault;

/// How long an answer may take; somebody is waiting for it.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// How long a connection may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// The largest answer that is read: documents of providers have some 10 KB.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// Why there is no answer. It never holds what was sent.
#[derive(Debug)]
pub enum Unanswered {
    /// The provider cannot be reached, or was too slow.
    Away(reqwest::Error),
    /// The answer is larger than any that means something.
    TooLarge,
    /// The answer could not be put together.
    Malformed(http::Error),
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Away(error) => {
                write!(f, "{error}")?;
                // The library's own text names the request; what a person needs is the cause behind it.
                let mut source = std::error::Error::source(error);
                while let Some(cause) = source {
                    write!(f, ": {cause}")?;
                    source = cause.source();
                }
                Ok(())
            }
            Self::TooLarge => write!(f, "the answer is larger than {MAX_ANSWER_BYTES} bytes"),
            Self::Malformed(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Unanswered {}

impl From<reqwest::Error> for Unanswered {
    fn from(error: reqwest::Error) -> Self {
        Self::Away(error)
    }
}

/// The answer to come.
pub type Answer = Pin<Box<dyn Future<Output = Result<HttpResponse, Unanswered>> + Send>>;

/// A client that follows no redirect: it would carry secrets to wherever it is led.
pub fn client() -> Result<reqwest::Client, Fault> {
    let building = |error: &dyn fmt::Display| Fault::internal("preparing to ask providers", error);
    let tls = tls().map_err(|error| building(&error))?;
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_WITHIN)
        .timeout(ANSWER_WITHIN)
        .user_agent(concat!("knowledge-hub/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| building(&error))
}

/// TLS that trusts what the machine trusts.
fn tls() -> Result<rustls::ClientConfig, rustls::Error> {
    use rustls_platform_verifier::BuilderVerifierExt;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(versions.with_platform_verifier()?.with_no_client_auth())
}

/// Sends a request, in the form that the library of OpenID Connect wants.
pub fn ask(client: reqwest::Client, request: HttpRequest) -> Answer {
    Box::pin(async move {
        let mut answer = client.execute(request.try_into()?).await?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if body.len().saturating_add(chunk.len()) > MAX_ANSWER_BYTES {
                return Err(Unanswered::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let mut response = http::Response::builder().status(answer.status());
        for (name, value) in answer.headers() {
            response = response.header(name, value);
        }
        response.body(body).map_err(Unanswered::Malformed)
    })
}
