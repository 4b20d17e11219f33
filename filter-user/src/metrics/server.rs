//! A web server for a scraper or two, that nobody on this host can keep from them.
//!
//! Every connection has one request, and a time for each of its parts. When as many are there as may be, the one goes that
//! has been silent for the longest time: whoever asks at once is always answered.

use std::{
    collections::VecDeque,
    convert::Infallible,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{AbortHandle, JoinSet},
    time::{sleep, timeout},
};

use super::{answer::answer, reading::Reader};
use crate::{agent::report::Report, config::Metrics};

/// Connections at once. Prometheus needs one.
const CONNECTIONS: usize = 16;

/// For a request to come in.
const HEADERS: Duration = Duration::from_secs(5);

/// For its first words, which whoever asks at once has sent with the connection: nobody is sent away before.
const MOMENT: Duration = Duration::from_millis(100);

/// For a connection in all: the request, the reading, and a reader of a few megabytes who is not in a hurry.
const CONNECTION: Duration = Duration::from_secs(30);

/// Bytes of a request, and its lines: some times what a browser sends.
const REQUEST: (usize, usize) = (16 << 10, 64);

/// Until the next attempt to take a connection where there is nothing left to take it with.
const PAUSE: Duration = Duration::from_millis(200);

/// Serves metrics of the filter in `pin_dir` until it is dropped; all connections go with it.
pub async fn serve(
    listener: TcpListener,
    pin_dir: PathBuf,
    report: watch::Receiver<Report>,
    metrics: Metrics,
) {
    let reader = Arc::new(Reader::new(pin_dir, report, metrics.prefixes));
    let mut connections = Connections::default();
    let mut is_refused = false;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                is_refused = false;
                connections.make_room().await;
                connections.add(stream, Arc::clone(&reader));
            }
            Err(error) => {
                if !is_refused {
                    log::warn!("metrics: cannot take a connection: {error}");
                }
                is_refused = true;
                sleep(PAUSE).await;
            }
        }
    }
}

/// The connections that there are, the oldest first.
#[derive(Default)]
struct Connections {
    tasks: JoinSet<()>,
    known: VecDeque<Connection>,
}

struct Connection {
    task: AbortHandle,
    since: Instant,
    has_asked: Arc<AtomicBool>,
}

impl Connections {
    /// Waits until there is room for one more.
    async fn make_room(&mut self) {
        while self.tasks.try_join_next().is_some() {}
        while self.tasks.len() >= CONNECTIONS {
            self.known.retain(|connection| !connection.task.is_finished());
            let is_silent = |connection: &Connection| !connection.has_asked.load(Ordering::Relaxed);
            let silent = self.known.iter().position(is_silent);
            // Until somebody is answered, or has been silent for long enough to be sent away.
            let wait = silent.map_or(CONNECTION, |number| {
                MOMENT.saturating_sub(self.known[number].since.elapsed())
            });
            if let Some(number) = silent
                && wait.is_zero()
                && let Some(silent) = self.known.remove(number)
            {
                silent.task.abort();
                self.tasks.join_next().await;
            } else {
                let _ = timeout(wait, self.tasks.join_next()).await;
            }
        }
    }

    fn add(&mut self, stream: TcpStream, reader: Arc<Reader>) {
        let has_asked = Arc::new(AtomicBool::new(false));
        let task = self.tasks.spawn(attend(stream, reader, Arc::clone(&has_asked)));
        self.known.retain(|connection| !connection.task.is_finished());
        self.known.push_back(Connection {
            task,
            since: Instant::now(),
            has_asked,
        });
    }
}

/// Answers the one request of a connection.
async fn attend(stream: TcpStream, reader: Arc<Reader>, has_asked: Arc<AtomicBool>) {
    let service = service_fn(|request: hyper::Request<Incoming>| {
        has_asked.store(true, Ordering::Relaxed);
        let reader = Arc::clone(&reader);
        async move { Ok::<_, Infallible>(answer(&reader, &request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .keep_alive(false)
        .max_buf_size(REQUEST.0)
        .max_headers(REQUEST.1)
        .serve_connection(TokioIo::new(stream), service);
    // Whatever goes wrong is the other side's doing, and they have been told.
    let _ = timeout(CONNECTION, connection).await;
}
