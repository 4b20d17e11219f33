//! Lists on web servers: one request over TLS. Its time and its size are bounded, whatever the server does.
//!
//! A proxy in the environment is not used: a list comes from the server that the configuration names.

mod addresses;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rustls::{CertificateError, crypto::ring};
use ureq::{
    Agent, Error as Failed,
    http::{Response, StatusCode, Version, header},
    tls::{PemItem, RootCerts, TlsConfig, parse_pem},
    unversioned::transport::DefaultConnector,
};

use self::addresses::InTurn;
use super::definition::MAX_BYTES;
use crate::{
    model::duration,
    sys::{
        file::{self, NotRead},
        path::Exposed,
    },
    text::{escaped, shown, without_secrets},
};

/// How many redirections are followed.
const MAX_REDIRECTS: u32 = 3;
/// The largest file with certificates, in bytes. All authorities of a system take a quarter of it.
const MAX_CERTIFICATES: u64 = 1 << 20;

/// Why a web server gave no list.
#[derive(Debug, thiserror::Error)]
#[error("cannot fetch {url}: {why}")]
pub struct HttpsError {
    /// The URL, without parts that may be secret.
    pub url: String,
    /// What went wrong.
    pub why: Why,
}

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum Why {
    /// Other users can change the file with certificates.
    #[error("{file} was not read, because it can be changed by {exposed}")]
    ExposedCertificates {
        /// The file.
        file: PathBuf,
        /// Who can change what.
        exposed: Exposed,
    },
    /// The file with certificates is unusable.
    #[error("{file} {what}; it should have certificates in PEM format")]
    Certificates {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The certificate is from an unknown authority.
    #[error(
        "its certificate is not signed by an authority that is trusted here; if it comes from a private one, name that in ca-file"
    )]
    UnknownAuthority,
    /// The certificate is invalid.
    #[error("its certificate is not valid: {0}")]
    Certificate(String),
    /// The URL or a redirection is not HTTPS.
    #[error("{0} is not https; nothing else is asked")]
    NotHttps(String),
    /// Too many redirections.
    #[error("it leads on and on, more than {MAX_REDIRECTS} times")]
    Redirects,
    /// A redirection of a POST request.
    #[error("it leads elsewhere, and a form is not sent on")]
    FormSentOn,
    /// The status is not 200.
    #[error("the server answered {0}, not 200 OK")]
    Status(StatusCode),
    /// The answer is compressed, which was not requested.
    #[error("the answer is compressed ({0}), which was not asked for")]
    Compressed(String),
    /// The answer has no length, so a truncated one could not be noticed.
    #[error("the answer does not say how long it is, so nobody knows whether it is whole")]
    WithoutLength,
    /// The answer is too large.
    #[error("the answer has more than {} MiB", MAX_BYTES >> 20)]
    TooLarge,
    /// The time limit has passed.
    #[error("there was no complete answer after {}; the server is slow, or not reachable", duration::format(*.0))]
    TooSlow(Duration),
    /// The connection ended before the answer was complete.
    #[error("the connection ended before the answer was complete")]
    CutOff,
    /// Another error.
    #[error("{0}")]
    Other(String),
}

/// Fetches `url`, which takes at most `timeout`.
///
/// An authority in `ca_file` (PEM), or one of the system's, must have signed the server's certificate. `post` is sent as
/// a form (`application/x-www-form-urlencoded`).
///
/// # Errors
/// [`HttpsError`] for everything but a complete answer 200 of at most [`MAX_BYTES`].
pub fn get(
    url: &str,
    ca_file: Option<&Path>,
    post: Option<&str>,
    timeout: Duration,
) -> Result<Vec<u8>, HttpsError> {
    fetch(url, ca_file, post, timeout).map_err(|why| {
        let url = without_secrets(url);
        HttpsError { url, why }
    })
}

