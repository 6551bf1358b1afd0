//! Who may answer as the database: which certificates are accepted.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::text::messages::Message;

/// Whose certificate is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// Anybody's: the connection is encrypted, and nothing else.
    Anybody,
    /// That of the host, issued by somebody whom the machine trusts.
    Machine,
    /// One that stands in a file, or was issued by one there.
    IssuedBy {
        /// The file, in PEM.
        file: PathBuf,
        /// Whether it has to be that of the host.
        for_host: bool,
    },
}

/// What makes encrypted connections. `is_direct`: they begin without asking the server whether it can.
pub(super) fn connector(trust: Trust, is_direct: bool) -> Result<MakeRustlsConnect, Message> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let issuers = match &trust {
        Trust::Anybody | Trust::Machine => None,
        Trust::IssuedBy { file, for_host } => Some(Issuers::read(file, *for_host)?),
    };
    let config = match trust {
        Trust::Machine => of_machine(provider),
        Trust::Anybody | Trust::IssuedBy { .. } => of_issuers(provider, issuers),
    };
    let mut config = config.map_err(|error| Message::new("database-ssl-unusable").with("reason", error.to_string()))?;
    if is_direct {
        // PostgreSQL takes no other protocol without having been asked.
        config.alpn_protocols = vec![b"postgresql".to_vec()];
    }
    Ok(MakeRustlsConnect::new(config))
}

fn of_machine(provider: Arc<CryptoProvider>) -> Result<ClientConfig, Error> {
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.with_platform_verifier()?.with_no_client_auth())
}

fn of_issuers(provider: Arc<CryptoProvider>, issuers: Option<Issuers>) -> Result<ClientConfig, Error> {
    let verifier = Verifier { issuers, algorithms: provider.signature_verification_algorithms };
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

/// Certificates that are trusted, and those that they issued.
#[derive(Debug)]
struct Issuers {
    store: RootCertStore,
    /// The same as they stand in the file.
    named: Vec<CertificateDer<'static>>,
    for_host: bool,
}

impl Issuers {
    fn read(file: &Path, for_host: bool) -> Result<Self, Message> {
        let shown = file.display().to_string();
        let unreadable = |reason: String| {
            Message::new("database-ssl-root-unreadable").with("file", shown.as_str()).with("reason", reason)
        };
        let bytes = std::fs::read(file).map_err(|error| unreadable(error.to_string()))?;
        let named: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
        let named = named.map_err(|error| unreadable(error.to_string()))?;
        if named.is_empty() {
            return Err(Message::new("database-ssl-root-none").with("file", shown.as_str()));
        }
        let mut store = RootCertStore::empty();
        for certificate in &named {
            store.add(certificate.clone()).map_err(|error| unreadable(error.to_string()))?;
        }
        Ok(Self { store, named, for_host })
    }
}

/// Judges the server's certificate.
#[derive(Debug)]
struct Verifier {
    /// Null: anybody's is accepted.
    issuers: Option<Issuers>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(issuers) = &self.issuers else { return Ok(ServerCertVerified::assertion()) };
        let certificate = ParsedCertificate::try_from(end_entity)?;
        // A server that issued its own certificate is trusted by that one standing in the file, as with libpq; it issued
        // nothing, so there is no chain to follow.
        if !issuers.named.contains(end_entity) {
            verify_server_cert_signed_by_trust_anchor(
                &certificate,
                &issuers.store,
                intermediates,
                now,
                self.algorithms.all,
            )?;
        }
        if issuers.for_host {
            verify_server_name(&certificate, server_name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    // Whoever's certificate it is, the server has to hold its key.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
