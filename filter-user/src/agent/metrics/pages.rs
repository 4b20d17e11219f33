//! What both pages say, shared by all clients of about the same time.
//!
//! Reading a filter takes its lock, and work for each prefix. So one client at a time has it read, and the others get what
//! was read for it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use hyper::body::Bytes;
use tokio::{
    sync::{Mutex, watch},
    task,
    time::timeout,
};

use super::text::{Unreadable, text};
use crate::{
    agent::report::Report,
    model::settings::Policy,
    view::reading::{Prefixes, Reading, Wanted},
};

/// How long a reading is served again.
const FRESH: Duration = Duration::from_secs(1);

/// How long a client waits for a reading: Prometheus's own default time-out.
const PATIENCE: Duration = Duration::from_secs(10);

/// What both pages say.
#[derive(Clone, Debug)]
pub struct Pages {
    /// The text of `/metrics`.
    pub text: Bytes,
    /// The state of the filter, if it is up, or why it cannot be read.
    pub filter: Result<Option<State>, String>,
}

/// The state of a filter, as far as health depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// Whether it is in force on any interface here.
    pub filters: bool,
    /// Whether it drops packets.
    pub enforces: bool,
}

impl State {
    fn of(reading: &Reading) -> Self {
        Self {
            filters: reading.is_in_force(),
            enforces: reading.policy == Policy::Enforce,
        }
    }
}

/// When a reading was last tried, and what came of it.
type Last = (Instant, Result<Pages, String>);

/// Reads when a client asks.
#[derive(Debug)]
pub struct Reader {
    pin_dir: PathBuf,
    report: watch::Receiver<Report>,
    most: usize,
    last: Arc<Mutex<Option<Last>>>,
}

impl Reader {
    /// For the filter in `pin_dir`, with at most `most` prefixes.
    pub fn new(pin_dir: PathBuf, report: watch::Receiver<Report>, most: usize) -> Self {
        Self {
            pin_dir,
            report,
            most,
            last: Arc::default(),
        }
    }

    /// What the agent last told of itself.
    pub fn report(&self) -> Report {
        self.report.borrow().clone()
    }

    /// The pages from a reading that is at most a second old, or why there is none.
    pub async fn read(&self) -> Result<Pages, String> {
        let took_too_long = |_| {
            Err(format!(
                "the filter could not be read within {} s; is another command changing it?",
                PATIENCE.as_secs()
            ))
        };
        timeout(PATIENCE, self.read_in_turn())
            .await
            .unwrap_or_else(took_too_long)
    }

    async fn read_in_turn(&self) -> Result<Pages, String> {
        // The work owns this guard: if this client gives up, the next one still waits for the same work.
        let mut last = Arc::clone(&self.last).lock_owned().await;
        if let Some((when, reading)) = last.as_ref()
            && when.elapsed() < FRESH
        {
            return reading.clone();
        }
        let (pin_dir, report, most) = (self.pin_dir.clone(), self.report(), self.most);
        let work = task::spawn_blocking(move || {
            let reading = read(&pin_dir, report, most);
            *last = Some((Instant::now(), reading.clone()));
            reading
        });
        work.await
            .unwrap_or_else(|error| Err(format!("reading the filter broke off: {error}")))
    }
}

fn read(pin_dir: &Path, report: Report, most: usize) -> Result<Pages, String> {
    let wanted = Wanted {
        prefixes: Prefixes::Busiest(most),
        ..Wanted::default()
    };
    let reading = match Reading::read(pin_dir, wanted) {
        // Another command has it. The next scrape will do.
        Err(error) if error.is_locked() => return Err(error.to_string()),
        Err(error) if error.is_not_up() => Ok(None),
        Err(error) => Err(error.to_string()),
        Ok(reading) => Ok(Some(reading)),
    };
    let filter = reading.as_ref().map(Option::as_ref);
    let text = text(filter.map_err(|_| Unreadable), &report)
        .map_err(|error| format!("cannot write the metrics: {error}"))?;
    Ok(Pages {
        text: text.into(),
        filter: reading.map(|reading| reading.as_ref().map(State::of)),
    })
}
