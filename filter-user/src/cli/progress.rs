//! A progress line during a long change, on a terminal only.

use std::{
    io::{self, IsTerminal as _, Write as _},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{RecvTimeoutError, Sender, channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use filter_user::{filter::instance::Instance, model::progress::Progress};

use super::output::grouped;

/// A change that is done sooner needs no line.
const PATIENCE: Duration = Duration::from_secs(1);
/// From one update of the line to the next.
const INTERVAL: Duration = Duration::from_millis(100);

/// Shows the progress of a change, from a second after its start to its end.
pub struct Watched {
    followed: Arc<Mutex<Option<Arc<Progress>>>>,
    watcher: Mutex<Option<(Sender<()>, JoinHandle<()>)>>,
}

impl Watched {
    /// Starts the clock of a change.
    pub fn new() -> Self {
        let followed = Arc::new(Mutex::new(None));
        let watcher = io::stderr().is_terminal().then(|| {
            let (end, ended) = channel();
            let followed = Arc::clone(&followed);
            let watch = move || {
                let started = Instant::now();
                let mut wait = PATIENCE;
                let mut shown = false;
                while ended.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                    show(&line(locked(&followed).as_deref(), started.elapsed()));
                    (shown, wait) = (true, INTERVAL);
                }
                if shown {
                    show("");
                }
            };
            (end, thread::spawn(watch))
        });
        Self {
            followed,
            watcher: Mutex::new(watcher),
        }
    }

    /// Follows the progress of this filter.
    pub fn follow(&self, filter: &Instance) {
        *locked(&self.followed) = Some(Arc::clone(filter.progress()));
    }

    /// Removes the line, so that others can be written.
    pub fn end(&self) {
        if let Some((end, watcher)) = locked(&self.watcher).take() {
            drop(end);
            let _ = watcher.join();
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.end();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn line(progress: Option<&Progress>, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    match progress.and_then(Progress::seen) {
        None => format!("reading the list … {seconds} s"),
        Some((done, total)) => format!(
            "{} of {} prefixes … {seconds} s",
            grouped(done as u64),
            grouped(total as u64)
        ),
    }
}

/// Overwrites the line.
fn show(line: &str) {
    // If standard error cannot be written, nobody can be told of that either.
    let _ = write!(io::stderr().lock(), "\r\x1b[K{line}");
}
