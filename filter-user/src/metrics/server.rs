//! The HTTP server: for a few readers on this machine, and bounded for whoever else gets there.

use std::{
    convert::Infallible,
    net::IpAddr,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{ALLOW, CONTENT_TYPE, HOST},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::TcpListener,
    sync::{Mutex, Semaphore, watch},
    task::{JoinSet, spawn_blocking},
    time::{sleep, timeout},
};

use super::{Snapshot, text};
use crate::{agent::report::Report, config::Metrics};

/// Connections at once; more wait.
const CONNECTIONS: usize = 16;
/// How long a client may take to ask, also between two requests.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a connection may last in all.
const LIFETIME: Duration = Duration::from_secs(60);
/// How long a scrape may take.
const SCRAPE: Duration = Duration::from_secs(10);
/// For how long what was read serves everybody who asks.
const FRESH: Duration = Duration::from_secs(1);

type Answer = Response<Full<Bytes>>;

struct Shared {
    pin_dir: PathBuf,
    report: watch::Receiver<Report>,
    prefixes: usize,
    /// The last text, and when it was made. Who makes it holds the lock, so nobody else does meanwhile.
    last: Mutex<Option<(Instant, Bytes)>>,
}

/// Serves until the task is aborted.
pub async fn serve(
    listener: TcpListener,
    pin_dir: PathBuf,
    report: watch::Receiver<Report>,
    limits: Metrics,
) {
    let shared = Arc::new(Shared {
        pin_dir,
        report,
        prefixes: limits.prefixes,
        last: Mutex::new(None),
    });
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    // They end with this task.
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        while connections.try_join_next().is_some() {}
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Too many descriptors are open, mostly: it would fail again at once.
                log::warn!("cannot accept a connection for metrics: {error}");
                sleep(FRESH).await;
                continue;
            }
        };
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            let service = service_fn(|request| {
                let shared = Arc::clone(&shared);
                async move { Ok::<_, Infallible>(answer(&shared, &request).await) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(PATIENCE)
                .max_buf_size(16 << 10)
                .serve_connection(TokioIo::new(stream), service);
            // What goes wrong here is the client's to know.
            let _ = timeout(LIFETIME, connection).await;
            drop(place);
        });
    }
}

async fn answer(shared: &Shared, request: &Request<Incoming>) -> Answer {
    if !is_meant_for_us(request) {
        // A page in a browser on this machine can have it ask any address, but cannot choose the name that it asks for.
        return plain(
            StatusCode::FORBIDDEN,
            "this server answers to loopback addresses and localhost only\n",
        );
    }
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let mut answer = plain(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
        answer
            .headers_mut()
            .insert(ALLOW, hyper::header::HeaderValue::from_static("GET, HEAD"));
        return answer;
    }
    match request.uri().path() {
        "/metrics" => metrics(shared).await,
        "/healthz" => health(&shared.report.borrow()),
        "/" => plain(StatusCode::OK, "synwall: /metrics and /healthz\n"),
        _ => plain(StatusCode::NOT_FOUND, "there are /metrics and /healthz\n"),
    }
}

/// Whether the name that was asked for is one of this machine for itself.
fn is_meant_for_us(request: &Request<Incoming>) -> bool {
    let named = request
        .headers()
        .get(HOST)
        .map(|host| host.to_str().unwrap_or_default());
    named.is_none_or(is_own_name)
}

fn is_own_name(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

async fn metrics(shared: &Shared) -> Answer {
    match timeout(SCRAPE, scrape(shared)).await {
        Ok(Ok(text)) => {
            let mut answer = Response::new(Full::new(text));
            let kind = "text/plain; version=0.0.4; charset=utf-8";
            answer
                .headers_mut()
                .insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
            answer
        }
        Ok(Err(reason)) => plain(StatusCode::SERVICE_UNAVAILABLE, reason + "\n"),
        Err(_) => plain(StatusCode::SERVICE_UNAVAILABLE, "the filter is busy\n"),
    }
}

async fn scrape(shared: &Shared) -> Result<Bytes, String> {
    let mut last = shared.last.lock().await;
    if let Some((_, text)) = last.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
        return Ok(text.clone());
    }
    let (pin_dir, most, report) = (
        shared.pin_dir.clone(),
        shared.prefixes,
        shared.report.borrow().clone(),
    );
    let made = spawn_blocking(move || {
        let snapshot = Snapshot::read(&pin_dir, most).map_err(|error| error.to_string())?;
        text(snapshot, report).map_err(|error| error.to_string())
    });
    let text = Bytes::from(made.await.map_err(|error| error.to_string())??);
    *last = Some((Instant::now(), text.clone()));
    Ok(text)
}

/// Whether the filter is in force where it should be, as the configuration on disk says; if not, why.
fn health(report: &Report) -> Answer {
    let mut reasons = Vec::new();
    if let Some(error) = &report.config.error {
        reasons.push(format!("configuration refused: {error}"));
    }
    if let Some(error) = &report.applied.error {
        reasons.push(format!("last change failed: {error}"));
    }
    for (name, reason) in &report.unprotected {
        reasons.push(format!("{name} is not protected: {reason}"));
    }
    if report.unprotected.is_empty() && !report.is_protecting {
        reasons.push("the filter is on no interface".to_owned());
    }
    if reasons.is_empty() {
        return plain(StatusCode::OK, "ok\n");
    }
    plain(StatusCode::SERVICE_UNAVAILABLE, reasons.join("\n") + "\n")
}

fn plain(status: StatusCode, text: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(text.into()));
    *answer.status_mut() = status;
    let kind = hyper::header::HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine_for_itself_are_known() {
        for host in [
            "localhost",
            "LOCALHOST:9436",
            "127.0.0.1",
            "127.0.0.1:9436",
            "127.3.2.1:1",
            "[::1]",
            "[::1]:9436",
        ] {
            assert!(is_own_name(host), "{host}");
        }
        for host in [
            "",
            "example.com",
            "localhost.example.com:80",
            "192.0.2.1",
            "[2001:db8::1]:80",
            "127.0.0.1.example.com",
            ":80",
        ] {
            assert!(!is_own_name(host), "{host}");
        }
    }
}
