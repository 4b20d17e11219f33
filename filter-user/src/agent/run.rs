//! The agent as a process: signals and other events come in, and one thread acts on them.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    time::{Duration, Instant},
};

use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{SignalKind, signal},
};

use super::{
    controller::{Controller, Options},
    error::Result,
    event::{Event, Fetched},
    service,
};
use crate::sys::{error::Doing as _, netlink::Changes};

/// Between two looks at everything, whether or not anything was heard.
const ROUND: Duration = Duration::from_secs(30);

/// Several files seldom change at one instant: what comes within this time is looked at together.
const SETTLES: Duration = Duration::from_millis(150);

/// Runs until a signal ends it.
pub fn run(options: Options) -> Result<()> {
    let (events, heard) = channel();
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("synwall-agent")
        .enable_all()
        .build()
        .doing(|| "cannot start the agent's threads".into())?;
    // Before anything is done, so that nothing is missed meanwhile.
    listen(&runtime, &events)?;
    let mut controller = Controller::start(options, runtime.handle().clone(), events)?;
    service::ready();
    attend(&mut controller, &heard);
    service::stopping();
    let stopped = controller.stop();
    // What a source's program or server does not answer is not waited for.
    runtime.shutdown_background();
    stopped
}

/// What several events come to: to look takes its time, and nobody is to wait for looks that another one makes idle.
#[derive(Debug, Default)]
struct News {
    stop: bool,
    reload: bool,
    /// Files or interfaces may have changed.
    changes: bool,
    fetched: Vec<Fetched>,
}

impl News {
    fn of(events: impl Iterator<Item = Event>) -> Self {
        let mut news = Self::default();
        for event in events {
            match event {
                Event::Stop => news.stop = true,
                Event::Reload => news.reload = true,
                Event::Files | Event::Interfaces => news.changes = true,
                Event::Fetched(fetched) => news.fetched.push(fetched),
            }
        }
        news
    }
}

/// Handles events until there is one that ends it.
fn attend(controller: &mut Controller, heard: &Receiver<Event>) {
    let pulse = service::watchdog().map_or(ROUND, |limit| limit / 3).min(ROUND);
    let mut round = Instant::now() + ROUND;
    let mut settles: Option<Instant> = None;
    loop {
        service::alive();
        let now = Instant::now();
        let next = [Some(round), settles, controller.wake_at()]
            .into_iter()
            .flatten()
            .min();
        let wait = next
            .map_or(pulse, |next| next.saturating_duration_since(now))
            .min(pulse);
        let news = match heard.recv_timeout(wait) {
            Ok(event) => News::of(std::iter::once(event).chain(heard.try_iter())),
            Err(RecvTimeoutError::Timeout) => News::default(),
            Err(RecvTimeoutError::Disconnected) => return,
        };
        if news.stop {
            return;
        }
        if !news.fetched.is_empty() {
            controller.fetched(news.fetched);
        }
        if news.reload {
            service::reloading();
            controller.reload();
            service::ready();
        }
        if news.changes {
            settles.get_or_insert_with(|| Instant::now() + SETTLES);
        }
        let now = Instant::now();
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if is_due(settles) || is_due(Some(round)) || is_due(controller.wake_at()) {
            if is_due(Some(round)) {
                round = now + ROUND;
            }
            settles = None;
            controller.resync();
        }
    }
}

/// Has signals and changes of interfaces come in as events.
fn listen(runtime: &Runtime, events: &Sender<Event>) -> Result<()> {
    let _inside = runtime.enter();
    for (kind, event) in [
        (SignalKind::hangup(), (|| Event::Reload) as fn() -> Event),
        (SignalKind::terminate(), || Event::Stop),
        (SignalKind::interrupt(), || Event::Stop),
    ] {
        let mut signals = signal(kind).doing(|| "cannot listen for signals".into())?;
        let events = events.clone();
        runtime.spawn(async move { while signals.recv().await.is_some() && events.send(event()).is_ok() {} });
    }
    let mut changes = Changes::new()?;
    let events = events.clone();
    runtime.spawn(async move {
        loop {
            if let Err(error) = changes.next().await {
                // They are looked at now and then in any case.
                log::error!(
                    "{error}; interfaces are looked at every {} s from now on",
                    ROUND.as_secs()
                );
                return;
            }
            if events.send(Event::Interfaces).is_err() {
                return;
            }
        }
    });
    Ok(())
}
