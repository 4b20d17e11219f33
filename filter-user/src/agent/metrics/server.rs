//! A web server for a scraper or two, which no other client on this host can block.
//!
//! Every connection has one request, and each of its parts has a time limit. If all places are taken, the connection goes
//! that has kept the server waiting for the longest time, for its request or for reading the answer. So a client that asks
//! at once and reads is always answered.

use std::{
    convert::Infallible,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
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

use super::{answer::answer, pages::Reader};
use crate::{agent::report::Report, config::contents::Metrics};

/// Connections at the same time. Prometheus needs one.
const CONNECTIONS: usize = 16;

/// The time limit for a request to arrive.
const HEADERS: Duration = Duration::from_secs(5);

/// The time that every client has to send its first bytes, and to read the rest of an answer, before it can lose its
/// place.
const MOMENT: Duration = Duration::from_millis(100);

/// The time limit of a connection: the request, the reading, and a slow client for a few megabytes.
const CONNECTION: Duration = Duration::from_secs(30);

/// The most bytes and header lines of a request: several times what a browser sends.
const REQUEST: (usize, usize) = (16 << 10, 64);

/// The pause after a connection could not be accepted, for lack of descriptors or memory.
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

/// The open connections.
#[derive(Default)]
struct Connections {
    tasks: JoinSet<()>,
    known: Vec<Connection>,
}

struct Connection {
    task: AbortHandle,
    turn: Arc<Mutex<Turn>>,
}

/// Which side has to act.
#[derive(Clone, Copy)]
enum Turn {
    /// The client has to ask, or to read, since then.
    Theirs(Instant),
    /// The server has to answer.
    Ours,
}

impl Connection {
    /// How long the client has kept the server waiting.
    fn waits(&self) -> Option<Duration> {
        match *locked(&self.turn) {
            Turn::Theirs(since) => Some(since.elapsed()),
            Turn::Ours => None,
        }
    }
}

fn locked(turn: &Mutex<Turn>) -> MutexGuard<'_, Turn> {
    turn.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Connections {
    /// Waits until there is a place for one more.
    async fn make_room(&mut self) {
        while self.tasks.try_join_next().is_some() {}
        while self.tasks.len() >= CONNECTIONS {
            self.known.retain(|connection| !connection.task.is_finished());
            let waits = self.known.iter().map(Connection::waits).enumerate();
            let longest = waits.filter_map(|(number, waits)| Some((waits?, number))).max();
            // Wait until a client is done, or has kept the server waiting for long enough to lose its place.
            let patience = longest.map_or(MOMENT, |(waits, _)| MOMENT.saturating_sub(waits));
            if patience.is_zero()
                && let Some((_, number)) = longest
            {
                self.known.swap_remove(number).task.abort();
                self.tasks.join_next().await;
            } else {
                let _ = timeout(patience, self.tasks.join_next()).await;
            }
        }
    }

    fn add(&mut self, stream: TcpStream, reader: Arc<Reader>) {
        let turn = Arc::new(Mutex::new(Turn::Theirs(Instant::now())));
        let task = self.tasks.spawn(attend(stream, reader, Arc::clone(&turn)));
        self.known.retain(|connection| !connection.task.is_finished());
        self.known.push(Connection { task, turn });
    }
}

/// Answers the one request of a connection.
async fn attend(stream: TcpStream, reader: Arc<Reader>, turn: Arc<Mutex<Turn>>) {
    let service = service_fn(|request: hyper::Request<Incoming>| {
        *locked(&turn) = Turn::Ours;
        let (reader, turn) = (Arc::clone(&reader), Arc::clone(&turn));
        async move {
            let answer = answer(&reader, &request).await;
            *locked(&turn) = Turn::Theirs(Instant::now());
            Ok::<_, Infallible>(answer)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .keep_alive(false)
        .max_buf_size(REQUEST.0)
        .max_headers(REQUEST.1)
        .serve_connection(TokioIo::new(stream), service);
    // An error here is the client's, which has been told.
    let _ = timeout(CONNECTION, connection).await;
}
