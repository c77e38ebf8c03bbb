//! Certificates, read even when they are not valid: "ends in 3 days" and "ended yesterday" are both answers.

use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;

use rustls::CertificateError;
use rustls::DigitallySignedStruct;
use rustls::RootCertStore;
use rustls::SignatureScheme;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::client::danger::ServerCertVerified;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::ServerName;
use rustls::pki_types::UnixTime;
use tokio_rustls::TlsConnector;
use x509_parser::prelude::FromDer;
use x509_parser::prelude::X509Certificate;

use crate::bus;
use crate::model::signal::Absence;
use crate::model::text::clean;
use crate::model::time::DAY;
use crate::model::time::Millis;
use crate::sources::http;
use crate::sources::names;

/// What a server showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Days until the certificate ends; negative when it has ended.
    pub days: i64,
    /// Whom it is for.
    pub subject: String,
    /// What is wrong with it; `None` when a browser would accept it.
    pub fault: Option<String>,
}

/// Opens a connection, lets the handshake end, and reads the certificate; nothing is sent.
///
/// # Errors
/// When there is no connection, no handshake, or no certificate to read.
pub async fn probe(host: &str, port: u16, roots: RootCertStore) -> Result<Shown, Absence> {
    let stream = names::connect(host, port).await?;
    let verifier = Arc::new(Recorder::new(roots)?);
    let config = rustls::ClientConfig::builder_with_provider(Arc::clone(&verifier.provider))
        .with_safe_default_protocol_versions()
        .map_err(|e| Absence::Tls(explain(&e)))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&verifier) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(|_| Absence::Tls(format!("{host} is no server name")))?;
    let done = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    match (verifier.seen(), done) {
        (Some((der, fault)), Ok(_)) => read(&der, fault),
        // It showed a certificate and then broke off: what it showed is said, and that it broke off.
        (Some((der, fault)), Err(e)) => read(&der, fault.or_else(|| Some(clean(&e.to_string())))),
        (None, Err(e)) => Err(http::of_io(&e).unwrap_or_else(|| Absence::Tls(clean(&e.to_string())))),
        (None, Ok(_)) => Err(Absence::Tls("the server showed no certificate".to_owned())),
    }
}

/// The trusted certificates for a probe.
///
/// # Errors
/// The file cannot be read or holds none.
pub async fn roots(ca: Option<&Path>) -> Result<RootCertStore, Absence> {
    let ca = ca.map(Path::to_path_buf);
    tokio::task::spawn_blocking(move || http::roots(ca.as_deref()))
        .await
        .unwrap_or_else(|_| Err(Absence::Tls("the certificates could not be read".to_owned())))
}

fn read(der: &[u8], fault: Option<String>) -> Result<Shown, Absence> {
    let (_, cert) =
        X509Certificate::from_der(der).map_err(|_| Absence::Tls("the certificate cannot be read".to_owned()))?;
    let ends = cert.validity().not_after.timestamp() * 1_000;
    Ok(Shown { days: whole_days(ends - bus::now().wall), subject: clean(&cert.subject().to_string()), fault })
}

/// Whole days left; what has ended, if only an hour ago, is at least one day over.
fn whole_days(left: Millis) -> i64 {
    if left >= 0 { left / DAY } else { (left / DAY).min(-1) }
}

/// A TLS error in plain words.
#[must_use]
pub fn explain(error: &rustls::Error) -> String {
    use rustls::Error as E;
    match error {
        E::InvalidCertificate(why) => match why {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "the certificate has expired".to_owned()
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "the certificate is not valid yet".to_owned()
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "the certificate is for another name".to_owned()
            }
            CertificateError::UnknownIssuer => {
                "the certificate comes from an authority this machine does not trust (ca_file names one)".to_owned()
            }
            CertificateError::Revoked => "the certificate has been revoked".to_owned(),
            other if other.to_string().contains("CaUsedAsEndEntity") => "the certificate is self-signed".to_owned(),
            other => clean(&other.to_string()),
        },
        E::InvalidMessage(_) => "the other side does not speak TLS".to_owned(),
        other => clean(&other.to_string()),
    }
}

/// Verifies as usual, keeps the verdict and the certificate, and lets the handshake end either way.
#[derive(Debug)]
struct Recorder {
    provider: Arc<CryptoProvider>,
    inner: Option<Arc<WebPkiServerVerifier>>,
    /// The handshake calls a verifier through a shared reference: this is the only way out for what it saw.
    seen: Mutex<Option<(Vec<u8>, Option<String>)>>,
}

impl Recorder {
    fn new(roots: RootCertStore) -> Result<Self, Absence> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let inner = if roots.is_empty() {
            None
        } else {
            let built = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build();
            Some(built.map_err(|e| Absence::Tls(clean(&e.to_string())))?)
        };
        Ok(Self { provider, inner, seen: Mutex::new(None) })
    }

    fn seen(&self) -> Option<(Vec<u8>, Option<String>)> {
        self.seen.lock().ok()?.clone()
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verdict = match &self.inner {
            Some(v) => v.verify_server_cert(end_entity, intermediates, server_name, ocsp, now).map(|_| ()),
            None => Err(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)),
        };
        if let Ok(mut seen) = self.seen.lock() {
            *seen = Some((end_entity.to_vec(), verdict.err().map(|e| explain(&e))));
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
