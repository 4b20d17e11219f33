//! Fetches feeds when their time comes, each in a task of its own. What is good of it lies on disk afterwards, where the
//! agent finds it.

use std::{collections::BTreeMap, sync::mpsc::Sender, time::SystemTime};

use tokio::{
    runtime::Handle,
    task::{self, JoinHandle},
    time,
};

use super::{Event, report::Attempt};
use crate::feed::{self, Feed, FeedError, From, schedule, store::Store};

/// The tasks that fetch, and how they fare.
pub struct Fetcher {
    runtime: Handle,
    events: Sender<Event>,
    tasks: BTreeMap<String, (Feed, JoinHandle<()>)>,
    attempts: BTreeMap<String, Attempt>,
}

/// How an attempt went.
#[derive(Debug)]
pub struct Fetched {
    /// The feed's name.
    pub name: String,
    /// Why there is no new list, if there is none.
    pub error: Option<String>,
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
            if feed.from == From::BuiltIn || self.tasks.contains_key(&feed.name) {
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
                    log::warn!("source {name}: {error}; its list of before stays in force");
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
    loop {
        time::sleep(wait).await;
        let error = refresh(&feed, &store).await.err();
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
async fn refresh(feed: &Feed, store: &Store) -> Result<(), String> {
    let (of_task, store_of_task) = (feed.clone(), store.clone());
    let entries = blocking(feed, move || {
        feed::fetch_and_check(&of_task, &store_of_task, false)
    })
    .await?
    .0;
    let (of_task, store) = (feed.clone(), store.clone());
    let keep = move || Ok(store.save(&of_task, &entries, SystemTime::now())?);
    blocking(feed, keep).await
}

async fn blocking<T: Send + 'static>(
    feed: &Feed,
    work: impl FnOnce() -> Result<T, FeedError> + Send + 'static,
) -> Result<T, String> {
    match task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| error.to_string()),
        Err(ended) => Err(format!("cannot fetch {}: {ended}", feed.name)),
    }
}
