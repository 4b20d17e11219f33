//! The HTTP client: the real curl, which reports its result as JSON.

use std::fmt;
use std::time::{Duration, Instant};

use super::{Host, Output};

/// curl's exit code for a timeout.
const TIMED_OUT: i32 = 28;
/// curl's exit code for a refused connection.
const REFUSED: i32 = 7;

/// An HTTP response.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The page.
    pub body: String,
    /// Seconds from the start of the connection to the end of the page, as curl measured them.
    pub seconds: f64,
}

/// The result of a request without an HTTP response.
#[derive(Debug, Clone)]
pub struct NoAnswer {
    /// curl's exit code.
    pub code: Option<i32>,
    /// curl's error message.
    pub message: String,
    /// Seconds until curl ended, with the start of curl.
    pub seconds: f64,
}

impl NoAnswer {
    /// Whether no packet came at all, as from an address without a host.
    #[must_use]
    pub fn timed_out(&self) -> bool {
        self.code == Some(TIMED_OUT)
    }

    /// Whether the connection was refused. A refusal tells the client that the host exists.
    #[must_use]
    pub fn refused(&self) -> bool {
        self.code == Some(REFUSED)
    }
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} after {:.1} s", self.message, self.seconds)
    }
}

pub(super) fn get(host: &Host, url: &str, timeout: Duration) -> Result<Answer, NoAnswer> {
    let started = Instant::now();
    let timeout = format!("{:.3}", timeout.as_secs_f64());
    let mut curl = host.command("curl");
    // `-q` and `--noproxy`: ignore the curl configuration of the user of this machine. `-g`: the brackets of an IPv6
    // address are not a glob pattern.
    curl.args([
        "-q",
        "-sSkg",
        "--noproxy",
        "*",
        "--connect-timeout",
        &timeout,
        "--max-time",
        &timeout,
    ])
    .args(["--write-out", "%{stderr}\n%{json}", url]);
    let output = Output::of(&mut curl);
    // The JSON is the last line. A message of curl comes before it.
    let (message, json) = output.stderr.trim_end().rsplit_once('\n').unwrap_or_default();
    let number = |key: &str| {
        serde_json::from_str::<serde_json::Value>(json)
            .ok()?
            .get(key)?
            .as_f64()
    };
    match (output.code, number("http_code"), number("time_total")) {
        (Some(0), Some(status), Some(seconds)) => Ok(Answer {
            status: status as u16,
            body: output.stdout,
            seconds,
        }),
        _ => Err(NoAnswer {
            code: output.code,
            message: message.trim().to_owned(),
            seconds: started.elapsed().as_secs_f64(),
        }),
    }
}
