//! Readings of the filter, shared by all who ask at about the same time.
//!
//! To read a filter costs its lock, and work for each prefix. However many ask, one of them reads at a time, and the others
//! take what it found.

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

/// How long a reading is as good as new.
const FRESH: Duration = Duration::from_secs(1);

/// How long who asks waits for a reading. Prometheus by itself waits for 10 s.
const PATIENCE: Duration = Duration::from_secs(10);

/// What both pages say.
#[derive(Clone, Debug)]
pub struct Pages {
    /// Everything, as Prometheus reads it.
    pub text: Bytes,
    /// How the filter is, if there is one, or why it cannot be read.
    pub filter: Result<Option<State>, String>,
}

/// How a filter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// Whether it is in force on any interface.
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

/// The last reading, or why there is none, and when it was done.
type Last = (Instant, Result<Pages, String>);

/// Reads when somebody asks.
#[derive(Debug)]
pub struct Reader {
    pin_dir: PathBuf,
    report: watch::Receiver<Report>,
    most: usize,
    last: Arc<Mutex<Option<Last>>>,
}

impl Reader {
    /// Of the filter in `pin_dir`, with at most `most` prefixes.
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

    /// A reading that is not older than a second, or why there is none.
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
        // It goes along with the work: who no longer waits does not let the next begin a second one beside it.
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
    let (filter, reading) = match Reading::read(pin_dir, wanted) {
        // Another command has it. The next scrape will do.
        Err(error) if error.is_locked() => return Err(error.to_string()),
        Err(error) if error.is_not_up() => (Ok(None), Ok(None)),
        Err(error) => (Err(error.to_string()), Err(Unreadable)),
        Ok(reading) => (Ok(Some(State::of(&reading))), Ok(Some(reading))),
    };
    let text = text(reading, report).map_err(|error| format!("cannot write the metrics: {error}"))?;
    Ok(Pages {
        text: text.into(),
        filter,
    })
}
