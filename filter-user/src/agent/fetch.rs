//! Fetches feeds when their time comes, each in a task of its own. What is good of it lies on disk afterwards, where the
//! agent finds it.

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

/// The tasks that fetch, and how they fare.
pub struct Fetcher {
    runtime: Handle,
    events: Sender<Event>,
    tasks: BTreeMap<String, (Feed, JoinHandle<()>)>,
    attempts: BTreeMap<String, Attempt>,
}

impl Fetcher {
    /// Fetches nothing yet.
    pub fn new(runtime: Handle, events: Sender<Event>) -> Self {
        Self {
            runtime,
            events,
            tasks: BTreeMap::new(),
            attempts: BTreeMap::new(),
        }
    }

    /// Fetches these feeds from now on, and no others. `fetched` says when their last good lists were.
    pub fn set(&mut self, feeds: &[Feed], store: &Store, fetched: impl Fn(&str) -> Option<SystemTime>) {
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

    /// Notes how fetching a feed went.
    pub fn note(&mut self, fetched: Fetched) {
        let Fetched { name, error } = fetched;
        let attempt = self.attempts.entry(name.clone()).or_default();
        match error {
            None => attempt.succeed(),
            Some(error) => {
                // A provider that is down for a week need not fill the log.
                if attempt.error.as_ref() != Some(&error) {
                    log::warn!("source {name}: {error}; its list of before, if any, stays in force");
                }
                attempt.fail(error);
            }
        }
    }

    /// How fetching a feed has gone so far.
    pub fn attempt(&self, name: &str) -> Attempt {
        self.attempts.get(name).cloned().unwrap_or_default()
    }
}

async fn keep_fetching(feed: Feed, store: Store, fetched: Option<SystemTime>, events: Sender<Event>) {
    let mut wait = schedule::first(&feed, fetched, SystemTime::now());
    let mut failures = 0;
    let aside = Aside::default();
    loop {
        time::sleep(wait).await;
        let error = refresh(&feed, &store, &aside).await.err();
        failures = if error.is_some() { failures + 1 } else { 0 };
        wait = schedule::next(&feed, failures);
        let name = feed.name.clone();
        if events.send(Event::Fetched(Fetched { name, error })).is_err() {
            // Nobody is there any more who wants to know.
            return;
        }
    }
}

/// Fetches once. In two steps, so that a task that was given up while it fetched keeps nothing of it.
async fn refresh(feed: &Feed, store: &Store, aside: &Aside) -> Result<(), String> {
    // Each way to fetch has this limit of its own, and says more than we can.
    let longest = feed.timeout + STUCK;
    let (of_task, store_of_task) = (feed.clone(), store.clone());
    let fetch = move || fetch_and_check(&of_task, &store_of_task, false);
    let (entries, _) = aside.run(longest, fetch).await?;
    let (of_task, store) = (feed.clone(), store.clone());
    let keep = move || Ok(store.save(&of_task, &entries, SystemTime::now())?);
    aside.run(STUCK, keep).await
}

/// Longer than reading and writing files takes on any disk that still works.
const STUCK: Duration = Duration::from_secs(15);

/// Work of which nobody knows how long it takes, in a thread of its own, one at a time. Whatever becomes of that thread, or
/// if there is none to be had, it is an attempt that failed.
#[derive(Default)]
struct Aside {
    /// Shared with the thread that is at work.
    busy: Arc<()>,
}

impl Aside {
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
        let (give, take) = oneshot::channel();
        let begun = Builder::new().name("fetch".into()).spawn(move || {
            let done = work();
            drop(busy);
            // Where it was given up, nobody wants to know.
            let _ = give.send(done);
        });
        begun.map_err(|error| format!("there is no thread to fetch it: {error}"))?;
        match time::timeout(longest, take).await {
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
        let aside = Aside::default();
        let (let_go, held) = channel::<()>();
        let stuck = move || {
            let _ = held.recv();
            Ok(1)
        };
        let soon = Duration::from_millis(50);
        let error = here(aside.run(soon, stuck)).unwrap_err();
        assert!(error.contains("not done after 50ms"), "{error}");
        let error = here(aside.run(soon, || Ok(2))).unwrap_err();
        assert!(error.contains("the attempt before"), "{error}");
        let_go.send(()).unwrap();
        while Arc::strong_count(&aside.busy) > 1 {
            std::thread::yield_now();
        }
        assert_eq!(here(aside.run(STUCK, || Ok(3))), Ok(3));
    }

    #[test]
    fn a_panic_is_an_attempt_that_failed() {
        let aside = Aside::default();
        let panics = || -> Result<(), Error> { panic!("as a test has it") };
        let error = here(aside.run(STUCK, panics)).unwrap_err();
        assert!(error.contains("panicked"), "{error}");
        assert_eq!(here(aside.run(STUCK, || Ok(()))), Ok(()));
    }
}