fn fetch(url: &str, ca_file: Option<&Path>, post: Option<&str>, timeout: Duration) -> Result<Vec<u8>, Why> {
    let roots = match ca_file {
        Some(file) => certificates(file)?,
        None => RootCerts::PlatformVerifier,
    };
    let tls = TlsConfig::builder()
        .root_certs(roots)
        .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()))
        .build();
    let config = Agent::config_builder()
        .https_only(true)
        .http_status_as_error(false)
        .max_redirects(MAX_REDIRECTS)
        .proxy(None)
        .accept_encoding("identity")
        .timeout_global(Some(timeout))
        .tls_config(tls)
        .user_agent(concat!("synwall/", env!("CARGO_PKG_VERSION")))
        .build();
    let agent = Agent::with_parts(config, DefaultConnector::default(), InTurn::default());
    let answer = match post {
        None => agent.get(url).call(),
        Some(form) => {
            let request = agent.post(url);
            request
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .send(form)
        }
    };
    let mut answer = answer.map_err(|failed| explain(failed, timeout))?;
    if answer.status() != StatusCode::OK {
        return Err(Why::Status(answer.status()));
    }
    if let Some(encoding) = encoding(&answer) {
        return Err(Why::Compressed(encoding));
    }
    if !says_how_long(&answer) {
        return Err(Why::WithoutLength);
    }
    let body = answer.body_mut().with_config().limit(MAX_BYTES as u64);
    body.read_to_vec().map_err(|failed| explain(failed, timeout))
}

/// Whether an answer states where it ends.
///
/// Any host on the path can end a connection. ureq takes that for the end of the answer, even without a TLS close.
fn says_how_long<T>(answer: &Response<T>) -> bool {
    let headers = answer.headers();
    // As ureq does: HTTP/1.0 has no chunks.
    let may_be_chunked = answer.version() != Version::HTTP_10;
    let codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let mut codings = codings
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    headers.contains_key(header::CONTENT_LENGTH)
        || may_be_chunked && codings.any(|coding| coding.trim().eq_ignore_ascii_case("chunked"))
}

/// The content encoding of an answer, unless it is `identity`.
fn encoding<T>(answer: &Response<T>) -> Option<String> {
    let value = answer.headers().get(header::CONTENT_ENCODING)?;
    let name = String::from_utf8_lossy(value.as_bytes());
    (!name.eq_ignore_ascii_case("identity")).then(|| shown(&name))
}

fn certificates(path: &Path) -> Result<RootCerts, Why> {
    let unusable = |what: String| Why::Certificates {
        file: path.to_owned(),
        what,
    };
    // A named pipe could block beyond any time limit.
    let read = file::read_regular(path, MAX_CERTIFICATES).map_err(|error| match error {
        NotRead::Exposed(exposed) => Why::ExposedCertificates {
            file: path.to_owned(),
            exposed,
        },
        NotRead::Io(error) => unusable(format!("cannot be read: {error}")),
    })?;
    let mut certificates = Vec::new();
    for item in parse_pem(&read.bytes) {
        match item {
            Ok(PemItem::Certificate(certificate)) => certificates.push(certificate),
            // A key or a signing request in the file does no harm.
            Ok(_) => {}
            Err(error) => return Err(unusable(format!("is damaged: {}", shown(&error.to_string())))),
        }
    }
    if certificates.is_empty() {
        return Err(unusable("has no certificate".to_owned()));
    }
    Ok(certificates.into_iter().into())
}

fn explain(failed: Failed, timeout: Duration) -> Why {
    match failed {
        Failed::Timeout(_) => Why::TooSlow(timeout),
        Failed::RequireHttpsOnly(url) => Why::NotHttps(without_secrets(&url)),
        Failed::TooManyRedirects => Why::Redirects,
        Failed::RedirectFailed => Why::FormSentOn,
        Failed::BodyExceedsLimit(_) => Why::TooLarge,
        Failed::Rustls(error) => explain_tls(&error),
        Failed::Io(error) => match error.get_ref().and_then(|inner| inner.downcast_ref()) {
            Some(tls) => explain_tls(tls),
            None if error.kind() == std::io::ErrorKind::UnexpectedEof => Why::CutOff,
            None => Why::Other(error.to_string()),
        },
        // Some of these texts repeat what the server sent.
        other => Why::Other(shown(&other.to_string())),
    }
}

fn explain_tls(error: &rustls::Error) -> Why {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => Why::UnknownAuthority,
        rustls::Error::InvalidCertificate(what) => Why::Certificate(escaped(&what.to_string())),
        other => Why::Other(format!("no TLS with the server: {}", shown(&other.to_string()))),
    }
}
