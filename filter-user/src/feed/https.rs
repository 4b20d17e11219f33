//! Lists from web servers.

use std::{fs, io::Read as _, path::Path, sync::Arc, time::Duration};

use ureq::{
    Agent,
    tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem},
};

use super::{FeedError, MAX_BYTES};

/// Redirections that are followed.
const REDIRECTS: u32 = 3;

/// Gets what is at `url`, with the form `post` if there is one, from a server that the system's certificates vouch for, or
/// those in `ca_file`. All of it takes `timeout` at the most.
pub fn get(
    url: &str,
    ca_file: Option<&Path>,
    post: Option<&str>,
    timeout: Duration,
) -> Result<Vec<u8>, FeedError> {
    let roots = match ca_file {
        Some(path) => RootCerts::Specific(Arc::new(certificates(path)?)),
        None => RootCerts::PlatformVerifier,
    };
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .root_certs(roots)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build();
    let agent: Agent = Agent::config_builder()
        .tls_config(tls)
        .https_only(true)
        .max_redirects(REDIRECTS)
        .http_status_as_error(false)
        .timeout_global(Some(timeout))
        .user_agent(concat!("synwall/", env!("CARGO_PKG_VERSION")))
        // It is read as it comes.
        .accept_encoding("identity")
        .build()
        .into();
    let failed = |reason: String| FeedError::Https {
        url: url.to_owned(),
        reason,
    };
    let answer = match post {
        Some(form) => agent
            .post(url)
            .content_type("application/x-www-form-urlencoded")
            .send(form),
        None => agent.get(url).call(),
    };
    let mut answer = answer.map_err(|error| failed(error.to_string()))?;
    if answer.status() != 200 {
        return Err(failed(format!("the server answers {}", answer.status())));
    }
    let announced = answer.body().content_length();
    let mut bytes = Vec::new();
    let limit = MAX_BYTES as u64 + 1;
    let body = answer.body_mut().with_config().limit(limit).reader();
    body.take(limit)
        .read_to_end(&mut bytes)
        .map_err(|error| failed(error.to_string()))?;
    if bytes.len() > MAX_BYTES {
        return Err(failed(format!(
            "the answer is longer than {} MiB",
            MAX_BYTES >> 20
        )));
    }
    if announced.is_some_and(|announced| announced != bytes.len() as u64) {
        return Err(failed("the answer ends too early".into()));
    }
    Ok(bytes)
}

fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>, FeedError> {
    let failed = |reason: String| FeedError::Certificates {
        path: path.to_owned(),
        reason,
    };
    let pem = fs::read(path).map_err(|error| failed(error.to_string()))?;
    let mut certificates = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(certificate) = item.map_err(|error| failed(error.to_string()))? {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err(failed("there is no certificate in it (PEM)".into()));
    }
    Ok(certificates)
}
