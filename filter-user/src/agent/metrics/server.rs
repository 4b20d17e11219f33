//! A web server for a scraper or two, that nobody on this host can keep from them.
//!
//! Every connection has one request, and a time for each of its parts. When as many are there as may be, the one goes that
//! has kept us waiting for the longest time, for its request or while it does not read the answer: whoever asks at once and
//! reads is always answered.

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

use super::{answer::answer, reading::Reader};
use crate::{agent::report::Report, config::contents::Metrics};

/// Connections at once. Prometheus needs one.
const CONNECTIONS: usize = 16;

/// For a request to come in.
const HEADERS: Duration = Duration::from_secs(5);

/// For its first words, which whoever asks at once has sent with the connection, and for what is left of an answer where
/// somebody reads it: nobody is sent away before.
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

/// The connections that there are.
#[derive(Default)]
struct Connections {
    tasks: JoinSet<()>,
    known: Vec<Connection>,
}

struct Connection {
    task: AbortHandle,
    turn: Arc<Mutex<Turn>>,
}

/// Who has to do something, and since when.
#[derive(Clone, Copy)]
enum Turn {
    /// The other side: it has to ask, or to read.
    Theirs(Instant),
    /// We have to answer.
    Ours,
}

impl Connection {
    /// How long the other side has kept us waiting.
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
    /// Waits until there is room for one more.
    async fn make_room(&mut self) {
        while self.tasks.try_join_next().is_some() {}
        while self.tasks.len() >= CONNECTIONS {
            self.known.retain(|connection| !connection.task.is_finished());
            let waits = self.known.iter().map(Connection::waits).enumerate();
            let longest = waits.filter_map(|(number, waits)| Some((waits?, number))).max();
            // Until somebody is done, or has kept us waiting for long enough to be sent away.
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
    // Whatever goes wrong is the other side's doing, and they have been told.
    let _ = timeout(CONNECTION, connection).await;
}
