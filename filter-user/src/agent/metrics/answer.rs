//! Answers to requests.
//!
//! A web page from elsewhere must not read the metrics. It can have its own name point to 127.0.0.1 (DNS rebinding), and an
//! operator who looks through an SSH tunnel has a browser at that end. So a request that names another host is refused. A
//! request that names none does not come from a browser.

use std::net::IpAddr;

use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Body, Bytes},
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderValue, X_CONTENT_TYPE_OPTIONS},
    http::uri::Authority,
};

use super::{health, pages::Reader};

const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";
const PLAIN: &str = "text/plain; charset=utf-8";

/// Answers a request.
pub async fn answer<B: Body>(reader: &Reader, request: &Request<B>) -> Response<Full<Bytes>> {
    if !is_for_us(request) {
        return plain(
            StatusCode::FORBIDDEN,
            "ask for localhost, 127.0.0.1 or [::1]: other names are refused, so that no web page can read this",
        );
    }
    let path = request.uri().path();
    if !matches!(path, "/" | "/metrics" | "/healthz") {
        return plain(StatusCode::NOT_FOUND, "there are /metrics and /healthz");
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut answer = plain(StatusCode::METHOD_NOT_ALLOWED, "there are GET and HEAD");
        answer
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return answer;
    }
    match path {
        "/metrics" => match reader.read().await {
            Ok(reading) => response(StatusCode::OK, METRICS, reading.text),
            Err(error) => plain(StatusCode::SERVICE_UNAVAILABLE, &error),
        },
        "/healthz" => {
            let filter = reader.read().await.and_then(|reading| reading.filter);
            match health::complaints(filter, &reader.report()).as_slice() {
                [] => plain(StatusCode::OK, "ok"),
                complaints => plain(StatusCode::SERVICE_UNAVAILABLE, &complaints.join("\n")),
            }
        }
        _ => plain(
            StatusCode::OK,
            "synwall: /metrics for Prometheus, /healthz for whether all is well",
        ),
    }
}

/// Whether the request names this host, or none.
fn is_for_us<B>(request: &Request<B>) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    let named =
        |host: &HeaderValue| Authority::try_from(host.as_bytes()).is_ok_and(|host| is_loopback(host.host()));
    hosts.all(named) && request.uri().host().is_none_or(is_loopback)
}

fn is_loopback(host: &str) -> bool {
    let address = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn plain(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    response(status, PLAIN, format!("{text}\n").into())
}

fn response(status: StatusCode, kind: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    for (name, value) in [
        (CONTENT_TYPE, kind),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_host_are_answered() {
        let request = |uri: &str, hosts: &[&str]| {
            let mut request = Request::builder().uri(uri);
            for host in hosts {
                request = request.header(HOST, *host);
            }
            is_for_us(&request.body(()).unwrap())
        };
        for host in [
            "localhost",
            "LocalHost:9436",
            "127.0.0.1",
            "127.8.9.1:9436",
            "[::1]:9436",
            "[::1]",
        ] {
            assert!(request("/", &[host]), "{host}");
        }
        for host in [
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example:9436",
            "10.0.0.1",
            "[2001:db8::1]",
            "",
            "a b",
            "@",
            "0.0.0.0",
        ] {
            assert!(!request("/", &[host]), "{host}");
            assert!(!request("/", &["localhost", host]), "{host}");
        }
        assert!(request("/", &[]));
        assert!(request("http://127.0.0.1/metrics", &[]));
        assert!(!request("http://evil.example/metrics", &["localhost"]));
    }
}
