//! Fetches feeds at their intervals, each in a task of its own. A good list is saved on disk, where the agent finds it.

use std::{
    collections::BTreeMap,
    sync::{Arc, mpsc::Sender},
    thread::Builder,
    time::{Duration, SystemTime},
};

use tokio::{runtime::Handle, sync::oneshot, task::JoinHandle, time};

use super::{
    event::{Event, Fetched},
    report::Attempt,
};
use crate::feed::{
    definition::{Feed, Location},
    error::Error,
    refresh::fetch_and_check,
    schedule,
    store::Store,
};

/// The tasks that fetch feeds, and how their attempts went.
pub struct Fetcher {
    runtime: Handle,
    events: Sender<Event>,
    tasks: BTreeMap<String, (Feed, JoinHandle<()>)>,
    attempts: BTreeMap<String, Attempt>,
}

impl Fetcher {
    /// Has no feed to fetch yet.
    pub fn new(runtime: Handle, events: Sender<Event>) -> Self {
        Self {
            runtime,
            events,
            tasks: BTreeMap::new(),
            attempts: BTreeMap::new(),
        }
    }

    /// Fetches these feeds from now on, and no others. `fetched` returns when the last good list of a feed was fetched.
    pub fn set_feeds(&mut self, feeds: &[Feed], store: &Store, fetched: impl Fn(&str) -> Option<SystemTime>) {
        self.tasks.retain(|name, (running, task)| {
            let stays = feeds.iter().any(|feed| feed.name == *name && feed == running);
            if !stays {
                task.abort();
            }
            stays
        });
        self.attempts
            .retain(|name, _| feeds.iter().any(|feed| feed.name == *name));
        for feed in feeds {
            if feed.location == Location::BuiltIn || self.tasks.contains_key(&feed.name) {
                continue;
            }
            let task = self.runtime.spawn(keep_fetching(
                feed.clone(),
                store.clone(),
                fetched(&feed.name),
                self.events.clone(),
            ));
            self.tasks.insert(feed.name.clone(), (feed.clone(), task));
        }
    }

    /// Records how an attempt to fetch went. An error that lasts is logged once.
    pub fn record(&mut self, fetched: Fetched) {
        let Fetched { name, error } = fetched;
        let attempt = self.attempts.entry(name.clone()).or_default();
        match error {
            None => attempt.succeed(),
            Some(error) => {
                // A provider that is down for a week must not fill the log.
                if attempt.error.as_ref() != Some(&error) {
                    log::warn!("source {name}: {error}; its list of before, if any, stays in force");
                }
                attempt.fail(error);
            }
        }
    }

    /// How the attempts to fetch a feed went.
    pub fn attempt(&self, name: &str) -> Attempt {
        self.attempts.get(name).cloned().unwrap_or_default()
    }
}

async fn keep_fetching(feed: Feed, store: Store, fetched: Option<SystemTime>, events: Sender<Event>) {
    let mut wait = schedule::first(&feed, fetched, SystemTime::now());
    let mut failures = 0;
    let worker = Worker::default();
    loop {
        time::sleep(wait).await;
        let error = refresh(&feed, &store, &worker).await.err();
        failures = if error.is_some() { failures + 1 } else { 0 };
        wait = schedule::next(&feed, failures);
        let name = feed.name.clone();
        if events.send(Event::Fetched(Fetched { name, error })).is_err() {
            // The agent has ended.
            return;
        }
    }
}

/// Fetches once, in two steps: a fetch that timed out must not save its list when it ends at last.
async fn refresh(feed: &Feed, store: &Store, worker: &Worker) -> Result<(), String> {
    // Each way to fetch has the timeout of its feed, and a more precise error: it should time out first.
    let longest = feed.timeout + DISK_TIMEOUT;
    let (of_task, store_of_task) = (feed.clone(), store.clone());
    let fetch = move || fetch_and_check(&of_task, &store_of_task, false);
    let (entries, _) = worker.run(longest, fetch).await?;
    let (of_task, store) = (feed.clone(), store.clone());
    let keep = move || Ok(store.save(&of_task, &entries, SystemTime::now())?);
    worker.run(DISK_TIMEOUT, keep).await
}

/// Longer than a working disk takes to read and write the files of a feed.
const DISK_TIMEOUT: Duration = Duration::from_secs(15);

/// Runs blocking work in a thread of its own, one at a time, with a timeout. A thread that hangs or panics, or that cannot be
/// started, is a failed attempt.
#[derive(Default)]
struct Worker {
    /// The running thread has a clone.
    busy: Arc<()>,
}

impl Worker {
    async fn run<T: Send + 'static>(
        &self,
        longest: Duration,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, String> {
        if Arc::strong_count(&self.busy) > 1 {
            return Err(
                "the attempt before has not ended yet: a disk, or a network file system, does not answer"
                    .into(),
            );
        }
        let busy = Arc::clone(&self.busy);
        let (sender, receiver) = oneshot::channel();
        let started = Builder::new().name("fetch".into()).spawn(move || {
            let done = work();
            drop(busy);
            // After a timeout there is no receiver.
            let _ = sender.send(done);
        });
        started.map_err(|error| format!("there is no thread to fetch it: {error}"))?;
        match time::timeout(longest, receiver).await {
            Ok(Ok(done)) => done.map_err(|error| error.to_string()),
            Ok(Err(_)) => Err("the thread that fetched it has panicked".into()),
            Err(_) => Err(format!(
                "it was not done after {}, and does not end",
                crate::model::duration::format(longest)
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    fn here<T>(work: impl Future<Output = T>) -> T {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_time().build().unwrap().block_on(work)
    }

    #[test]
    fn work_that_does_not_end_is_a_failure_and_so_is_each_attempt_until_it_has() {
        let worker = Worker::default();
        let (let_go, held) = channel::<()>();
        let stuck = move || {
            let _ = held.recv();
            Ok(1)
        };
        let soon = Duration::from_millis(50);
        let error = here(worker.run(soon, stuck)).unwrap_err();
        assert!(error.contains("not done after 50ms"), "{error}");
        let error = here(worker.run(soon, || Ok(2))).unwrap_err();
        assert!(error.contains("the attempt before"), "{error}");
        let_go.send(()).unwrap();
        while Arc::strong_count(&worker.busy) > 1 {
            std::thread::yield_now();
        }
        assert_eq!(here(worker.run(DISK_TIMEOUT, || Ok(3))), Ok(3));
    }

    #[test]
    fn a_panic_is_an_attempt_that_failed() {
        let worker = Worker::default();
        let panics = || -> Result<(), Error> { panic!("as a test has it") };
        let error = here(worker.run(DISK_TIMEOUT, panics)).unwrap_err();
        assert!(error.contains("panicked"), "{error}");
        assert_eq!(here(worker.run(DISK_TIMEOUT, || Ok(()))), Ok(()));
    }
}
