//! TLS as libpq understands it: certificates are looked at only where `sslmode` or a root certificate asks for it.

use std::{path::Path, sync::Arc};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::warehouse::{Error, PostgresTarget, SslMode};

/// What makes TLS connections to the target.
///
/// # Errors
/// [`Error::Unsupported`] when a file of certificates or keys cannot be read, or `verify-*` has no root certificate.
pub(super) fn connector(target: &PostgresTarget) -> Result<MakeRustlsConnect, Error> {
    let mode = target.sslmode.unwrap_or(SslMode::Prefer);
    if target.is_socket() || mode == SslMode::Disable {
        return configured(target, Arc::new(Anyone(provider())), false);
    }
    let verify = matches!(mode, SslMode::VerifyCa | SslMode::VerifyFull);
    match target.sslrootcert.as_deref() {
        Some("system") => mozilla(target),
        Some(path) if verify || mode == SslMode::Require => verified(target, Path::new(path), mode),
        None if verify => {
            let home = std::env::home_dir().unwrap_or_default().join(".postgresql/root.crt");
            if home.exists() {
                return verified(target, &home, mode);
            }
            Err(Error::unsupported(format!(
                "`sslmode: {}` needs root certificates: set `sslrootcert` of the profile to a file of them, or to \
                 `system` for those that browsers trust",
                mode.as_str()
            )))
        }
        _ => configured(target, Arc::new(Anyone(provider())), true),
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// Certificates signed by one of Mozilla's roots, for the right host.
fn mozilla(target: &PostgresTarget) -> Result<MakeRustlsConnect, Error> {
    if target.sslcert.is_some() {
        return Err(Error::unsupported(
            "`sslrootcert: system` cannot be combined with `sslcert`; name a file of root certificates",
        ));
    }
    // The connector takes the process's provider; that another part has set one already is as good.
    let _ = ring::default_provider().install_default();
    Ok(MakeRustlsConnect::with_webpki_roots())
}

/// Certificates signed by a root in the file at `path`; with `verify-full` they must name the host.
fn verified(target: &PostgresTarget, path: &Path, mode: SslMode) -> Result<MakeRustlsConnect, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path, "sslrootcert")? {
        roots.add(certificate).map_err(|error| unreadable(path, "sslrootcert", &error.to_string()))?;
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .map_err(|error| unreadable(path, "sslrootcert", &error.to_string()))?;
    let verifier: Arc<dyn ServerCertVerifier> =
        if mode == SslMode::VerifyFull { verifier } else { Arc::new(AnyHost(verifier)) };
    configured(target, verifier, true)
}

fn configured(
    target: &PostgresTarget,
    verifier: Arc<dyn ServerCertVerifier>,
    may_identify: bool,
) -> Result<MakeRustlsConnect, Error> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::unsupported(format!("TLS cannot be set up: {error}")))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let config = match (&target.sslcert, &target.sslkey) {
        (Some(certificate), Some(key)) if may_identify => {
            let chain = certificates(Path::new(certificate), "sslcert")?;
            let key = Path::new(key);
            let secret =
                PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable(key, "sslkey", &error.to_string()))?;
            builder
                .with_client_auth_cert(chain, secret)
                .map_err(|error| unreadable(Path::new(certificate), "sslcert", &error.to_string()))?
        }
        _ => builder.with_no_client_auth(),
    };
    Ok(MakeRustlsConnect::new(config))
}

fn certificates(path: &Path, field: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(unreadable(path, field, "there is no certificate in it")),
        Err(error) => Err(unreadable(path, field, &error.to_string())),
    }
}

fn unreadable(path: &Path, field: &str, why: &str) -> Error {
    Error::unsupported(format!("cannot use {}, which `{field}` of the profile names: {why}", path.display()))
}

/// Takes any certificate, as `sslmode: require` does; the connection is encrypted to whoever holds its key.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Takes a certificate that a known root signed, for whatever host: `verify-ca`.
#[derive(Debug)]
struct AnyHost(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for AnyHost {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match self.0.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The name is looked at last, when all else is well.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
